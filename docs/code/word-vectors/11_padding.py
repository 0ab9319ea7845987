longest = max(splits.test.texts, key=len)
alone = model.predict_proba(["a waste of time"])
padded = model.predict_proba(["a waste of time", longest])
print(len(tg.tokenize(longest)) - 4, "columns of padding;", alone[0], padded[0])
