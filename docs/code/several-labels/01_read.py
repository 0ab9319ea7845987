import textgraft as tg

train = tg.read_table("data/semeval2018_ec/train.tsv")
test = tg.read_table("data/semeval2018_ec/dev.tsv")
print(train)
print(train.notes[0])
print(train.texts[0])
