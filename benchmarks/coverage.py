"""How often do 95 % intervals hold the truth, and are p-values uniform where nothing differs?

    python benchmarks/coverage.py grid --data-sets 1000
    python benchmarks/coverage.py p-values --data-sets 1000

Classifiers are simulated: Gaussian scores, further apart for some labels than for others, and so much apart in all that
the accuracy is the one asked for (of a multi-label task: the share of right pairs of a row and a label). The truth of
each metric is its value on 400,000 rows of the same process. An evaluation draws fewer resamples than usual, which
costs about half a point of coverage.

A coverage outside of 93 to 98 %, by more than the simulation's own noise, has a mark. A reason is worked out for it:

    s  steps: of so few rows no run of neighbouring outcomes has a probability within the bounds
    e  errors: fewer than three are to be expected in the rows that the figure rests on; any honest interval reaches 1
    r  rare: fewer than five rows of a label that the figure rests on are to be expected
    z  zero: a calibration error so small that the intervals begin at 0
    !  none of these
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import DataError
from textgraft.evaluation.bootstrap import row_means
from textgraft.evaluation.evaluation import evaluate_predictions
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.metrics import parts_of
from textgraft.evaluation.paired import compare_predictions
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


def rows_behind(name: str, process: Process, n: int) -> float:
    """How many rows of the rarest label that a figure rests on are to be expected; all rows where it rests on none."""
    at = name.partition(" of ")[2]
    if at:
        return float(n * process.shares[int(at)])
    averaged = name.endswith("_macro") or name in {"balanced_accuracy", "roc_auc", "average_precision"}
    return float(n * process.shares.min()) if averaged else n


def steps(share: float, n: int) -> bool:
    """Whether no run of neighbouring numbers of hits has a probability within the bounds."""
    from scipy.stats import binom

    below = np.concatenate(([0.0], binom.cdf(np.arange(n + 1), n, share)))
    runs = below[None, :] - below[:, None]
    return not ((runs >= LOWEST) & (runs <= HIGHEST)).any()


def reason(name: str, truth: float, process: Process, n: int, covered: float) -> str:
    """The letter of the reason why a figure is covered too seldom or too often."""
    rows = rows_behind(name, process, n)
    kind = name.partition(" of ")[0]
    share = kind in {"accuracy", "precision", "recall", "f1", "subset_accuracy"}
    if share and round(rows) <= 500 and steps(truth, max(1, round(rows))):
        return "s"
    if kind == "ece" and covered > HIGHEST:
        return "z" if truth < 2 / math.sqrt(n) else "!"
    losses = kind in {"log_loss", "hamming_loss"}
    if rows * min(truth, 1 - truth if not losses else truth) < 3:
        return "e"
    return "r" if rows < 5 or (kind.startswith("f1_weighted") and n * process.shares.min() < 5) else "!"


def cell(process: Process, n: int, data_sets: int, resamples: int) -> dict[str, tuple[float, float]]:
    """Of each metric the share of data sets whose interval holds the truth, and the intervals' mean width."""
    truth, names = truth_of(process), MULTI if process.multi else SINGLE
    found: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    start = zlib.crc32(repr((process, n)).encode())
    for seed in range(data_sets):
        p, y = process.draw(n, np.random.default_rng((start, seed)))
        evaluation = evaluate_predictions(check_predictions(p, y, process.task), seed=seed, resamples=resamples)
        intervals: dict[str, Any] = {name: evaluation.metrics[name] for name in names}
        for j in (0, process.labels - 1):
            of_label = evaluation.per_label[process.task.labels[j]]
            intervals |= {f"{name} of {j}": of_label[name] for name in OF_LABEL}
        for name, figure in intervals.items():
            if not math.isnan(figure.value):
                assert figure.low < figure.high, (process, n, seed, name)
                found[name].append((figure.low <= truth[name] <= figure.high, figure.high - figure.low))
    return {
        name: (float(np.mean([h for h, _ in each])), float(np.mean([w for _, w in each])))
        for name, each in found.items()
    }


