import textgraft as tg

splits = tg.split(tg.read_table("data/climate/tweets.csv"), seed=0)
labels = splits.task.labels
print(dict(zip(labels, splits.train.counts.tolist())))

plain = tg.NgramClassifier().fit(splits.train, valid=splits.valid)
print(tg.evaluate(plain, splits.test))
