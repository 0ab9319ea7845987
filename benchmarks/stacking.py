"""A stack beside its members on the same rows: figures on test with intervals, and paired differences.

    python benchmarks/stacking.py --out benchmarks/results/2026-11-28-stacking.md
    python benchmarks/stacking.py --data emotion --members ngrams,features,finetune

Differences are those to the member that is better on these very test rows, which flatters that member.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import textgraft as tg
from calibration import parts
from harness import DATA, head, some_of
from textgraft.dataset import Dataset
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.paired import PairedTest, compare_predictions
from textgraft.ladder.evaluating import predictions_of
from textgraft.methods import METHODS, StackedClassifier

ROWS = {"emotion": (500, 2000), "ag_news": (500, 2000), "climate": (500, 2000), "semeval": (500, 2000), "imdb": (1000,)}
TESTED = {"imdb": 1000}
COLUMNS = (
    "data | rows | method | accuracy or micro-F1 | log loss | weights | to the best member | log loss to it | seconds"
)


def lines_of(name: str, train: Dataset, test: Dataset, members: list[str]) -> list[str]:
    """A line for each member and the stack."""
    main, found, lines = Metric.read(None, train.task), {}, []
    for method in (*members, StackedClassifier.method):
        more = {"members": tuple(members)} if method == StackedClassifier.method else {}
        start = time.perf_counter()
        model = METHODS[method](**more).fit(train)
        seconds = time.perf_counter() - start
        found[method] = predictions_of(model, test)
        metrics = tg.evaluate(model, test).metrics
        shown = [
            f"{metrics[of].value:.3f} [{metrics[of].low:.3f}, {metrics[of].high:.3f}]" for of in (main.name, "log_loss")
        ]
        weights, differences = "", ["", ""]
        if more:
            weights = ", ".join(f"{weight:.2f}" for weight in model.chosen_["weights"].values())
            for i, metric in enumerate((main, Metric.read("log_loss", train.task))):
                tests = [compare_predictions(found[method], found[member], metric) for member in members]
                differences[i] = _shown(min(tests, key=lambda t: t.difference.value * (1 if i == 0 else -1)))
        cells = (name, f"{len(train):,}", method, *shown, weights, *differences, f"{seconds:.1f}")
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def _shown(test: PairedTest) -> str:
    difference = test.difference
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


def main() -> None:
    """Reads options, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=some_of(ROWS), default=list(ROWS))
    parser.add_argument("--rows", type=int, nargs="+")
    parser.add_argument("--members", default="ngrams,features")
    parser.add_argument("--folder", type=Path, default=DATA)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = []
    for name in options.data:
        train, test = parts(options.folder, name)
        test = test.select(np.arange(min(len(test), TESTED.get(name, 2000))))
        for rows in options.rows or ROWS[name]:
            found += lines_of(name, train.select(np.arange(min(rows, len(train)))), test, options.members.split(","))
    columns = f"| {COLUMNS} |\n|{'---|' * (COLUMNS.count('|') + 1)}"
    text = "\n".join([*head("A stack beside its members, on up to 2,000 test rows"), "", columns, *found, ""])
    if options.out:
        options.out.write_text(text, "utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
