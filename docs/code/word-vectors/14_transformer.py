import numpy as np

ROWS = 5_000
order = np.random.default_rng(0).permutation
few = splits.train.select(order(len(splits.train))[:ROWS])
asked = splits.test.select(order(len(splits.test))[:ROWS])

reader = tg.RecurrentClassifier("gru", encoder="all-MiniLM-L6-v2", epochs=6)
reader.fit(few)
print(*reader.notes_[1:], sep="\n")
