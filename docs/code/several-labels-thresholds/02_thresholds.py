half = tg.NgramClassifier(thresholds=0.5).fit(splits.train)
for name, classifier in (("0.5 for all", half), ("chosen", model)):
    evaluation = tg.evaluate(classifier, splits.test)
    print(name, {key: round(evaluation[key].value, 3) for key in ("f1_micro", "f1_macro", "accuracy")})
