weighted = tg.NgramClassifier(class_weight="balanced")
print(tg.compare([tg.NgramClassifier(), weighted], splits, metric="macro-F1"))
