wanted = {"joy": "precision 0.8", "anger": "recall 0.8"}
sure = tg.NgramClassifier(thresholds=wanted).fit(splits.train)

evaluation = tg.evaluate(sure, splits.test)
for label in wanted:
    figures = evaluation.per_label[label]
    print(f"{label}: precision {figures['precision']}, recall {figures['recall']}")
