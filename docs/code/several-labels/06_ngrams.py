ngrams = tg.NgramClassifier().fit(train)
print(tg.evaluate(ngrams, test))
