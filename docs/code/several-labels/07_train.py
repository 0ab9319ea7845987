EPOCHS = 6

model = tg.FineTunedClassifier("all-MiniLM-L6-v2", epochs=EPOCHS, folder="models/training")
model.fit(train)
print("validation micro-F1 by epoch:", model.chosen_["valid_scores"])
print("kept: epoch", model.chosen_["best_epoch"])
