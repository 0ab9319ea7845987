import textgraft as tg

ROWS = 600

data = tg.read_table("data/semeval2018_ec/train.tsv")
splits = tg.given_splits(
    data.select(range(min(ROWS, len(data)))),
    test=tg.read_table("data/semeval2018_ec/dev.tsv"),
)
for encoder in ("all-MiniLM-L6-v2", "models/tuned"):
    model = tg.FeatureClassifier(encoder=encoder).fit(splits.train)
    print(encoder, tg.evaluate(model, splits.test))
