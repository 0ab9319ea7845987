"""The main job on real data, whole processes, beside named peers in the same run.

    python benchmarks/ladder.py            the table of all jobs but the slow ones
    python benchmarks/ladder.py --slow     fine-tuning too
    python benchmarks/ladder.py --only emotion-ngrams,start

Every job is a process of its own: seconds are wall clock from its start to its end, memory is its peak. A job with a
bound says whether it was met; the exit code is 1 if one was not.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import DATA, HERE, Job, Run, met, nothing, printed, run

TEXTGRAFT = str(Path(sys.executable).parent / "textgraft")


def metrics(*names: str) -> Callable[[Run], dict[str, float]]:
    def read(finished: Run) -> dict[str, float]:
        found = json.loads(finished.output)["metrics"]
        return {name: found[name]["value"] for name in names}

    return read


def textgraft(command: str, table: str, *options: str) -> list[str]:
    return [TEXTGRAFT, command, str(DATA / table), *options, "--json"]


def jobs(scratch: Path) -> list[Job]:
    emotion = ["--valid", str(DATA / "emotion/val.txt"), "--test", str(DATA / "emotion/test.txt")]
    imdb = ["--test", str(DATA / "imdb/test.parquet")]
    ag_news = ["--test", str(DATA / "ag_news/test.csv")]
    semeval = ["--test", str(DATA / "semeval2018_ec/dev.tsv")]
    fresh = {"TEXTGRAFT_CACHE": str(scratch / "cache")}

    def train(name: str, table: str, split: list[str], method: str, score: tuple[str, ...], **more: Any) -> Job:
        command = textgraft("train", table, *split, "--method", method, "--out", str(scratch / name))
        return Job(name, command, metrics(*score), environment=fresh, **more)

    def peer(name: str, *words: str) -> Job:
        return Job(name, [sys.executable, str(HERE / "peers.py"), *words, str(DATA)], printed)

    big = scratch / "two-million.csv"
    predicted = scratch / "predicted.csv"
    return [
        Job(
            "start-import",
            [sys.executable, "-c", "import textgraft, sys; assert 'torch' not in sys.modules"],
            nothing,
            {"cpu": ("<", 0.3)},
        ),
        Job("start-help", [TEXTGRAFT, "--help"], nothing, {"cpu": ("<", 0.5)}),
        train("emotion-ngrams", "emotion/train.txt", emotion, "ngrams", ("accuracy", "f1_macro", "ece"),
              bounds={"accuracy": (">=", 0.885), "seconds": ("<=", 15)}),
        peer("emotion-peer-sklearn", "sklearn", "emotion"),
        peer("emotion-peer-fasttext", "fasttext", "emotion"),
        train("imdb-ngrams", "imdb/train.parquet", imdb, "ngrams", ("accuracy", "f1_macro", "ece"),
              bounds={"accuracy": (">=", 0.905), "seconds": ("<=", 90), "peak_mb": ("<", 4096)}),
        peer("imdb-peer-sklearn", "sklearn", "imdb"),
        peer("imdb-peer-fasttext", "fasttext", "imdb"),
        train("ag_news-ngrams", "ag_news/train.csv", ag_news, "ngrams", ("accuracy", "f1_macro", "ece")),
        train("ag_news-features", "ag_news/train.csv", ag_news, "features", ("accuracy", "f1_macro", "ece"),
              bounds={"accuracy": (">=", 0.88)}),
        peer("ag_news-peer-sklearn", "sklearn", "ag_news"),
        peer("ag_news-peer-fasttext", "fasttext", "ag_news"),
        train("semeval-ngrams", "semeval2018_ec/train.tsv", semeval, "ngrams", ("f1_micro", "f1_macro", "accuracy")),
        train("semeval-features", "semeval2018_ec/train.tsv", semeval, "features",
              ("f1_micro", "f1_macro", "accuracy")),
        train("semeval-finetune", "semeval2018_ec/train.tsv", semeval, "finetune",
              ("f1_micro", "f1_macro", "accuracy"), slow=True),
        train("emotion-finetune", "emotion/train.txt", emotion, "finetune", ("f1_weighted", "accuracy", "ece"),
              bounds={"f1_weighted": (">=", 0.925)}, slow=True),
        Job(
            "predict-2M-write-table",
            [sys.executable, __file__, "--write-table", str(big)],
            nothing,
        ),
        Job(
            "predict-2M",
            [TEXTGRAFT, "predict", str(scratch / "emotion-ngrams"), "--input", str(big), "--output", str(predicted)],
            lambda _: check_predictions(big, predicted),
            {"peak_mb": ("<", 1024), "wrong_rows": ("<=", 0)},
        ),
    ]  # fmt: skip


def write_table(path: Path, rows: int = 2_000_000) -> None:
    """Emotion's test texts over and over, each row with its number, so that order and numbers can be checked."""
    lines = (DATA / "emotion/test.txt").read_text("utf-8").splitlines()[1:]
    texts = [line.rsplit(";", 1)[0] for line in lines]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows((i, f"{texts[i % len(texts)]} {i}") for i in range(1, rows + 1))


def check_predictions(table: Path, predicted: Path) -> dict[str, float]:
    """How many rows are not where they belong."""
    wrong = rows = 0
    with table.open(newline="", encoding="utf-8") as a, predicted.open(newline="", encoding="utf-8") as b:
        for given, got in zip(csv.DictReader(a), csv.DictReader(b), strict=True):
            rows += 1
            wrong += given["id"] != got["row"] or given["text"] != got["text"]
    return {"rows": rows, "wrong_rows": wrong}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", action="store_true", help="fine-tuning too")
    parser.add_argument("--only", help="jobs by name, separated by commas")
    parser.add_argument("--write-table", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="where the table goes; by default benchmarks/results/, dated")
    options = parser.parse_args()
    if options.write_table:
        write_table(options.write_table)
        return
    if not DATA.is_dir():
        raise SystemExit(f"needs the real tables in {DATA}")
    only = set(options.only.split(",")) if options.only else None
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}",
        "",
        "| job | wall s | CPU s | peak MB | scores | bounds |",
        "|---|---:|---:|---:|---|---|",
    ]
    failed = False
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for job in jobs(Path(scratch)):
            if (only is None and job.slow and not options.slow) or (only is not None and job.name not in only):
                continue
            try:
                finished = run(job.command, job.environment)
            except RuntimeError as error:
                # A peer that is not installed leaves a gap in the table; a job of ours that fails is a failure.
                failed |= "peer" not in job.name
                lines.append(f"| {job.name} | | | | {error} | |")
                print(lines[-1], flush=True)
                continue
            scores = job.score(finished)
            figures = scores | {
                "seconds": finished.seconds, "cpu": finished.cpu_seconds, "peak_mb": finished.peak_mb
            }  # fmt: skip
            bounds = met(job, figures)
            failed |= any("NOT MET" in bound for bound in bounds)
            told = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
            line = (
                f"| {job.name} | {finished.seconds:.2f} | {finished.cpu_seconds:.2f} | {finished.peak_mb:.0f} "
                f"| {told} | {'; '.join(bounds)} |"
            )
            lines.append(line)
            print(line, flush=True)
    out = options.out or HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-ladder.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text("\n".join(lines) + "\n", "utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
