weighted = tg.NgramClassifier(metric="macro-F1", class_weight="balanced").fit(splits.train, valid=splits.valid)
print(tg.compare_paired(weighted, metric, splits.test))
