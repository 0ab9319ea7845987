glove = tg.RecurrentClassifier(**net_settings, vectors="glove.6B.50d").fit(splits.train)
show("LSTM on frozen GloVe", glove)
print(glove.notes_[0])
