import textgraft as tg

train = tg.read_table("data/imdb/train.parquet")
test = tg.read_table("data/imdb/test.parquet")
splits = tg.given_splits(train, test=test, drop_leaks=True)
print(splits)
print(*splits.notes, sep="\n")
