vocabulary = tg.Vocabulary.count(splits.train.texts, "basic_english")
print(f"{len(vocabulary):,} entries:", *vocabulary.words[:10], "...")
ids = vocabulary.ids(tg.tokenize("Oil prices hit Zanzibar", "basic_english"))
print(ids.tolist(), vocabulary.tokens(ids))
