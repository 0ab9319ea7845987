network.compile(keras.optimizers.Adam(5e-5))
history = network.fit(
    network.train_batches,
    validation_data=network.valid_batches,
    epochs=EPOCHS,
    verbose=0,
)
for name, values in history.history.items():
    print(f"{name:<14}", *(f"{value:.3f}" for value in values))
