from sklearn.ensemble import VotingClassifier

vote = VotingClassifier(
    [("words", tg.NgramClassifier(characters=None)), ("features", tg.FeatureClassifier())],
    voting="soft",
)
vote.fit(texts, labels)
print(round(vote.score(test.texts[:500], true[:500]), 3))
