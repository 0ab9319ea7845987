methods = [
    tg.NgramClassifier(),
    tg.FeatureClassifier(long="truncate"),
    tg.FeatureClassifier(long="window"),
]
for method in methods:
    model = method.fit(splits.train, valid=splits.valid)
    print(model.method, tg.evaluate(model, splits.test))
