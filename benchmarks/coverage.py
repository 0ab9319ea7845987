"""How often do 95 % intervals hold the truth, and are p-values uniform where nothing differs?

    python benchmarks/coverage.py grid [--data-sets 1000] [--jobs 2]
    python benchmarks/coverage.py p-values

Classifiers are simulated: Gaussian scores, further apart for some labels than for others, and so much apart in all that
the accuracy is the one asked for (of a multi-label task: the share of right pairs of a row and a label). The truth of
each metric is its value on 400,000 rows of the same process.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.bootstrap import row_means
from textgraft.evaluation.evaluation import evaluate_predictions
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.metrics import parts_of
from textgraft.task import Task

ROWS = (10, 20, 50, 100, 500, 5000)
ACCURACIES = (0.6, 0.8, 0.9, 0.95, 0.98, 0.995)
LABELS = (2, 4, 20)
RARITY = {2: 4.0, 4: 10.0, 20: 30.0}  # rows of the most frequent label for one of the rarest, where they are skewed
ROWS_OF_TRUTH = 400_000
LOWEST, HIGHEST = 0.93, 0.98
SINGLE = (
    *("accuracy", "balanced_accuracy", "precision_macro", "f1_macro", "f1_weighted", "matthews_corrcoef", "roc_auc"),
    *("average_precision", "log_loss", "ece"),
)
MULTI = (
    *("accuracy", "f1_micro", "f1_macro", "f1_weighted", "f1_samples", "jaccard_macro", "hamming_loss"),
    *("roc_auc_micro", "roc_auc_macro", "average_precision_micro", "average_precision_macro", "log_loss", "ece"),
)
OF_LABEL = ("precision", "recall", "f1", "roc_auc", "average_precision")


@dataclass(frozen=True)
class Process:
    """A simulated classifier; even labels come with calibrated probabilities, skewed ones with over-confident ones."""

    multi: bool
    labels: int
    skewed: bool
    accuracy: float

    @property
    def task(self) -> Task:
        """Its labels."""
        return Task(tuple(f"label {j}" for j in range(self.labels)), multi_label=self.multi)

    @property
    def shares(self) -> NDArray[np.float64]:
        """(k,) how many rows carry each label, the most frequent first."""
        rarity = RARITY[self.labels] if self.skewed else 1.0
        shares = rarity ** -np.linspace(0, 1, self.labels)
        return 0.4 * shares if self.multi else shares / shares.sum()

    def draw(self, n: int, rng: np.random.Generator, apart: float | None = None) -> tuple[Any, Any]:
        """(n, k) probabilities and targets."""
        apart = self.apart if apart is None else apart
        ease = np.linspace(1.2, 0.8, self.labels) * apart
        sharpness = 1.5 if self.skewed else 1.0
        k = self.labels
        if self.multi:
            # what a row is about and how hard it is are common to its labels
            common, hard = rng.normal(size=(2, n, 1))
            z = math.sqrt(0.7) * rng.normal(size=(n, k)) + math.sqrt(0.3) * common
            y = z > -_normal_quantile(self.shares)
            scores = (2 * y - 1) * ease + math.sqrt(0.8) * rng.normal(size=(n, k)) + math.sqrt(0.2) * hard
            return 1 / (1 + np.exp(-np.clip(2 * sharpness * ease * scores, -30, 30))), y
        y = rng.choice(k, n, p=self.shares)
        scores = rng.normal(size=(n, k))
        scores[np.arange(n), y] += ease[y]
        logits = sharpness * apart * scores
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True), y

    @property
    def apart(self) -> float:
        """How far apart the scores of labels are."""
        return _apart(self)


@lru_cache
def _apart(process: Process) -> float:
    low, high = 0.0, 12.0
    for _ in range(20):
        middle = (low + high) / 2
        p, y = process.draw(50_000, np.random.default_rng(0), middle)
        right = ((p >= 0.5) == y).mean() if process.multi else (p.argmax(axis=1) == y).mean()
        low, high = (middle, high) if right < process.accuracy else (low, middle)
    return high


def _normal_quantile(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtri

    return ndtri(shares)


def figures(predictions: Predictions) -> dict[str, float]:
    """The metrics alone."""
    found = {}
    parts = parts_of(predictions)
    for part, means in zip(parts, row_means(parts, len(predictions)), strict=True):
        scores = part.scores(means)
        found |= {name: float(value[0]) for name, value in scores.overall.items()}
        for name, values in scores.per_label.items():
            found |= {f"{name} of {j}": float(values[j, 0]) for j in (0, len(values) - 1)}
    return found


@lru_cache
def truth_of(process: Process) -> dict[str, float]:
    """Of each metric."""
    p, y = process.draw(ROWS_OF_TRUTH, np.random.default_rng(1))
    return figures(check_predictions(p, y, process.task))


def cell(case: tuple[Process, int], data_sets: int, resamples: int) -> dict[str, tuple[float, float, float, float]]:
    """Of each metric: coverage, mean width, share of data sets with an interval, and without width."""
    process, n = case
    truth = truth_of(process)
    names = MULTI if process.multi else SINGLE
    held: dict[str, list[tuple[bool, float, float]]] = defaultdict(list)
    for seed in range(data_sets):
        p, y = process.draw(n, np.random.default_rng((seed, n)))
        found = evaluate_predictions(check_predictions(p, y, process.task), seed=seed, resamples=resamples)
        intervals: dict[str, Any] = {name: found.metrics[name] for name in names}
        for j in (0, process.labels - 1):
            of_label = found.per_label[process.task.labels[j]]
            intervals |= {f"{name} of {j}": of_label[name] for name in OF_LABEL}
        for name, figure in intervals.items():
            if not math.isnan(figure.value):
                assert figure.low <= figure.value <= figure.high
                held[name].append(
                    (figure.low <= truth[name] <= figure.high, figure.high - figure.low, truth[name] < figure.low)
                )
    return {
        name: (
            float(np.mean([h for h, _, _ in each])),
            float(np.mean([w for _, w, _ in each])),
            len(each) / data_sets,
            float(np.mean([w == 0 for _, w, _ in each])),
            float(np.mean([b for _, _, b in each])),
        )
        for name, each in held.items()
    }


def cases(rows, accuracies, labels, multis, skews) -> list[tuple[Process, int]]:
    return [(Process(m, k, s, a), n) for m, k, s, a, n in itertools.product(multis, labels, skews, accuracies, rows)]


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--rows", type=int, nargs="+", default=ROWS)
    ap.add_argument("--accuracy", type=float, nargs="+", default=ACCURACIES)
    ap.add_argument("--labels", type=int, nargs="+", default=LABELS)
    ap.add_argument("--multi", type=int, nargs="+", default=(0, 1))
    ap.add_argument("--skewed", type=int, nargs="+", default=(0, 1))
    ap.add_argument("--data-sets", type=int, default=200)
    ap.add_argument("--resamples", type=int, default=300)
    o = ap.parse_args()
    for process, n in cases(o.rows, o.accuracy, o.labels, map(bool, o.multi), map(bool, o.skewed)):
        found = cell((process, n), o.data_sets, o.resamples)
        print(
            ("multi" if process.multi else "single"),
            process.labels,
            "skew" if process.skewed else "even",
            process.accuracy,
            n,
            " ".join(
                f"{name.replace('average_precision', 'ap').replace(' of ', '@').replace('_macro', 'M')}={100 * c:.0f}"
                + (f"(b{100 * b:.0f},{truth_of(process)[name]:.2f},w{w:.2f})" if c < 0.93 or z or c > 0.985 else "")
                + (f"ZERO{z:.2f}" if z else "")
                for name, (c, w, d, z, b) in found.items()
            ),
            flush=True,
        )
