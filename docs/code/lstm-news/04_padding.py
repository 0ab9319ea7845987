EPOCHS = 6
settings = {
    "cell": "lstm",
    "layers": 1,
    "hidden": 64,
    "bidirectional": False,
    "pooling": "last",
    "tokenizer": "basic_english",
    "epochs": EPOCHS,
    "min_count": 1,
}
scratch = tg.RecurrentClassifier(**settings, width=32)
batches = scratch.batches(splits.train, order="rows")
print(batches)
print(batches[0])
batches[0].plot().save("images/padding.svg")
