"""Recurrent networks on real data: their speed beside the courses' loop and Keras 3, and the quality that they reach.

    python benchmarks/recurrent.py speed                  samples/s, accuracy by epoch and memory of three contenders
    python benchmarks/recurrent.py speed --only imdb --rows 512 --epochs 2 --keras-python other/bin/python
    python benchmarks/recurrent.py quality --only imdb,ag_news --set dropout=0.4 --log runs.jsonl
    python benchmarks/recurrent.py quality --slow         tuned vectors and a frozen encoder too

Every training is a process of its own (``recurrent_jobs.py``, ``recurrent_peers.py``), one after the other, on the
CPU. In ``speed`` the contenders take turns, seed by seed, so that a noisy minute hits all alike, and the machine's peak
is measured before each turn. Keras may live in an environment of its own; without it its rows are left out, and the
report says so. The exit code is 1 if a bound was not met or a process failed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

import harness
from finetune import Sizes, ratios, resized
from harness import (
    HERE,
    Bounds,
    Figures,
    averages,
    bullets,
    head,
    not_long,
    parsed,
    places_of_files,
    printed,
    report,
    run,
    setting,
    some_of,
    spread,
)

GLOVE = "glove.6B.50d"
# The nets of the two walkthroughs; GloVe has 50 components here, and 100 there.
NETWORKS: dict[str, dict[str, Any]] = {
    "imdb": {
        "cell": "gru", "layers": 2, "hidden": 128, "bidirectional": True, "dropout": 0.2,
        "vectors": GLOVE, "train_vectors": "frozen", "width": None,
    },
    "ag_news": {
        "cell": "lstm", "layers": 1, "hidden": 64, "bidirectional": False, "dropout": 0.0,
        "vectors": None, "train_vectors": "scratch", "width": 32,
    },
}  # fmt: skip
# How the courses train them.
COURSES: dict[str, dict[str, Any]] = {
    "imdb": {"max_size": 10_000, "optimizer": "adam", "learning_rate": 1e-3},
    "ag_news": {"max_size": None, "optimizer": "sgd", "learning_rate": 5},
}
# IMDB is a part: a thousand reviews take the classic loop a minute.
SPEED = {"imdb": Sizes(2_000, 5, 1_000, seeds=1), "ag_news": Sizes(10_000, 10, 2_000, seeds=1)}
BATCH = 64
CONTENDERS = {"classic": "classic loop", "keras": "Keras 3", "textgraft": "textgraft"}
SPEED_BOUNDS: dict[str, Bounds] = {
    "imdb": {"times classic": (">=", 5), "share of classic's epochs": ("<=", 0.5), "peak GB": ("<", 3)},
    "ag_news": {"share of classic's epochs": ("<=", 0.5)},
}
SPEED_NOTE = f"""\
samples/s: training rows x epochs / seconds of the epochs, without reading, tokenising and validation. Ratios are of the
same seed. Batches of {BATCH} for all. Mean [lowest-highest seed].
Accuracy after each epoch: on the same held-out rows of the test file for all (textgraft gets them as its validation
data). Share of classic's epochs: how many textgraft needs for the accuracy that the classic loop ends with.
peak MB: of the process. The peers' ids are read from a file; textgraft reads and tokenises the table itself.
GFLOP/s: 3 x 2 (inputs + hidden) x gates x hidden operations, forward and backward, per token, layer and direction; the
tokens are the peers', without padding, for all contenders; the recurrence and its inputs only.
Peak: the fastest square product of `torch.nn.functional.linear` in a process of its own before each turn.
Classic loop: random order, padded to the longest of the batch, last column; Adam 1e-3 (IMDB), or SGD 5 with clipped
gradients and steps to a tenth (AG News). Keras: masks, else the same, with Adam 1e-3 for both; its first epoch contains
the building of its graph."""

LSTM = {"cell": "lstm"}
RUNGS = {
    "LSTM from scratch": LSTM,
    f"LSTM on {GLOVE}, frozen": LSTM | {"vectors": GLOVE, "train_vectors": "frozen"},
    f"LSTM on {GLOVE}, tuned": LSTM | {"vectors": GLOVE, "train_vectors": "tuned"},
}
BIGRU = {"cell": "gru", "layers": 2, "hidden": 128, "bidirectional": True}
QUALITY: dict[str, dict[str, Any]] = {
    "imdb": {"settings": BIGRU | {"vectors": GLOVE, "train_vectors": "frozen"}},
    "imdb-tuned": {"settings": BIGRU | {"vectors": GLOVE, "train_vectors": "tuned"}},
    "imdb-states": {"settings": BIGRU | {"encoder": "all-MiniLM-L6-v2"}, "rows": 5_000},
}
QUALITY_BOUNDS: dict[str, Bounds] = {
    "imdb": {"accuracy": (">=", 0.88)},
    # One of AG News's 7,600 test rows is 0.013 points.
    "ag_news": {"points over scratch": (">=", 0.01)},
    "imdb-states": {"points over features": (">=", 0.01), "encoder_seconds_later": ("<=", 0)},
}
AG_NEWS_ROWS = (1_000, 10_000)
SLOW = {"imdb-tuned", "imdb-states"}
QUALITY_NOTE = """\
Accuracy [95 % interval, bootstrap] on the test file, or on as many of its rows as are trained on where that is a part.
Test data chooses nothing: the epoch is chosen on a tenth of the training part that `fit` holds out. First epoch: from
the start of `fit` to its end, reading vectors and all of the encoder's work included; later: the mean of the others,
without validation."""


class Bench(harness.Bench):
    """Runs the jobs of ``recurrent_jobs.py`` and of the peers."""

    def __init__(self, log: Path | None, keras_python: str, scratch: Path) -> None:
        super().__init__("recurrent_jobs.py", log)
        self.scratch = scratch
        # The states of the encoder and the vectors are computed here, not found.
        self.variables = {"CUDA_VISIBLE_DEVICES": "", "TEXTGRAFT_CACHE": str(scratch / "cache")}
        peers = str(HERE / "recurrent_peers.py")
        self.commands = {"classic": [sys.executable, peers], "keras": [keras_python, peers]}

    def command(self, job: dict[str, Any]) -> list[str]:
        """The peers have a file of their own, and Keras may have a Python of its own."""
        return self.commands.get(job["do"], super().command(job))

    def environment(self, place: str) -> dict[str, str]:  # noqa: ARG002
        """The same for all."""
        return self.variables

    def keras(self) -> tuple[bool, str]:
        """Whether there is Keras 3, and which one or why not."""
        command = self.commands["keras"]
        try:
            found = printed(run([*command, json.dumps({"do": "keras versions"})], self.variables))
        except (RuntimeError, OSError) as error:
            why = str(error).strip().splitlines()[-1]
            return False, f"Keras is left out: {command[0]} has no Keras 3 ({why}); `--keras-python` names another."
        return True, f"Keras {found['keras']} on {found['backend']}"


def speed(options: argparse.Namespace, bench: Bench) -> list[str]:
    """The contenders in turns; returns the lines of the report."""
    there, told = bench.keras() if "keras" in options.contenders else (False, "Keras was not asked for.")
    contenders = [name for name in options.contenders if name != "keras" or there]
    sizes = {name: resized(SPEED[name], options) for name in options.only or SPEED}
    data = {name: prepared(name, size, options, bench) for name, size in sizes.items()}
    # data -> contender -> seed -> figures, and the peaks of the same turns
    found: dict[str, dict[str, dict[int, Figures]]] = {}
    peaks: list[Figures] = []
    for seed in range(max(size.seeds for size in sizes.values())):
        if measured := bench.process({"do": "peak"}):
            peaks.append(measured)
        for name, job in data.items():
            if job is None or seed >= sizes[name].seeds:
                continue
            for contender in contenders:
                if figures := bench.process(job | {"do": contender, "seed": seed, "set": options.set}):
                    figures["gflops"] = operations(job) * figures["samples_per_second"] / 1e9
                    found.setdefault(name, {}).setdefault(contender, {})[seed] = figures
    lines = [
        "| data | contender | samples/s | x classic | x Keras | s an epoch | accuracy after each epoch | peak MB "
        "| GFLOP/s | of the fp32 peak | of the bf16 peak |",
        "|---|---|---:|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    verdicts = []
    for name, runs in found.items():
        lines += [speed_row(name, contender, runs, peaks) for contender in runs]
        if "textgraft" in runs:
            figures = compared(runs)
            if not figures.keys().isdisjoint(SPEED_BOUNDS[name]):
                verdicts.append(bench.bounds(name, SPEED_BOUNDS[name], figures))
            own = [one["chosen"] for one in runs["textgraft"].values()]
            rates = spread((one["texts_per_second"] for one in own if one.get("texts_per_second")), ",.1f")
            verdicts.append(f"{name}: texts/s as textgraft says itself (`chosen_`): {rates}; {plain(own[0])}")
    verdicts += [
        f"{name}: {size.rows:,} rows, {size.epochs} epochs, {size.valid:,} held out, seeds 0 to {size.seeds - 1}; "
        f"{plain(NETWORKS[name])}"
        for name, size in sizes.items()
    ]
    if peaks:
        types = (f"{dtype} {spread((turn[dtype] for turn in peaks), ',.0f')}" for dtype in ("bfloat16", "float32"))
        verdicts.append(f"Peak GFLOP/s ({peaks[0]['threads']} threads): {', '.join(types)}")
    return [
        *lines,
        "",
        *bullets([*verdicts, told, f"textgraft besides: {options.set or 'its defaults'}"]),
        "",
        SPEED_NOTE,
    ]


def prepared(name: str, size: Sizes, options: argparse.Namespace, bench: Bench) -> dict[str, Any] | None:
    """The job of all contenders, its ids written for the peers; None if that failed."""
    job = {
        "data": name, "folder": str(options.data), "rows": size.rows, "held": size.valid, "epochs": size.epochs,
        "batch_size": BATCH, "network": NETWORKS[name], "arrays": str(bench.scratch / f"{name}.npz"),
    } | COURSES[name]  # fmt: skip
    figures = bench.process(job | {"do": "arrays"})
    return figures and job | {key: figures[key] for key in ("rows", "words", "labels", "tokens", "width")}


def operations(job: dict[str, Any]) -> float:
    """Of a training step per row: those of the matrices of cells, forward (1) and backward (2)."""
    network, rows = job["network"], job["rows"]
    hidden, directions = network["hidden"], 1 + network["bidirectional"]
    inputs = [job["width"]] + [directions * hidden] * (network["layers"] - 1)
    gates = {"gru": 3, "lstm": 4}[network["cell"]]
    per_token = 3 * directions * sum(2 * (width + hidden) * gates * hidden for width in inputs)
    return per_token * float(job["tokens"]) / float(rows)


def speed_row(data: str, contender: str, contenders: dict[str, dict[int, Figures]], peaks: list[Figures]) -> str:
    runs = contenders[contender]
    figures = list(runs.values())
    gflops = mean(one["gflops"] for one in figures)
    cells = [
        data,
        CONTENDERS[contender],
        spread((one["samples_per_second"] for one in figures), ",.1f"),
        *(spread(ratios(runs, contenders.get(other, {})), ".2f") for other in ("classic", "keras")),
        spread((mean(one["epoch_seconds"]) for one in figures), ",.1f"),
        " ".join(f"{accuracy:.3f}" for accuracy in by_epoch(runs)),
        spread((one["peak_mb"] for one in figures), ",.0f"),
        f"{gflops:,.1f}",
        *(f"{gflops / mean(turn[dtype] for turn in peaks):.0%}" if peaks else "" for dtype in ("float32", "bfloat16")),
    ]
    return f"| {' | '.join(cells)} |"


def by_epoch(runs: dict[int, Figures]) -> list[float]:
    """The mean accuracy after each epoch."""
    return [mean(accuracies) for accuracies in zip(*(one["epoch_accuracies"] for one in runs.values()), strict=True)]


def compared(contenders: dict[str, dict[int, Figures]]) -> dict[str, float]:
    """What the bounds are about: means over the seeds that both contenders finished."""
    ours, classic = contenders["textgraft"], contenders.get("classic", {})
    figures = {"peak GB": max(one["peak_mb"] for one in ours.values()) / 1024}
    both = [seed for seed in ours if seed in classic]
    if both:
        figures["times classic"] = mean(ratios(ours, classic))
        figures["share of classic's epochs"] = mean(share_needed(ours[seed], classic[seed]) for seed in both)
    return figures


def share_needed(ours: Figures, classic: Figures) -> float:
    """The epochs until ours is as good as the classic loop at its end, of its epochs; infinity if it never is."""
    goal = classic["epoch_accuracies"]
    reached = [accuracy >= goal[-1] for accuracy in ours["epoch_accuracies"]]
    return (reached.index(True) + 1) / len(goal) if True in reached else math.inf


def quality(options: argparse.Namespace, bench: Bench) -> list[str]:
    """Trainings on IMDB, and comparisons on AG News; returns the lines of the report."""
    names = [*QUALITY, "ag_news"]
    chosen = options.only or [name for name in names if options.slow or name not in SLOW]
    lines = [
        "| data | method | seed | accuracy | macro-F1 | train s | first epoch s | later epochs s | encoder s "
        "| peak MB | chosen |",
        "|---|---|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    verdicts = []
    for name in chosen:
        if name != "ag_news":
            rows, said = trainings(name, options, bench)
            lines += rows
            verdicts += said
    given = f"Settings besides the defaults and these: {options.set or 'none'}."
    report = [*lines, "", *bullets([*verdicts, given]), ""] if len(lines) > 2 else []
    if "ag_news" in chosen:
        report += comparisons(options, bench)
    return [*report, QUALITY_NOTE]


def trainings(name: str, options: argparse.Namespace, bench: Bench) -> tuple[list[str], list[str]]:
    """The rows of the table for one network on IMDB, and what was met."""
    plan = QUALITY[name]
    rows = options.rows or plan.get("rows")
    job = {
        "do": "quality", "data": "imdb", "folder": str(options.data), "rows": rows, "held": rows,
        "settings": plan["settings"], "set": options.set,
    }  # fmt: skip
    lines, runs = [], []
    for seed in range(options.seeds or 1):
        if figures := bench.process(job | {"method": name, "seed": seed}):
            runs.append(figures)
            lines.append(quality_row(name, named(plan["settings"]), str(seed), figures))
    if not runs:
        return [], []
    means = averages(runs)
    if len(runs) > 1:
        lines.append(quality_row(f"**{name}**", named(plan["settings"]), "mean", means))
    if "encoder" in plan["settings"] and (
        features := bench.process(job | {"method": "features", "settings": {}, "set": {}, "seed": 0})
    ):
        lines.append(quality_row(name, "features", "0", features))
        means["points over features"] = 100 * (means["accuracy"] - features["accuracy"])
    if name not in QUALITY_BOUNDS:
        return lines, []
    return lines, [bench.bounds(f"{name}, mean of {len(runs)} seeds", QUALITY_BOUNDS[name], means)]


def named(settings: dict[str, Any]) -> str:
    return " ".join(str(settings[name]) for name in ("cell", "vectors", "train_vectors", "encoder") if name in settings)


def quality_row(data: str, method: str, seed: str, figures: Figures) -> str:
    seconds = ("train_seconds", "first_epoch_seconds", "later_epoch_seconds", "encoder_seconds")
    cells = [
        data,
        method,
        seed,
        accuracy(figures),
        f"{figures['f1_macro']:.4f}",
        *(f"{figures[name]:,.1f}" if name in figures else "" for name in seconds),
        f"{figures['peak_mb']:,.0f}",
        plain(figures.get("chosen", {})),
    ]
    return f"| {' | '.join(cells)} |"


def accuracy(figures: Figures) -> str:
    return f"{figures['accuracy']:.4f} [{figures['low']:.4f}, {figures['high']:.4f}]"


def plain(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if not_long(value))


def comparisons(options: argparse.Namespace, bench: Bench) -> list[str]:
    """AG News by the number of rows: `textgraft.compare` on each, a table per seed, and what was met."""
    lines, verdicts = [], []
    for rows in [options.rows] if options.rows else AG_NEWS_ROWS:
        differences = []
        job = {"do": "compare", "data": "ag_news", "folder": str(options.data), "rows": rows, "held": None}
        for seed in range(options.seeds or 1):
            found = bench.process(job | {"rungs": RUNGS, "seed": seed, "set": options.set})
            if not found:
                continue
            climbed = {one["name"]: one for one in found["climbed"]}
            scratch, frozen, _ = (climbed[name]["accuracy"] for name in RUNGS)
            differences.append(100 * (frozen - scratch))
            lines += [f"AG News, {rows:,} rows, seed {seed}. {found['recommendation']}", "", *COMPARED]
            lines += [*map(compared_row, climbed.values()), ""]
        if differences:
            figures = {"points over scratch": mean(differences)}
            what = f"ag_news, {rows:,} rows, frozen GloVe, mean of {len(differences)} seeds"
            verdicts.append(bench.bounds(what, QUALITY_BOUNDS["ag_news"], figures))
    return [*lines, *bullets(verdicts), ""]


COMPARED = (
    "| method | accuracy | macro-F1 | p against the best (Holm) | train s | texts/s | MB | chosen |",
    "|---|---|---:|---:|---:|---:|---:|---|",
)


def compared_row(one: Figures) -> str:
    cells = [
        one["name"],
        accuracy(one),
        f"{one['f1_macro']:.4f}",
        "best" if one["p"] is None else "< 0.001" if one["p"] < 0.001 else f"{one['p']:.3f}",
        f"{one['train_seconds']:,.1f}",
        f"{one['texts_per_second']:,.0f}",
        f"{one['megabytes']:,.2f}",
        plain(one["chosen"]),
    ]
    return f"| {' | '.join(cells)} |"


def arguments() -> argparse.Namespace:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--seeds", type=int, help="how many seeds, from 0 on (1)")
    shared.add_argument("--rows", type=int, help="train on so many rows (quality: test on so many of IMDB's too)")
    shared.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
                        help="a hyperparameter of textgraft's classifier")  # fmt: skip
    places_of_files(shared)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    fast = parts.add_parser("speed", parents=[shared])
    fast.add_argument("--only", type=some_of(SPEED), help="imdb or ag_news")
    fast.add_argument("--contenders", type=some_of(CONTENDERS), default=list(CONTENDERS))
    fast.add_argument("--keras-python", default=sys.executable, metavar="PATH", help="an interpreter that has Keras 3")
    fast.add_argument("--epochs", type=int)
    fast.add_argument("--valid", type=int, help="hold out so many rows")
    good = parts.add_parser("quality", parents=[shared])
    names: Iterable[str] = [*QUALITY, "ag_news"]
    good.add_argument("--only", type=some_of(names), help=", ".join(names))
    good.add_argument("--slow", action="store_true", help=f"{' and '.join(sorted(SLOW))} too")
    return parsed(parser)


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options.log, getattr(options, "keras_python", sys.executable), Path(scratch))
        lines = [*head(options.part), *(speed if options.part == "speed" else quality)(options, bench)]
    report(lines, options.out, bench)


if __name__ == "__main__":
    main()
