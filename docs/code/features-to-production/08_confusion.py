result = results["mean, linear"]
result.plot_confusion().save("images/confusion-features.svg")

shares = result.confusion / result.confusion.sum(axis=1, keepdims=True)
for label, row in zip(train.task.labels, shares, strict=True):
    print(f"{label:>8}", *(f"{share:5.2f}" for share in row))
