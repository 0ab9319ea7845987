from sklearn.model_selection import cross_val_score

import textgraft as tg

ROWS = 1000

data = tg.read_table("data/emotion/train.txt")
texts = data.texts[:ROWS]
labels = [data.task.labels[i] for i in data.targets[:ROWS]]

scores = cross_val_score(tg.NgramClassifier(), texts, labels, cv=3, scoring="f1_macro")
print(scores.round(3))
