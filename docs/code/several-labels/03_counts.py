for name, rows in zip(names, train.counts):
    print(f"{name:12} {rows:5,} tweets  {rows / len(train):5.1%}")

per_tweet = targets.sum(axis=1)
print("tweets with 0, 1, 2, ... emotions:", np.bincount(per_tweet))
