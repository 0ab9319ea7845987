"""Very many rows: what ``inspect`` and ``split`` take for tables made of passages of IMDB reviews.

    python benchmarks/many_rows.py
    python benchmarks/many_rows.py --rows 100000

Passages have 20 words. One table has two labels; the other has four tenths of the rows, and a label for each two of
them. ``inspect`` is the command, as anybody runs it, with the tokens of its usual encoder where that is here; ``split``
is a process that reads the table and divides it. Each is a process of its own, one after the other. The exit code is 1
if a bound was not met or a process failed.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import CPU, Bench, Bounds, Figures, head, places_of_files, report, run, run_job

BOUNDS: dict[str, Bounds] = {
    "rows": {"peak_mb": ("<=", 400), "seconds": ("<=", 60)},
    "labels": {"peak_mb": ("<=", 350), "seconds": ("<=", 60)},
}
WORDS = 20
NOTE = """\
Seconds and memory are of the whole process, importing and reading included; CPU seconds are those of all its threads.
"above reading": peak memory less that of a process that reads the table and does no more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--encoder", help="whose tokens are counted")
    places_of_files(parser)
    options = parser.parse_args()
    bench = Bench("many_rows.py", options.log)
    lines = ["| table | | seconds | CPU seconds | peak MB | above reading |", "|---|---|--:|--:|--:|--:|"]
    said = []
    with tempfile.TemporaryDirectory() as scratch:
        # In a process of its own: what a process had at its peak counts for those that it starts.
        folder = str(options.data.resolve() / "imdb")
        made = bench.process({"do": "tables", "folder": folder, "rows": options.rows, "out": scratch}) or {}
        for name in [name for name in BOUNDS if name in made]:
            rows, labels = made[name]
            table = str(Path(scratch) / f"{name}.csv")
            what = f"{rows:,} rows, {labels:,} labels"
            done = {
                "read": bench.process({"do": "read", "table": table}),
                "split": bench.process({"do": "split", "table": table}),
                "inspect": inspect(bench, table, options.encoder),
            }
            for work, figures in done.items():
                if figures and (read := done["read"]):
                    lines.append(
                        f"| {what} | {work} | {figures['seconds']:.1f} | {figures['cpu_seconds']:.1f} | "
                        f"{figures['peak_mb']:,.0f} | {figures['peak_mb'] - read['peak_mb']:,.0f} |"
                    )
            if figures := done["inspect"]:
                said.append(bench.bounds(f"inspect, {what}", BOUNDS[name], figures))
    report([*head(f"Passages of {WORDS} words"), *lines, "", NOTE, "", *said], options.out, bench)


def tables(job: dict[str, Any]) -> Figures:
    """Writes both tables, and says how many rows and labels each has."""
    import pyarrow.parquet as pq

    passages = []
    for name in ("train", "test"):
        for review in pq.read_table(Path(job["folder"]) / f"{name}.parquet", columns=["text"])["text"].to_pylist():
            words = review.replace("<br />", " ").split()
            passages += [" ".join(words[i : i + WORDS]) for i in range(0, len(words) - WORDS // 2, WORDS)]
    random.Random(1).shuffle(passages)
    n = min(job["rows"], len(passages))
    made: Figures = {"rows": (n, 2), "labels": (n * 2 // 5, n // 5)}
    for name, (rows, labels) in made.items():
        with (Path(job["out"]) / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["text", "label"])
            table.writerows((text, f"product {i % labels}") for i, text in enumerate(passages[:rows]))
    return made


def inspect(bench: Bench, table: str, encoder: str | None) -> Figures | None:
    chosen = [] if encoder is None else ["--encoder", encoder]
    try:
        done = run([sys.executable, "-m", "textgraft", "inspect", table, "--json", *chosen], bench.environment(CPU))
    except RuntimeError as error:
        bench.failed = True
        print(f"inspect {table}: {error}", file=sys.stderr, flush=True)
        return None
    return {"seconds": done.seconds, "cpu_seconds": done.cpu_seconds, "peak_mb": done.peak_mb}


def read(job: dict[str, Any]) -> Figures:
    from textgraft.data import read_table

    return figures_of(read_table(job["table"]))


def split(job: dict[str, Any]) -> Figures:
    from textgraft.data import read_table, split

    return figures_of(split(read_table(job["table"]), valid=0).train)


def figures_of(data: Any) -> Figures:
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"rows": len(data), "cpu_seconds": usage.ru_utime + usage.ru_stime}


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        run_job({"tables": tables, "read": read, "split": split})
    else:
        main()
