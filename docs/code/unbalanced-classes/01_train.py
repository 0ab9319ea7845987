import textgraft as tg

splits = tg.split(tg.read_table("data/climate/tweets.csv"), seed=0)
labels = splits.task.labels

plain = tg.NgramClassifier().fit(splits.train, valid=splits.valid)
evaluation = tg.evaluate(plain, splits.test)
print(evaluation)
for label, figures in evaluation.per_label.items():
    print(f"{label:>2}: {figures['support']:,} rows, F1 {figures['f1']}")
