model.plot_probabilities(TEXT).save("images/one-text.svg")