def grid(options: argparse.Namespace) -> None:
    """Prints a row for each cell."""
    marks: Counter[str] = Counter()
    for multi, labels, skewed in itertools.product((False, True), options.labels, (False, True)):
        names = [*(MULTI if multi else SINGLE), *(f"{name} of {j}" for j in (0, labels - 1) for name in OF_LABEL)]
        kind = f"{'multi' if multi else 'single'}-label, {labels} labels, {'skewed' if skewed else 'even'}"
        print(f"\n### {kind}\n\n| accuracy | rows | {' | '.join(names)} |\n|{'--:|' * (2 + len(names))}", flush=True)
        for accuracy, n in itertools.product(options.accuracy, options.rows):
            process = Process(multi, labels, skewed, accuracy)
            found, cells = cell(process, n, options.data_sets, options.resamples), []
            for name in names:
                if name not in found:
                    cells.append("")
                    continue
                covered = found[name][0]
                noise = 2 * math.sqrt(0.05 * 0.95 / options.data_sets)
                out = not LOWEST - noise <= covered <= HIGHEST + noise / 2
                mark = reason(name, truth_of(process)[name], process, n, covered) if out else ""
                marks[mark or "within"] += 1
                cells.append(f"{100 * covered:.1f}{mark}")
            print(f"| {accuracy} | {n} | {' | '.join(cells)} |", flush=True)
    print(f"\nFigures: {', '.join(f'{mark} {count:,}' for mark, count in sorted(marks.items()))}.")


def p_values(options: argparse.Namespace) -> None:
    """Prints how often p-values of two equally good classifiers lie below levels."""
    levels, metrics = (
        (0.01, 0.05, 0.1, 0.5),
        ("accuracy", "f1_macro", "log_loss", "ece", "roc_auc", "average_precision"),
    )
    print(
        f"| labels | accuracy | rows | metric | {' | '.join(f'p < {level}' for level in levels)} | interval holds 0 |"
    )
    print("|--:|--:|--:|---|--:|--:|--:|--:|--:|")
    for process in (Process(False, 2, False, 0.8), Process(False, 4, True, 0.8), Process(False, 2, True, 0.95)):
        for n in (30, 300):
            found: dict[str, list[tuple[float, bool]]] = defaultdict(list)
            for seed in range(options.data_sets):
                a, b = pair(process, n, np.random.default_rng((n, seed)))
                for metric in metrics:
                    with contextlib.suppress(DataError):  # undefined on these rows
                        test = compare_predictions(a, b, metric, seed=seed, resamples=options.resamples)
                        found[metric].append((test.p_value, test.difference.low <= 0 <= test.difference.high))
            for metric, each in found.items():
                p, held = (np.array(of) for of in zip(*each, strict=True))
                rates = " | ".join(f"{100 * (p < level).mean():.1f}" for level in levels)
                print(
                    f"| {process.labels} | {process.accuracy} | {n} | {metric} | {rates} | {100 * held.mean():.1f} |",
                    flush=True,
                )


def pair(process: Process, n: int, rng: np.random.Generator) -> tuple[Predictions, Predictions]:
    """Two equally good classifiers on the same rows, half of whose noise is the same."""
    y = rng.choice(process.labels, n, p=process.shares)
    common = rng.normal(size=(n, process.labels))
    made = []
    for _ in range(2):
        scores = math.sqrt(0.5) * (common + rng.normal(size=common.shape))
        scores[np.arange(n), y] += np.linspace(1.2, 0.8, process.labels)[y] * process.apart
        e = np.exp(process.apart * (scores - scores.max(axis=1, keepdims=True)))
        made.append(check_predictions(e / e.sum(axis=1, keepdims=True), y, process.task))
    return made[0], made[1]


def main() -> None:
    """Reads options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("grid", "p-values"))
    parser.add_argument("--data-sets", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--accuracy", type=float, nargs="+", default=ACCURACIES)
    parser.add_argument("--labels", type=int, nargs="+", default=LABELS)
    options = parser.parse_args()
    (grid if options.what == "grid" else p_values)(options)


if __name__ == "__main__":
    main()
