methods = [
    tg.NgramClassifier(),
    tg.FeatureClassifier(long="truncate"),
    tg.FeatureClassifier(long="window"),
]
print(tg.compare(methods, splits))
