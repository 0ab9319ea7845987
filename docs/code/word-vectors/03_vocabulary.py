vocabulary = tg.Vocabulary.count(splits.train.texts, "treebank", max_size=10_000)
print(len(vocabulary), "entries:", *vocabulary.words[:10], "...")

ids = vocabulary.ids(tg.tokenize("What a kafkaesque film!"))
print(ids.tolist())
print(vocabulary.tokens(ids))

times = vocabulary.frequencies
unknown = times[vocabulary.unknown_id] / times.sum()
print(f"{unknown:.1%} of all running words are not among the 10,000")
