ROWS = 300

train = tg.read_table("data/semeval2018_ec/train.tsv")
train = train.select(range(min(ROWS, len(train))))
test = tg.read_table("data/semeval2018_ec/dev.tsv")
for encoder in ("all-MiniLM-L6-v2", "encoders/small"):
    model = tg.FeatureClassifier(encoder=encoder, neighbour_share=0).fit(train)
    print(encoder, tg.evaluate(model, test))
