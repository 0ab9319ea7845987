best = tg.RecurrentClassifier(
    "lstm", vectors="glove.6B.50d", train_vectors="tuned", tokenizer="treebank"
).fit(splits.train)
show("two layers, both ways", best)
best.save("models/news")
print(best.predict(["Oil prices hit a new high as the dollar falls"]))
