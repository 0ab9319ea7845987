linear = {"head": "linear", "neighbour_share": 0}
classifiers = {
    "[CLS], linear": tg.FeatureClassifier(pooling="cls", **linear),
    "mean, linear": tg.FeatureClassifier(**linear),
    "mean, best head": tg.FeatureClassifier(),
    "n-grams": tg.NgramClassifier(),
}
results = {"floor": tg.evaluate(floor, splits.test)}
for name, classifier in classifiers.items():
    classifier.fit(splits.train, valid=splits.valid)
    results[name] = tg.evaluate(classifier, splits.test)

for name, result in results.items():
    print(f"{name:<16} {result.metrics['accuracy']}")
