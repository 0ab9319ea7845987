metric = tg.NgramClassifier(metric="macro-F1").fit(splits.train, valid=splits.valid)
print(tg.evaluate(metric, splits.test))
