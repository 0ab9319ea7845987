print(splits.train.texts[0])
print(tg.tokenize(splits.train.texts[0], "basic_english"))
