for thresholds in (0.5, "global", "label"):
    classifier = tg.NgramClassifier(thresholds=thresholds).fit(splits.train)
    metrics = tg.evaluate(classifier, splits.test).metrics
    for metric in ("f1_micro", "f1_macro", "accuracy"):
        print(f"{thresholds:6} {metric:8} {metrics[metric]}")
