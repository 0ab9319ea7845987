EPOCHS = 5
model = tg.RecurrentClassifier(
    "gru",
    layers=2,
    hidden=128,
    bidirectional=True,
    vectors="glove.6B.50d",
    train_vectors="frozen",
    max_size=10_000,
    epochs=EPOCHS,
)
bucketed = model.batches(splits.train, order="training")
print("Row after row:", model.batches(splits.train, order="rows"))
print("By length:    ", bucketed)
