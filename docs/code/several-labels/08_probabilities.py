probabilities = model.predict_proba(test.texts)
truth = np.asarray(test.targets)
print(probabilities.shape)
print(test.texts[0])
for name, p, carried in zip(names, probabilities[0], truth[0]):
    print(f"{name:12} {p:.2f}", "carried" if carried else "")
print(f"sum          {probabilities[0].sum():.2f}")
