evaluation = tg.evaluate(model, splits.test)
print(evaluation)
evaluation.plot_confusion().save("images/confusion.svg")
