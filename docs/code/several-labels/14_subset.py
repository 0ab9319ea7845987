given = probabilities >= model.thresholds_
wrong = (given != truth).sum(axis=1)
for n, tweets in enumerate(np.bincount(wrong)):
    print(f"{n} of {len(names)} wrong: {tweets:3} tweets, {tweets / len(test):5.1%}")
