sentences = [
    "this film is terrible",
    "this film is great",
    "this film is good",
    "a waste of time",
]


def show(model):
    for sentence, (_, positive) in zip(sentences, model.predict_proba(sentences)):
        print(f"{sentence:24}{positive:.3f} positive -> {int(positive > 0.5)}")


show(model)
