"""Does the figure of a chosen method hold, is no worse method recommended, and do cross-validated intervals cover?

    python benchmarks/choosing.py                    # all three, about half an hour on two cores
    python benchmarks/choosing.py --parts candidates,errors --runs 100
    python benchmarks/choosing.py --parts tables --rows 150

candidates: 50 classifiers that know nothing, on 200 rows of two labels. The best of them is reported by the rows that
it was chosen on, by rows of a test part, and by ``cross_fitted``; the truth is 0.5.
errors: two methods, the dearer as good as the cheaper, worse, or better; how often is the dearer recommended?
tables: 200 cuts of emotion; n-grams are trained on each, cross-validated, and held against the 15,000 rows left out.

Needs ../shared/data for tables. Nothing is timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness import DATA, head, some_of
from textgraft import NgramClassifier, read_table
from textgraft.data.folds import make_folds
from textgraft.dataset import Dataset
from textgraft.evaluation import Entry, cross_fitted, evaluate_predictions, recommend
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.ladder.cross_validating import evaluate_out_of_fold, out_of_fold
from textgraft.task import Task

PARTS = {"candidates": "50 useless candidates", "errors": "wrong recommendations", "tables": "cuts of emotion"}
TWO = Task(("no", "yes"))


def answers(right: NDArray[np.bool_], truth: NDArray[np.int64]) -> Predictions:
    p = np.full((len(truth), 2), 0.3, np.float32)
    p[np.arange(len(truth)), np.where(right, truth, 1 - truth)] = 0.7
    return check_predictions(p, truth, TWO)


def candidates(runs: int, count: int = 50, n: int = 200) -> Iterator[str]:
    reported: dict[str, list[tuple[float, float, float]]] = {"test": [], "same": [], "folds": []}
    for run in range(runs):
        rng = np.random.default_rng(run)
        truth, tested = rng.integers(0, 2, n), rng.integers(0, 2, n)
        entries = [Entry(str(i), i + 1, answers(rng.random(n) < 0.5, truth)) for i in range(count)]
        fresh = [answers(rng.random(n) < 0.5, tested) for _ in range(count)]
        best = recommend(entries, resamples=100).best
        fold = (rng.permutation(n) % 10)[None]
        # With a level of nearly 1 the best is taken, however little better it is: the choice that is luckiest.
        found = {
            "same": entries[int(str(best))].predictions,
            "test": fresh[int(str(best))],
            "folds": cross_fitted(entries, fold, alpha=0.9999, resamples=100)[0],
        }
        for name, predictions in found.items():
            figure = evaluate_predictions(predictions, resamples=200).metrics["accuracy"]
            reported[name].append((figure.value, figure.low, figure.high))
    yield f"\n## {count} useless candidates on {n} rows, {runs} runs: the best of them, truth 0.5\n"
    yield "| reported on | mean accuracy | bias | interval covers |"
    yield "|---|--:|--:|--:|"
    names = {"same": "the rows it was chosen on", "test": "a test part", "folds": "folds without a say in its choice"}
    for name, called in names.items():
        value, low, high = np.array(reported[name]).T
        covered = ((low <= 0.5) & (high >= 0.5)).mean()
        error = value.std() / len(value) ** 0.5
        yield f"| {called} | {value.mean():.3f} ± {error:.3f} | {value.mean() - 0.5:+.3f} | {covered:.1%} |"


def errors(runs: int) -> Iterator[str]:
    yield f"\n## How often the dearer of two methods is recommended, {runs} runs; the level is 5 %\n"
    yield "| rows | cheaper | dearer | recommended |"
    yield "|--:|--:|--:|--:|"
    for n in (30, 300, 1_000):
        for cheap, dear in ((0.8, 0.8), (0.8, 0.78), (0.8, 0.75), (0.8, 0.85)):
            taken = 0
            for run in range(runs):
                rng = np.random.default_rng(run)
                truth, hard = rng.integers(0, 2, n), rng.random(n)
                # Half of what makes a row hard is common to both, as it is with real methods.
                pair = [
                    answers(np.where(rng.random(n) < 0.5, hard, rng.random(n)) < accuracy, truth)
                    for accuracy in (cheap, dear)
                ]
                found = recommend([Entry("cheap", 1, pair[0]), Entry("dear", 2, pair[1])], resamples=500)
                taken += found.name == "dear"
            yield f"| {n:,} | {cheap} | {dear} | {taken / runs:.1%} |"


def tables(sizes: list[int], cuts: int) -> Iterator[str]:
    read = [read_table(DATA / "emotion" / f"{name}.txt") for name in ("train", "val", "test")]
    data = read[0]
    yield f"\n## Cross-validated n-grams on {cuts} cuts of emotion, against the rows left out\n"
    yield "| rows | mean estimate | mean truth | accuracy covered | macro-F1 covered | mean width |"
    yield "|--:|--:|--:|--:|--:|--:|"
    for n in sizes:
        rows = np.array([_cut(data, n, seed) for seed in range(cuts)])
        value, truth, low, high, of_f1 = rows.T
        covered = ((low <= truth) & (truth <= high)).mean()
        yield (
            f"| {n} | {value.mean():.3f} | {truth.mean():.3f} | {covered:.1%} | {of_f1.mean():.1%} | "
            f"{(high - low).mean():.3f} |"
        )


def _cut(data: Dataset, n: int, seed: int) -> tuple[float, float, float, float, float]:
    """Estimate, truth, and the interval of accuracy; and whether that of macro-F1 covers."""
    order = np.random.default_rng(seed).permutation(len(data))
    cut, others = data.select(order[:n]), data.select(order[n : n + 15_000])
    model = NgramClassifier().fit(cut)
    truth = evaluate_predictions(
        check_predictions(model.predict_proba(others.texts), others.targets, others.task), resamples=100
    ).metrics
    found = evaluate_out_of_fold(out_of_fold(model, cut, make_folds(cut)), cut).metrics
    accuracy, f1 = found["accuracy"], found["f1_macro"]
    covers = f1.low <= truth["f1_macro"].value <= f1.high
    return accuracy.value, truth["accuracy"].value, accuracy.low, accuracy.high, float(covers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=some_of(PARTS), default=list(PARTS))
    parser.add_argument("--runs", type=int, default=1_000, help="of errors; a fifth of it of candidates")
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="+", default=[40, 150, 600])
    parser.add_argument("--out", type=Path, help="write the tables there too")
    options = parser.parse_args()
    lines = head("Choosing and reporting")
    for part in options.parts:
        found = {
            "candidates": lambda: candidates(options.runs // 5),
            "errors": lambda: errors(options.runs),
            "tables": lambda: tables(options.rows, options.cuts),
        }[part]()
        for line in found:
            print(line, flush=True)
            lines.append(line)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
