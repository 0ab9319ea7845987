import textgraft as tg

ROWS = 1000

train = tg.read_table("data/emotion/train.txt")
train = train.select(range(min(ROWS, len(train))))
test = tg.read_table("data/emotion/test.txt")
for method in (tg.NgramClassifier(), tg.FeatureClassifier(neighbour_share=0)):
    model = method.fit(train)
    print(model.method, tg.evaluate(model, test))
