ROWS = 5_000
reader = tg.RecurrentClassifier("gru", encoder="all-MiniLM-L6-v2", epochs=6)
reader.fit(splits.train.sample(ROWS))
print(*reader.notes_[1:], sep="\n")
