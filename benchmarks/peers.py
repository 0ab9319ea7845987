"""The peers of ``ladder.py``: the same data through scikit-learn's usual pipeline, or through fastText.

    python benchmarks/peers.py sklearn|fasttext emotion|imdb|ag_news DATA_FOLDER

Prints accuracy and macro-F1 on the test file as JSON. fastText needs ``pip install fasttext-wheel``.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path

Table = tuple[list[str], list[str]]


def emotion(path: Path) -> Table:
    rows = [line.rsplit(";", 1) for line in path.read_text("utf-8").splitlines()[1:]]
    return [text for text, _ in rows], [label for _, label in rows]


def ag_news(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def imdb(path: Path) -> Table:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return table["text"].to_pylist(), table["label"].to_pylist()


FILES = {
    "emotion": (emotion, "emotion/train.txt", "emotion/test.txt"),
    "ag_news": (ag_news, "ag_news/train.csv", "ag_news/test.csv"),
    "imdb": (imdb, "imdb/train.parquet", "imdb/test.parquet"),
}


def sklearn(train: Table, texts: list[str]) -> list[str]:
    """Words 1-2 and characters 2-5; for long reviews words only, since the characters of 50,000 take many minutes."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    long = sum(map(len, train[0])) / len(train[0]) > 500
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    features = words if long else make_union(words, characters)
    predicted: list[str] = make_pipeline(features, LinearSVC()).fit(*train).predict(texts).tolist()
    return predicted


def fasttext(train: Table, texts: list[str]) -> list[str]:
    import fasttext as ft

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        lines = (
            f"__label__{label.replace(' ', '_')} {' '.join(text.split())}" for text, label in zip(*train, strict=True)
        )
        path.write_text("\n".join(lines) + "\n", "utf-8")
        model = ft.train_supervised(str(path), wordNgrams=2, epoch=10, lr=0.5, thread=2, verbose=0)
        labels, _ = model.f.predict, None
        found = [labels(" ".join(text.split()) + "\n", 1, 0.0, "strict") for text in texts]
    return [result[0][1].removeprefix("__label__").replace("_", " ") for result in found]


def main() -> None:
    from sklearn.metrics import accuracy_score, f1_score

    method, name, data = sys.argv[1:]
    read, train_file, test_file = FILES[name]
    train, test = read(Path(data) / train_file), read(Path(data) / test_file)
    predicted = {"sklearn": sklearn, "fasttext": fasttext}[method](train, test[0])
    scores = {
        "accuracy": accuracy_score(test[1], predicted),
        "f1_macro": f1_score(test[1], predicted, average="macro"),
    }
    print(json.dumps(scores))


if __name__ == "__main__":
    main()
