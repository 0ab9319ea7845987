"""Predictions: n-grams by the second, single texts by the millisecond, and a command from its start to its answer.

    python benchmarks/predict.py --peer-python peers/bin/python --light-python light/bin/python
    python benchmarks/predict.py --only latency --rows 200 --epochs 1 --calls 20 --turns 1
    python benchmarks/predict.py --only start --starts 3 --log runs.jsonl

``rate``: texts/s of n-grams beside fastText. ``latency``: one text a call, for every method and runtime, beside
`transformers.pipeline` on the same fine-tuned directory and SetFit on the same encoder. ``start``: `textgraft predict
MODEL TEXT` as a whole process, and what its environment takes on the disk; ``--light-python`` names one with nothing
but the base dependencies and the extra ``runtime``:

    python -m venv light && light/bin/pip install "textgraft[runtime]"

Every turn of every contender is a process of its own, one after the other, on the CPU. For ``--peer-python`` see
``encode.py``; fastText comes with ``pip install fasttext-wheel``. The exit code is 1 if a bound was not met or a
process failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import mean, median
from typing import Any

from encode import Bench, parsed, shared
from harness import Bounds, Figures, Run, bullets, head, printed, report, run, some_of, spread

PARTS = ("rate", "latency", "start")
RATE_BOUNDS: Bounds = {"texts/s": (">=", 60_000), "accuracy": (">=", 0.8925), "differing": ("<=", 0)}
START_BOUNDS: Bounds = {"start s": ("<=", 1.0)}
SIZE_BOUNDS: Bounds = {"MB": ("<=", 350)}
# Method -> the runtimes that it is loaded with; ``torch`` is a method's own weights, which may need NumPy alone.
METHODS = {
    "majority": ("auto",),
    "ngrams": ("auto",),
    "recurrent-gru": ("torch", "onnx", "openvino"),
    "features": ("torch", "onnx", "openvino"),
    "finetune": ("torch", "onnx", "openvino"),
}
PEERS = {"pipeline": "transformers.pipeline", "setfit": "SetFit"}
STARTED = {"ngrams": None, "features": "auto", "finetune": "auto"}  # the precision of the export that is shipped
TEXT = "i feel that this will be a good day"
# Run by the environment that is measured: what lies there, whatever it is called.
MEASURE = """
import collections, importlib.util, json, pathlib, re, sysconfig
sizes = collections.Counter()
for root in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
    for path in pathlib.Path(root).rglob("*"):
        if path.is_file():
            package = re.split(r"\\.libs$|-\\d|\\.py$", path.relative_to(root).parts[0])[0]
            sizes[package] += path.stat().st_size
torch = importlib.util.find_spec("torch") is not None
print(json.dumps({"torch": torch, "packages": {name: size / 1e6 for name, size in sizes.most_common()}}))
"""
NOT_COUNTED = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}  # of the environment itself, not of textgraft
NOTE = """\
rate: distinct texts of emotion, in one call of `predict` after one on a thousand of them; "whole command" is a process
that loads the model, reads a CSV and writes one. Accuracy: on emotion's test file. Differing: labels of 500 texts that
are others when each text is predicted alone. fastText predicts on one core.
latency: milliseconds of `predict([text])`, each with a text of its own, after some others; short: emotion, long: IMDB
cut at 256 tokens by all but n-grams and the recurrent network, which read all words. Mean of the turns' medians and
99th percentiles [lowest-highest turn].
start: from the start of the process to its end, files in the disk's cache; median [lowest-highest]. The size is that
of all files in the environment's site-packages without pip and setuptools."""


def rate(options: argparse.Namespace, bench: Bench, job: dict[str, Any]) -> list[str]:
    """N-grams and fastText in turns; the lines of this part."""
    model = str(bench.scratch / "all-ngrams")
    trained = bench.process(job | {"do": "train", "method": "ngrams", "model": model, "rows": None})
    if trained is None:
        return []
    pythons, told = bench.peers({"fasttext": "fastText"})
    table = str(bench.scratch / "texts.csv")
    bench.process({"do": "table", "texts": job["rates"], "table": table, "rows": options.table_rows})
    runs: dict[str, list[Figures]] = {}
    for turn in range(options.turns):
        jobs = {"n-grams": {"do": "rates", "model": model}}
        if "fasttext" in pythons:
            jobs["fastText"] = {"do": "fasttext", "python": pythons["fasttext"]}
        for name, one in jobs.items():
            if figures := bench.process({"texts": job["rates"], "seed": turn} | one):
                runs.setdefault(name, []).append(figures)
        for jobs_at_once in dict.fromkeys((1, os.cpu_count() or 1)):
            name = f"n-grams, whole command, --jobs {jobs_at_once}"
            command = [*textgraft(sys.executable), "predict", model, "--input", table, "--jobs", str(jobs_at_once)]
            done = started([*command, "--output", str(bench.scratch / "labels.csv")], name, bench)
            if done:
                runs.setdefault(name, []).append({"texts_per_second": options.table_rows / done.seconds})
    lines = ["| contender | texts/s | x fastText | accuracy | differing |", "|---|---:|---:|---:|---:|"]
    lines += [rate_row(name, runs) for name in runs]
    verdicts = []
    if "n-grams" in runs:
        own = runs["n-grams"]
        figures = {name: own[0][name] for name in ("accuracy", "differing")}
        figures["texts/s"] = mean(one["texts_per_second"] for one in own)
        verdicts.append(bench.bounds("n-grams", RATE_BOUNDS, figures))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    verdicts.append(f"{job['counted']:,} texts a call, {options.table_rows:,} rows a command, {cores} cores")
    return [*lines, "", *bullets([*verdicts, *told]), ""]


