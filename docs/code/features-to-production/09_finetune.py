model = tg.FineTunedClassifier("all-MiniLM-L6-v2")
model.fit(splits.train, valid=splits.valid)

results["fine-tuned"] = tg.evaluate(model, splits.test)
print("accuracy   ", results["fine-tuned"].metrics["accuracy"])
print("weighted F1", results["fine-tuned"].metrics["f1_weighted"])
model.plot_training().save("images/training.svg")
results["fine-tuned"].plot_confusion().save("images/confusion-fine-tuned.svg")
