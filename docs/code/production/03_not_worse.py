import textgraft as tg

train = tg.read_table("data/emotion/val.txt")
test = tg.read_table("data/emotion/test.txt", like=train)
old = tg.NgramClassifier().fit(train)
new = tg.load("models/new")

found = tg.compare_paired(
    new.predict_proba(test.texts),
    old.predict_proba(test.texts),
    test.targets,
    test.task,
)
print("new less old:", found.difference)
worse = found.difference.value < 0 and found.p_value < 0.05
print("measurably worse" if worse else "not measurably worse")