SCORES = {"accuracy": ".4f", "differing": ".0f"}


def rate_row(name: str, runs: dict[str, list[Figures]]) -> str:
    own, peer = ([one["texts_per_second"] for one in runs.get(who, [])] for who in (name, "fastText"))
    cells = [
        name,
        spread(own, ",.0f"),
        f"{mean(own) / mean(peer):.2f}" if peer else "",
        *(f"{runs[name][0][key]:{form}}" if key in runs[name][0] else "" for key, form in SCORES.items()),
    ]
    return f"| {' | '.join(cells)} |"


def textgraft(python: str) -> list[str]:
    """The command of an environment."""
    script = Path(python).parent / "textgraft"
    return [str(script)] if script.exists() else [python, "-m", "textgraft"]


def started(command: list[str], name: str, bench: Bench) -> Run | None:
    """A whole process; None if it failed."""
    try:
        done = run(command, bench.variables)
    except (RuntimeError, OSError) as error:
        bench.failed = True
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return None
    print(f"{name}, seconds {done.seconds:.4g}, CPU seconds {done.cpu_seconds:.4g}", file=sys.stderr, flush=True)
    return done


def trained(options: argparse.Namespace, bench: Bench, job: dict[str, Any], wanted: set[str]) -> dict[str, str]:
    """Method -> directory of a model on the first rows of emotion."""
    found = {}
    for method in METHODS:
        model = str(bench.scratch / method)
        one = {"do": "train", "method": method, "model": model, "rows": options.rows, "epochs": options.epochs}
        if method in wanted and bench.process(job | one) is not None:
            found[method] = model
    return found


