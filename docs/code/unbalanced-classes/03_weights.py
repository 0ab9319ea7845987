weighted = tg.NgramClassifier(metric="macro-F1", class_weight="balanced")
weighted.fit(splits.train, valid=splits.valid)
print(tg.evaluate(weighted, splits.test))
