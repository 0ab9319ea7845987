glove = tg.RecurrentClassifier(**settings, vectors="glove.6B.50d")
glove.fit(splits.train)
show("LSTM on frozen GloVe", glove)
print(glove.notes_[0])
