floor = tg.MajorityClassifier().fit(splits.train)
print(tg.evaluate(floor, splits.test))
