given = probabilities >= model.thresholds_
wrong = (given != np.asarray(test.targets)).sum(axis=1)
for n, tweets in enumerate(np.bincount(wrong)):
    print(f"{n} of {len(names)} emotions wrong: {tweets:3} tweets  {tweets / len(test):5.1%}")
