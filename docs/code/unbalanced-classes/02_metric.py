moved = tg.NgramClassifier(metric="macro-F1").fit(splits.train, valid=splits.valid)

for model in (plain, moved):
    metrics = tg.evaluate(model, splits.test).metrics
    print(f"accuracy {metrics['accuracy']}, macro-F1 {metrics['f1_macro']}")
