import textgraft as tg

train = tg.read_table("data/emotion/train.txt")
print(len(train), "texts, labelled", ", ".join(train.task.labels))