def latency(options: argparse.Namespace, bench: Bench, job: dict[str, Any], models: dict[str, str]) -> list[str]:
    """All methods by all runtimes, and the peers, in turns; the lines of this part."""
    pythons, told = bench.peers(PEERS)
    contenders: dict[str, dict[str, Any]] = {}
    for method, model in models.items():
        exports = [(runtime, options.precision) for runtime in METHODS[method] if runtime not in ("auto", "torch")]
        to = f"{model}-exported"
        one = {"do": "export", "method": method, "model": model, "to": to, "exports": exports}
        outcomes = ((bench.process(one) or {}) if exports else {}).get("exports", [])
        made = {outcome["runtime"] for outcome in outcomes if "refused" not in outcome}
        for runtime in METHODS[method]:
            if runtime in made:
                contenders[f"textgraft {method}, {runtime}"] = {"model": to, "runtime": runtime}
            elif runtime in ("auto", "torch"):
                contenders[f"textgraft {method}"] = {"model": model, "runtime": runtime}
        refused = (f"{one['asked_runtime']}: {one['refused']}" for one in outcomes if "refused" in one)
        told += [f"textgraft {method} is left out on {why}" for why in refused]
    for peer, python in pythons.items():
        if peer == "setfit" or "finetune" in models:
            contenders[PEERS[peer]] = {
                "contender": peer, "python": python, "encoder": job["encoder"], "finetuned": models.get("finetune"),
                "labelled": job["labelled"],
            }  # fmt: skip
    runs: dict[str, list[Figures]] = {}
    for turn in range(options.turns):
        for name, one in contenders.items():
            shared_by_all = {"do": "latency", "method": name, "texts": job["single"], "seed": turn}
            if figures := bench.process(shared_by_all | one):
                runs.setdefault(name, []).append(figures)
    lines = [
        "| contender | computed by | short p50 ms | short p99 ms | long p50 ms | long p99 ms | pipeline / it, short "
        "| long |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [latency_row(name, runs) for name in runs]
    counts = f"{options.calls} calls of each kind after {options.warm} others, {options.turns} turns"
    return [*lines, "", *bullets([counts, *told]), ""]


TIMES = ("short_p50", "short_p99", "long_p50", "long_p99")


def latency_row(name: str, runs: dict[str, list[Figures]]) -> str:
    own, peer = runs[name], runs.get(PEERS["pipeline"], [])
    cells = [
        name,
        own[0].get("computed", "torch fp32"),
        *(spread((one[key] for one in own), ".3f") for key in TIMES),
        *(
            f"{mean(one[key] for one in peer) / mean(one[key] for one in own):.1f}" if peer else ""
            for key in ("short_p50", "long_p50")
        ),
    ]
    return f"| {' | '.join(cells)} |"


def start(options: argparse.Namespace, bench: Bench, models: dict[str, str]) -> list[str]:
    """Whole processes in the light environment, and its size; the lines of this part."""
    python = options.light_python or sys.executable
    measured = printed(run([python, "-c", MEASURE], bench.variables))
    told = []
    if not options.light_python:
        told.append("Measured in this environment, which has more than a served model needs: see --light-python.")
    elif measured["torch"]:
        told.append("The environment of --light-python has torch, so it shows nothing of one without.")
    lines = ["| model | command, s | CPU s | peak MB | directory MB | export |", "|---|---:|---:|---:|---:|---|"]
    for method, precision in STARTED.items():
        if method not in models:
            continue
        model, size, recipe = models[method], None, ""
        if precision is not None:
            to = f"{model}-shipped"
            shipped = bench.process({"do": "ship", "method": method, "model": model, "to": to, "precision": precision})
            if shipped is None:
                continue
            model, size, recipe = to, shipped["megabytes"], f"onnx {shipped['recipe']}"
        command = [*textgraft(python), "predict", model, TEXT]
        # The first one compiles Python's files and fills the disk's cache.
        runs = [started(command, f"start {method} {i}", bench) for i in range(options.starts + 1)][1:]
        taken = [one.seconds for one in runs if one]
        if not taken:
            continue
        cells = [
            method,
            f"{median(taken):.2f} [{min(taken):.2f}-{max(taken):.2f}]",
            f"{median(one.cpu_seconds for one in runs if one):.2f}",
            f"{max(one.peak_mb for one in runs if one):.0f}",
            "" if size is None else f"{size:.1f}",
            recipe,
        ]
        lines.append(f"| {' | '.join(cells)} |")
        if precision is not None:
            told.append(bench.bounds(f"{method} with ONNX Runtime", START_BOUNDS, {"start s": median(taken)}))
    packages: dict[str, float] = {name: mb for name, mb in measured["packages"].items() if name not in NOT_COUNTED}
    total = sum(packages.values())
    largest = ", ".join(f"{name} {mb:.1f}" for name, mb in list(packages.items())[:12])
    if options.light_python:
        told.append(bench.bounds("the environment", SIZE_BOUNDS, {"MB": total}))
    told.append(f"MB by package, {total:.0f} in all: {largest}")
    return [*lines, "", *bullets(told), ""]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=some_of(PARTS), default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2_000, help="train on so many rows (n-grams of `rate`: on all)")
    parser.add_argument("--epochs", type=int, default=1, help="of what is trained in epochs")
    parser.add_argument("--most", type=int, help="texts of `rate`; all of emotion if not given")
    parser.add_argument("--table-rows", type=int, default=500_000, help="of the CSV of the whole command")
    parser.add_argument("--calls", type=int, default=400, help="timed calls, each of another text")
    parser.add_argument("--warm", type=int, default=50, help="calls before them")
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--precision", default="auto", help="of the exports of `latency`: auto, fp32 or int8")
    parser.add_argument("--light-python", metavar="PATH", help="of an environment with textgraft[runtime] alone")
    shared(parser)
    options = parsed(parser)
    if options.light_python:
        options.light_python = str(Path(options.light_python).absolute())
    return options


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options.log, options.peer_python, Path(scratch))
        files = {name: str(bench.scratch / f"{name}.json") for name in ("rates", "single", "labelled")}
        job = files | {"data": "emotion", "folder": str(options.data), "encoder": str(bench.scratch / "encoder")}
        sizes = {"most": options.most, "calls": options.calls, "warm": options.warm}
        made = bench.process(job | sizes | {"do": "short texts"})
        if made is None:
            sys.exit(1)
        job["counted"] = made["texts"]
        wanted = (set(METHODS) if "latency" in options.only else set()) | (
            set(STARTED) if "start" in options.only else set()
        )
        lines = head("predict")
        lines += rate(options, bench, job) if "rate" in options.only else []
        models = trained(options, bench, job, wanted)
        lines += latency(options, bench, job, models) if "latency" in options.only else []
        lines += start(options, bench, models) if "start" in options.only else []
    report([*lines, NOTE], options.out, bench)


if __name__ == "__main__":
    main()
