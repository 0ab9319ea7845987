EPOCHS = 6

model = tg.FineTunedClassifier(
    "all-MiniLM-L6-v2", epochs=EPOCHS, learning_rate=1e-4, folder="models/training"
)
model.fit(train)
print("micro-F1 on held-out rows, epoch by epoch:", model.chosen_["valid_scores"])
print("kept: epoch", model.chosen_["best_epoch"])
model.plot_training().save("images/training.svg")
