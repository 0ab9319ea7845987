half = tg.NgramClassifier(thresholds=0.5).fit(splits.train)

for name, classifier in (("0.5 for all", half), ("chosen", model)):
    metrics = tg.evaluate(classifier, splits.test).metrics
    for metric in ("f1_micro", "f1_macro", "accuracy"):
        print(f"{name:12} {metric:9} {metrics[metric]}")
