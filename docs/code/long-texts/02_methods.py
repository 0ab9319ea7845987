methods = [
    tg.NgramClassifier(),
    tg.FeatureClassifier(long="truncate"),
    tg.FeatureClassifier(long="window"),
]
comparison = tg.compare(methods, splits)
print(comparison)
for result in comparison.results:
    print(f"{result.name}: {result.evaluation.metrics['accuracy']}")
