text = splits.train.texts[0]
print(text[:88])
print(*tg.tokenize(text, "basic_english")[:17], sep=" | ")
