from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer


def without_links(texts):
    return [
        " ".join(word for word in text.split() if not word.startswith("http"))
        for text in texts
    ]


pipeline = make_pipeline(FunctionTransformer(without_links), tg.NgramClassifier())
pipeline.fit(texts, labels)
print(pipeline.predict(["i feel wonderful http://example.org/x"]))
