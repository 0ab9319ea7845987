from sklearn.model_selection import cross_val_score

import textgraft as tg

data = tg.read_table("data/emotion/train.txt")
texts, labels = data.texts[:2000], [data.task.labels[i] for i in data.targets[:2000]]

print(cross_val_score(tg.NgramClassifier(), texts, labels, cv=5, scoring="f1_macro"))
