import textgraft as tg

train = tg.read_table("data/emotion/train.txt")
valid = tg.read_table("data/emotion/val.txt", like=train)
test = tg.read_table("data/emotion/test.txt", like=train)

splits = tg.given_splits(train, valid, test, drop_leaks=True)
print(*splits.notes, sep="\n")
for label, count in zip(train.task.labels, train.counts, strict=True):
    print(f"{label:>8} {count:6,}")
