import textgraft as tg

train = tg.read_table("data/ag_news/train.csv")
test = tg.read_table("data/ag_news/test.csv")
splits = tg.given_splits(train, test=test)
print(splits)
for label, rows in zip(train.task.labels, train.counts):
    print(f"{label:10}{rows:6,} rows")
