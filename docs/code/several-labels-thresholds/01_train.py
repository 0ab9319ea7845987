import textgraft as tg

splits = tg.given_splits(
    tg.read_table("data/semeval2018_ec/train.tsv"),
    test=tg.read_table("data/semeval2018_ec/dev.tsv"),
)
print(splits)
model = tg.NgramClassifier().fit(splits.train)
print(tg.evaluate(model, splits.test))
