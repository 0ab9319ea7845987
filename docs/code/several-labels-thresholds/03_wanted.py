sure = tg.NgramClassifier(thresholds={"joy": "precision 0.8", "anger": "recall 0.8"}).fit(splits.train)
print(tg.evaluate(sure, splits.test))
