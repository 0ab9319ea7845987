from sklearn.metrics import classification_report

model = tg.NgramClassifier().fit(texts, labels)
test = tg.read_table("data/emotion/test.txt")
true = [test.task.labels[i] for i in test.targets]
print(classification_report(true, model.predict(test.texts), digits=3))
