def accuracy(train, test):
    return tg.evaluate(tg.NgramClassifier().fit(train), test).metrics["accuracy"].value


print("seed  random  clean")
for seed in (1, 2):
    train_rows, test_rows = train_test_split(rows, test_size=0.2, random_state=seed)
    random = accuracy(data.select(train_rows), data.select(test_rows))
    splits = tg.split(data, valid=0, test=0.2, seed=seed)
    print(f"{seed:4}  {random:.3f}   {accuracy(splits.train, splits.test):.3f}")
