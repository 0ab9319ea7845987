import textgraft as tg

ROWS = 400

data = tg.read_table("data/semeval2018_ec/train.tsv")
some = data.select(range(min(ROWS, len(data))))
test = tg.read_table("data/semeval2018_ec/dev.tsv")
for encoder in ("all-MiniLM-L6-v2", "models/tuned"):
    model = tg.FeatureClassifier(encoder=encoder, neighbour_share=0).fit(some)
    print(encoder, tg.evaluate(model, test))
