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
plain = model.batches(splits.train, order="rows")
bucketed = model.batches(splits.train, order="training")
print("Row after row:", plain)
print("By length:    ", bucketed)
plain[0].plot().save("images/row-after-row.svg")
bucketed[0].plot().save("images/by-length.svg")
