from sklearn.ensemble import VotingClassifier
from sklearn.metrics import classification_report

vote = VotingClassifier([("words", tg.NgramClassifier(characters=None)), ("both", tg.NgramClassifier())], voting="soft")
vote.fit(texts, labels)
test = tg.read_table("data/emotion/test.txt")
print(classification_report([test.task.labels[i] for i in test.targets], vote.predict(test.texts), digits=3))
