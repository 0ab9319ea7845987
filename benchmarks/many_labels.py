"""Very many labels: n-grams on passages of IMDB reviews, where each review is a label.

    python benchmarks/many_labels.py
    python benchmarks/many_labels.py --labels 500 --peers naive-bayes,sgd

Of each review long enough eight passages are learnt from and two are tested on: which review is a passage from? It is
far harder than tables of products or topics are, so that accuracies are low; what is measured is time and memory.
Peers are scikit-learn's on the same texts, with as many n-grams: complement naive Bayes (Rennie et al. 2003), the one
that is meant for such tables, and linear SVMs by stochastic gradient descent, a label against the rest. Every contender
is a process of its own, one after the other. The exit code is 1 if a bound was not met or a process failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import Bench, Bounds, Figures, head, places_of_files, report, run_job, some_of

BOUNDS: Bounds = {"peak_mb": ("<=", 4_000), "seconds": ("<=", 600)}
PASSAGES, TESTED, FEWEST_WORDS = 10, 2, 12
PEERS = {"naive-bayes": "scikit-learn, ComplementNB", "sgd": "scikit-learn, SGDClassifier"}
NOTE = """\
Seconds and memory are of the whole process: reading, training, predicting the tested passages in one call. texts/s: of
that call alone. textgraft chooses its regularisation and calibrates besides, and takes characters too."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=5_000)
    parser.add_argument("--peers", type=some_of(PEERS), default=["naive-bayes"])
    places_of_files(parser)
    options = parser.parse_args()
    bench = Bench("many_labels.py", options.log)
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "passages.json"
        rows = passages(options.data.resolve() / "imdb", options.labels, table)
        contenders: dict[str, Figures | None] = {"textgraft": bench.process({"do": "textgraft", "table": str(table)})}
        features = (contenders["textgraft"] or {}).get("features", 27_000)
        for name in options.peers:
            job = {"do": "peer", "method": name, "table": str(table), "features": features}
            contenders[PEERS[name]] = bench.process(job)
    lines = [
        *head(f"{options.labels:,} labels, {rows:,} passages"),
        "| | seconds | peak MB | features | accuracy | texts/s |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, figures in contenders.items():
        if figures:
            lines.append(
                f"| {name} | {figures['seconds']:,.0f} | {figures['peak_mb']:,.0f} | {figures['features']:,.0f} | "
                f"{figures['accuracy']:.3f} | {figures['texts/s']:,.0f} |"
            )
    lines += ["", NOTE]
    if ours := contenders["textgraft"]:
        lines += ["", bench.bounds("textgraft", BOUNDS, ours)]
    report(lines, options.out, bench)


def passages(folder: Path, labels: int, table: Path) -> int:
    """Writes the texts and labels of both parts as JSON, and says how many there are."""
    import pyarrow.parquet as pq

    parts: dict[str, tuple[list[str], list[str]]] = {"train": ([], []), "test": ([], [])}
    found = 0
    for name in ("train", "test"):
        for review in pq.read_table(folder / f"{name}.parquet", columns=["text"])["text"].to_pylist():
            words = review.replace("<br />", " ").split()
            if found == labels:
                break
            if len(words) < PASSAGES * FEWEST_WORDS:
                continue
            for i in range(PASSAGES):
                texts, names = parts["test" if i % (PASSAGES // TESTED) == 2 else "train"]
                texts.append(" ".join(words[i * len(words) // PASSAGES : (i + 1) * len(words) // PASSAGES]))
                names.append(f"review {found}")
            found += 1
    table.write_text(json.dumps(parts), "utf-8")
    return PASSAGES * found


def textgraft(job: dict[str, Any]) -> Figures:
    from textgraft import NgramClassifier

    parts = json.loads(Path(job["table"]).read_text("utf-8"))
    model = NgramClassifier().fit(*parts["train"])
    return predicted(model.predict, *parts["test"]) | {"features": len(model.model_.weights)}


def peer(job: dict[str, Any]) -> Figures:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.naive_bayes import ComplementNB
    from sklearn.pipeline import make_pipeline

    parts = json.loads(Path(job["table"]).read_text("utf-8"))
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_features=int(job["features"]))
    model = make_pipeline(words, ComplementNB() if job["method"] == "naive-bayes" else SGDClassifier(n_jobs=-1))
    model.fit(*parts["train"])
    return predicted(model.predict, *parts["test"]) | {"features": len(words.vocabulary_)}


def predicted(predict: Any, texts: list[str], labels: list[str]) -> Figures:
    start = time.perf_counter()
    names = predict(texts)
    seconds = time.perf_counter() - start
    right = sum(name == label for name, label in zip(names, labels, strict=True))
    return {"accuracy": right / len(labels), "texts/s": len(texts) / seconds}


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        run_job({"textgraft": textgraft, "peer": peer})
    else:
        main()
