result = results["mean, linear"]
result.plot_confusion().save("images/confusion-features.svg")

names = train.task.labels
shares = result.confusion / result.confusion.sum(axis=1, keepdims=True)
print(" " * 8, *(f"{name:>8}" for name in names))
for name, row in zip(names, shares, strict=True):
    print(f"{name:>8}", *(f"{share:8.2f}" for share in row))
