"""Do explanations name the words that matter? Deletion curves of each way to explain, beside words in random order.

    python benchmarks/explanations.py                                     all of it
    python benchmarks/explanations.py --data emotion --methods ngrams     a part; other lines of the table stay

Of test texts the heaviest 1, 5, 10, 20 and 50 % of the words (one at least) are left out, or alone are left. By how
much the probability of the predicted label falls on average is comprehensiveness (higher is better) and sufficiency
(lower is better) of DeYoung et al., ACL 2020; the former is the area over the perturbation curve of Samek et al. 2017.
Intervals are of the mean over texts; "more than random" is of the differences. The exit code is 1 where one does not
lie above 0.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import textgraft as tg
from harness import DATA, HERE, head, some_of
from textgraft.analysis.explaining import HOW, explain
from textgraft.dataset import Dataset
from textgraft.methods import METHODS, TextClassifier
from textgraft.whole import temporary_folder

TABLES = {
    "emotion": ("emotion/train.txt", "emotion/test.txt"),
    "imdb": ("imdb/train.parquet", "imdb/test.parquet"),
}
ROWS = {"ngrams": 16_000, "features": 1_500, "finetune": 1_500}  # of training
IMDB_ROWS = {"ngrams": 5_000, "features": 500, "finetune": 500}
TESTED = {"emotion": 300, "imdb": 200}
TESTED_SLOW = {"emotion": 200, "imdb": 25}  # networks
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
RANDOM_ORDERS = 5
COLUMNS = (
    "data | method | explained by | rows | texts | comprehensiveness | more than random | sufficiency | "
    "less than random | s/text"
)


def data(folder: Path, name: str, train_rows: int, test_rows: int) -> tuple[Dataset, Dataset]:
    """Training and test rows, drawn at random."""
    train, test = (tg.read_table(str(folder / file)) for file in TABLES[name])
    draw = np.random.RandomState(0).permutation
    test = test.with_task(train.task)
    return train.select(draw(len(train))[:train_rows]), test.select(draw(len(test))[:test_rows])


def without(text: str, spans: list[tuple[int, int]]) -> str:
    """The text without some spans."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces.append(text[at:start])
        at = end
    return "".join([*pieces, text[at:]])


def curves(model: TextClassifier, text: str, orders: list[list[tuple[int, int]]], label: int) -> NDArray[Any]:
    """(orders, 2) comprehensiveness and sufficiency of words in each order, the weightiest first."""
    variants = [text]
    for order in orders:
        for share in SHARES:
            n = max(1, round(share * len(order)))
            variants += [without(text, order[:n]), without(text, order[n:])]
    p = model.predict_proba(variants)[:, label].astype(np.float64)
    return (p[0] - p[1:].reshape(len(orders), len(SHARES), 2)).mean(axis=1)


def interval(values: NDArray[Any]) -> tuple[float, float, float]:
    """The mean and its 95 % interval, by the bootstrap over texts."""
    rng = np.random.RandomState(0)
    means = values[rng.randint(len(values), size=(2000, len(values)))].mean(axis=1)
    return (float(values.mean()), *np.quantile(means, (0.025, 0.975)).tolist())


def measured(model: TextClassifier, test: Dataset, how: str) -> tuple[list[str], bool]:
    """The cells of a line, and whether it is better than chance."""
    rng, found, seconds = np.random.RandomState(0), [], 0.0
    for text in test.texts:
        started = time.perf_counter()
        explanation = explain(model, text, how=how)
        seconds += time.perf_counter() - started
        heaviest = sorted(explanation.spans, key=lambda span: -span.weight)
        words = [(span.start, span.end) for span in heaviest]
        if len(words) < 2:
            continue
        orders = [words, *([words[i] for i in rng.permutation(len(words))] for _ in range(RANDOM_ORDERS))]
        of_orders = curves(model, text, orders, model.task_.labels.index(explanation.label))
        found.append(np.stack((of_orders[0], of_orders[1:].mean(axis=0))))
    both = np.array(found)  # (texts, this or random, comprehensiveness or sufficiency)
    figures = [both[:, 0, 0], both[:, 0, 0] - both[:, 1, 0], both[:, 0, 1], both[:, 1, 1] - both[:, 0, 1]]
    cells = [interval(each) for each in figures]
    shown = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in cells]
    return [f"{len(both)}", *shown, f"{seconds / len(test):.3f}"], cells[1][1] > 0


def fitted(train: Dataset, method: str, place: Path) -> TextClassifier:
    """The model, trained unless it is there already."""
    if not place.exists():
        METHODS[method](seed=0).fit(train).save(place)
    return tg.load(place)


def kept_lines(out: Path) -> dict[tuple[str, ...], str]:
    """The lines of a table that is there."""
    lines = out.read_text("utf-8").splitlines() if out.exists() else []
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| data")]
    return {tuple(cell.strip() for cell in line.split("|")[1:4]): line for line in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=some_of(TABLES), default=list(TABLES), help="names, separated by commas")
    parser.add_argument("--methods", type=some_of(ROWS), default=list(ROWS), help="names, separated by commas")
    parser.add_argument("--how", type=some_of(HOW[1:]), default=list(HOW[1:]), help="names, separated by commas")
    parser.add_argument("--texts", type=int, help="test texts, in place of those that fit the method")
    parser.add_argument("--models", type=Path, help="where trained models are kept, or are already")
    parser.add_argument("--folder", type=Path, default=DATA, help="the folder of the real tables")
    parser.add_argument("--out", type=Path, default=HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-explanations.md")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"needs the real tables in {options.folder}; name their folder with --folder")
    lines, missed = kept_lines(options.out), False
    with temporary_folder() as scratch:
        for name in options.data:
            for method in options.methods:
                rows = (IMDB_ROWS if name == "imdb" else ROWS)[method]
                texts = options.texts or (TESTED if method == "ngrams" else TESTED_SLOW)[name]
                train, test = data(options.folder, name, rows, texts)
                model = fitted(train, method, Path(options.models or scratch) / f"{name}-{method}")
                for how in [each for each in (model.attribution, "occlusion") if each in options.how]:
                    cells, better = measured(model, test, how)
                    missed |= not better
                    lines[(name, method, how)] = f"| {' | '.join((name, method, how, f'{rows:,}', *cells))} |"
                    print(lines[(name, method, how)], flush=True)
                    table = [*head("Deletion curves of explanations, 95 % intervals")]
                    table += [f"| {COLUMNS} |", f"|{'---|' * (COLUMNS.count('|') + 1)}", *map(lines.get, sorted(lines))]
                    options.out.write_text("\n".join(map(str, table)) + "\n", "utf-8")
    sys.exit(missed)


if __name__ == "__main__":
    main()
