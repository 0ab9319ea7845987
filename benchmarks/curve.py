"""Do forecasts of learning curves hold? Curves on parts of a table, beside what more of its rows really bring.

    python benchmarks/curve.py                            all of it
    python benchmarks/curve.py --data emotion --size 4000  a part; other lines of the table stay

Each part is rows of its own; a forecast is of twice and four times its rows. What really comes is the mean of one to
three trainings on so many rows, tested on the same test rows. The exit code is 1 where fewer than nine of ten hold.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import textgraft as tg
from harness import DATA, HERE, head, some_of
from textgraft.dataset import Splits

TABLES = {
    "emotion": ("emotion/train.txt", "emotion/test.txt"),
    "ag_news": ("ag_news/train.csv", "ag_news/test.csv"),
}
SIZES = (1000, 2000, 4000)
PARTS, TESTED, TRAININGS = 4, 2000, 3
COLUMNS = "data | part | rows | accuracy | rows forecast | forecast | really | holds"


def lines_of(folder: Path, name: str, size: int) -> dict[tuple[str, ...], tuple[str, bool]]:
    """The lines of a table for parts of one size, and whether they hold."""
    train, test = (tg.read_table(str(folder / file)) for file in TABLES[name])
    test = test.with_task(train.task)
    order = np.random.RandomState(0).permutation(len(train))
    test = test.select(np.random.RandomState(0).permutation(len(test))[:TESTED])
    labels = test.task.decode(test.targets)
    found = {}
    really = {
        n: float(np.mean([tg.NgramClassifier().fit(train.select(part)).score(test.texts, labels) for part in parts]))
        for n in (2 * size, 4 * size)
        if (parts := [order[i : i + n] for i in range(0, len(order) - n + 1, n)][:TRAININGS])
    }
    for part in range(min(PARTS, len(train) // size)):
        rows = train.select(order[part * size : (part + 1) * size])
        [curve] = tg.learning_curve([tg.NgramClassifier()], Splits(rows, None, test)).curves
        for forecast in curve.forecasts:
            if (came := really.get(forecast.rows)) is None:
                continue
            holds = forecast.score.low <= came <= forecast.score.high
            key = (name, str(part), f"{size:,}", f"{forecast.rows:,}")
            last = f"{curve.points[-1].score.value:.3f}"
            cells = (*key[:3], last, key[3], str(forecast.score), f"{came:.3f}", "yes" if holds else "NO")
            found[key] = f"| {' | '.join(cells)} |", holds
            print(found[key][0], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=some_of(TABLES), default=list(TABLES), help="names, separated by commas")
    parser.add_argument("--size", type=int, choices=SIZES, help="rows of each part; all three if not given")
    parser.add_argument("--folder", type=Path, default=DATA, help="the folder of the real tables")
    parser.add_argument("--out", type=Path, default=HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-curve.md")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"needs the real tables in {options.folder}; name their folder with --folder")
    before = options.out.read_text("utf-8").splitlines() if options.out.exists() else []
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in before if line.startswith("| ")][1:]
    lines = {(*each[:3], each[4]): (f"| {' | '.join(each)} |", each[-1] == "yes") for each in cells}
    for name in options.data:
        for size in (options.size,) if options.size else SIZES:
            lines |= lines_of(options.folder, name, size)
            held = sum(holds for _, holds in lines.values())
            table = [*head("Forecasts of learning curves of n-grams"), f"{held} of {len(lines)} hold.", ""]
            table += [
                f"| {COLUMNS} |",
                f"|{'---|' * (COLUMNS.count('|') + 1)}",
                *(lines[key][0] for key in sorted(lines)),
            ]
            options.out.write_text("\n".join(table) + "\n", "utf-8")
    sys.exit(sum(holds for _, holds in lines.values()) < 0.9 * len(lines))


if __name__ == "__main__":
    main()
