scratch.fit(splits.train)


def show(name, model):
    score = tg.evaluate(model, splits.test).metrics["accuracy"]
    epochs = " ".join(f"{each:.3f}" for each in model.chosen_["valid_scores"])
    print(f"{name:22} test {score}   validation {epochs}")


show("LSTM from scratch", scratch)
scratch.plot_training().save("images/training.svg")
