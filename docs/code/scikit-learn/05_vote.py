from sklearn.ensemble import VotingClassifier

members = [
    ("words", tg.NgramClassifier(characters=None)),
    ("features", tg.FeatureClassifier()),
]
vote = VotingClassifier(members, voting="soft").fit(texts, labels)
print(round(vote.score(test.texts[:500], true[:500]), 3))
