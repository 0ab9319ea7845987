"""Encoding texts: textgraft's frozen encoder by all its runtimes, beside sentence-transformers and a pipeline.

    python benchmarks/encode.py --peer-python peers/bin/python        short and long texts, 3 turns
    python benchmarks/encode.py --only emotion --timed 64 --judged 64 --train 200 --turns 1
    python benchmarks/encode.py --contenders auto,st,st-onnx --log runs.jsonl

Every turn of every contender is a process of its own, one after the other, on the CPU; the contenders take turns, so
that a noisy minute hits all alike, and the machine's peak is measured before each turn. A peer runs in the first Python
that has its packages: this one, then those of ``--peer-python``, which may be given several times. The ONNX and
OpenVINO backends of sentence-transformers need optimum, whose releases want another transformers than textgraft does:

    python -m venv peers
    peers/bin/pip install torch==2.13.0 "sentence-transformers[onnx,openvino]>=5,<6" "transformers<4.58" setfit

A peer that no Python has is said and left out. The exit code is 1 if a bound was not met or a process failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import harness
from harness import HERE, Bounds, Figures, bullets, head, places_of_files, printed, report, run, some_of, spread


@dataclass(frozen=True)
class Sizes:
    """How many texts are timed, how many more are judged, and how many the models are trained on."""

    timed: int
    judged: int
    train: int


# Labels that change are a share of a percent: a thousand texts would tell nothing of 0.2 points.
SIZES = {"emotion": Sizes(2_000, 10_000, 6_000), "imdb": Sizes(400, 3_600, 1_500)}
# What textgraft's contenders are loaded with, and the exports that they choose from.
OURS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "auto": ("auto", [("openvino", "auto"), ("onnx", "auto")]),
    "torch": ("torch", []),
    "onnx-fp32": ("onnx", [("onnx", "fp32")]),
    "onnx-int8": ("onnx", [("onnx", "int8")]),
    "openvino-fp32": ("openvino", [("openvino", "fp32")]),
    "openvino-bf16": ("openvino", [("openvino", "bf16")]),
    "openvino-int8": ("openvino", [("openvino", "int8")]),
}
PEERS = {
    "st": "sentence-transformers, default",
    "st-bf16": "sentence-transformers, bf16",
    "st-onnx": "sentence-transformers, ONNX",
    "st-onnx-int8": "sentence-transformers, ONNX int8",
    "st-openvino": "sentence-transformers, OpenVINO",
    "st-openvino-int8": "sentence-transformers, OpenVINO int8",
    "pipeline": "transformers.pipeline",
}
PEAKS = {"fp32": "float32", "bf16": "bfloat16", "int8": "int8"}
BOUNDS: dict[str, Bounds] = {
    "emotion": {"times default": (">=", 5), "points": (">=", -0.2)},
    "imdb": {"times default": (">=", 4), "points": (">=", -0.2)},
}
AIM = 8
NOTE = """\
texts/s: distinct texts, in the order of the file, in one call after one on 64 others, tokenising included; loading,
compiling, exporting and choosing the runtime are not. Ratios are of the same turn. Mean [lowest-highest turn]. Texts
are cut at 256 tokens, special ones included, by all. sentence-transformers sorts by length and takes batches of 32;
the pipeline takes one text at a time; both are their defaults.
Cosine: mean and least over the texts, to the vectors of torch in fp32. Points: how much the accuracy of a logistic
regression changes that was trained once on fp32 vectors, on as many texts as stand behind it, and how many of them
change between right and wrong. textgraft's contenders are judged on more texts than are timed.
GFLOP/s: 2 x (weights of the matrices of the encoder's layers) x (tokens, without padding) / seconds; embeddings and
attention scores not counted. Peak: the fastest square product in a process of its own before each turn, in the
precision of the contender: `torch.nn.functional.linear` in bf16 and fp32, `torch._int_mm` (oneDNN) in int8."""


class Bench(harness.Bench):
    """Runs the jobs of ``inference_jobs.py`` in this Python, and those of the peers in one that has them."""

    def __init__(self, log: Path | None, pythons: list[str], scratch: Path) -> None:
        super().__init__("inference_jobs.py", log)
        self.scratch = scratch
        self.pythons = [sys.executable, *pythons]
        # The best runtime is chosen here, not remembered; nothing is asked of the Hub.
        self.variables = {
            "CUDA_VISIBLE_DEVICES": "", "TEXTGRAFT_CACHE": str(scratch / "cache"), "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(scratch / "hub"),
        }  # fmt: skip

    def command(self, job: dict[str, Any]) -> list[str]:
        """A job that names a Python is a peer's."""
        if "python" in job:
            return [job["python"], str(HERE / "inference_peers.py")]
        return super().command(job)

    def environment(self, place: str) -> dict[str, str]:  # noqa: ARG002
        """The same for all."""
        return self.variables

    def peers(self, wanted: dict[str, str]) -> tuple[dict[str, str], list[str]]:
        """The Python of each peer that some Python has, and a sentence for each peer, with its versions or without."""
        has: dict[str, Figures] = {}
        for python in self.pythons if wanted else []:
            try:
                job = json.dumps({"do": "has"})
                has[python] = printed(run([python, str(HERE / "inference_peers.py"), job], self.variables))
            except (RuntimeError, OSError) as error:
                print(f"{python} runs no peers: {error}", file=sys.stderr, flush=True)
        found = {peer: python for peer in wanted for python in reversed(has) if peer in has[python]}
        told = [
            f"{name}: {has[found[peer]][peer]}"
            if peer in found
            else f"{name} is left out: no Python has its packages; `--peer-python` names another."
            for peer, name in wanted.items()
        ]
        return found, told


def measured(options: argparse.Namespace, bench: Bench) -> list[str]:
    """The contenders in turns on each data set; returns the lines of the report."""
    pythons, told = bench.peers({peer: name for peer, name in PEERS.items() if peer in options.contenders})
    lines = [
        "| data | contender | computed by | texts/s | x default | x pipeline | cosine to fp32, least | points, texts, "
        "changed | GFLOP/s | of the peak | peak MB |",
        "|---|---|---|---:|---:|---:|---|---|---:|---:|---:|",
    ]
    verdicts: list[str] = []
    peaks: list[Figures] = []
    for name in options.only or SIZES:
        size = resized(SIZES[name], options)
        made = prepared(name, size, options, bench)
        if made is None:
            continue
        job, recipes = made
        runs = turns(job, [*recipes, *pythons], pythons, options.turns, bench, peaks)
        kept = {contender: job["kept"][contender] for contender in runs}
        judged = bench.process(
            {"do": "judge", "data": name, "contenders": kept, "reference": job["reference"], "texts": job["texts"]}
        )
        scores: Figures = judged["judged"] if judged else {}
        lines += [row(job, contender, runs, recipes, scores, peaks) for contender in runs]
        verdicts += met(name, runs, scores, bench)
        verdicts.append(
            f"{name}: {size.timed:,} texts timed ({job['tokens_a_text']:.1f} tokens each), {size.judged:,} judged "
            f"besides, {size.train:,} trained on, {options.turns} turns"
        )
        verdicts += [f"{name}, {contender}: {text}" for contender, text in recipes.items() if text]
    if peaks:
        types = (f"{short} {spread((turn[name] for turn in peaks), ',.0f')}" for short, name in PEAKS.items())
        verdicts.append(f"Peak GFLOP/s ({peaks[0]['threads']} threads): {', '.join(types)}")
    return [*lines, "", *bullets([*verdicts, *told]), "", NOTE]


def resized(size: Sizes, options: argparse.Namespace) -> Sizes:
    """The sizes of the command line where they are given."""
    return replace(size, **{name: value for name in vars(size) if (value := getattr(options, name)) is not None})


def prepared(
    name: str, size: Sizes, options: argparse.Namespace, bench: Bench
) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The job of all contenders, and textgraft's with the recipes of their exports; None if that failed.

    Texts, the fp32 vectors, the model and its exports are made; nothing of it is timed.
    """
    folder = bench.scratch / name
    folder.mkdir()
    job: dict[str, Any] = {
        "data": name, "folder": str(options.data), "texts": str(folder / "texts.json"),
        "encoder": str(bench.scratch / "encoder"), "scratch": str(folder), "reference": str(folder / "reference.npz"),
        "models": {}, "kept": {contender: str(folder / f"{contender}.npz") for contender in (*OURS, *PEERS)},
    }  # fmt: skip
    figures = bench.process(job | {"do": "texts"} | vars(size))
    done = figures and bench.process(job | {"do": "reference", "vectors": job["reference"]})
    base = str(folder / "model")
    if figures is None or done is None or bench.process(job | {"do": "features", "model": base}) is None:
        return None
    recipes = {}
    for contender in options.contenders:
        if contender not in OURS:
            continue
        wanted = OURS[contender][1]
        to = str(folder / contender)
        exported = bench.process(
            {"do": "export", "data": name, "method": contender, "model": base, "to": to, "exports": wanted}
        )
        if exported is None:
            continue
        outcomes = exported["exports"]
        refused = [one["refused"] for one in outcomes if "refused" in one]
        if outcomes and len(refused) == len(outcomes):
            print(f"{name} {contender} is left out: {' '.join(refused)}", file=sys.stderr, flush=True)
            continue
        job["models"][contender] = to
        recipes[contender] = "; ".join(recipe(one) for one in outcomes)
    return job | figures, recipes


def recipe(outcome: Figures) -> str:
    """What an export came to, and what its gate said."""
    if "refused" in outcome:
        return f"{outcome['asked_runtime']} {outcome['asked']} refused ({outcome['refused']})"
    parity = outcome["attempts"][-1]["parity"]
    failed = "".join(f", after {one['recipe']} ({one['fault']})" for one in outcome["attempts"][:-1])
    return (
        f"{outcome['runtime']} {outcome['recipe']} at {outcome['asked']}, equal labels {parity['equal_labels']:.1%} "
        f"of {parity['texts']}{failed}"
    )


def turns(
    job: dict[str, Any],
    contenders: list[str],
    pythons: dict[str, str],
    count: int,
    bench: Bench,
    peaks: list[Figures],
) -> dict[str, dict[int, Figures]]:
    """Contender -> turn -> figures; the peaks before each turn are added to ``peaks``. Vectors are of turn 0."""
    runs: dict[str, dict[int, Figures]] = {}
    for turn in range(count):
        if found := bench.process({"do": "peak"}):
            peaks.append(found)
        for contender in contenders:
            one = {name: job[name] for name in ("data", "texts", "encoder", "scratch", "operations")}
            one |= {"do": "encode", "method": contender, "contender": contender, "seed": turn, "judged": False}
            one["vectors"] = None if turn else job["kept"][contender]
            if contender in pythons:
                one["python"] = pythons[contender]
            else:
                one |= {"model": job["models"][contender], "runtime": OURS[contender][0], "judged": True}
            if figures := bench.process(one):
                figures["gflops"] = job["operations"] * figures["texts_per_second"] / 1e9
                runs.setdefault(contender, {})[turn] = figures
    # Vectors are judged only of a contender whose turn 0 went well.
    return {contender: found for contender, found in runs.items() if 0 in found}


def row(
    job: dict[str, Any],
    contender: str,
    runs: dict[str, dict[int, Figures]],
    recipes: dict[str, str],
    scores: Figures,
    peaks: list[Figures],
) -> str:
    figures = list(runs[contender].values())
    first, judged = figures[0], scores.get(contender)
    precision = first["precision"]
    gflops = mean(one["gflops"] for one in figures)
    cells = [
        job["data"],
        f"textgraft {contender}" if contender in recipes else PEERS[contender],
        f"{first['runtime']} {precision}" if contender in recipes else precision,
        spread((one["texts_per_second"] for one in figures), ",.1f"),
        *(spread(ratios(runs, contender, other), ".2f") for other in ("st", "pipeline")),
        f"{judged['cosine']:.5f}, {judged['least_cosine']:.4f}" if judged else "",
        f"{judged['points']:+.2f}, {judged['texts']:,}, {judged['changed']}" if judged else "",
        f"{gflops:,.0f}",
        f"{gflops / mean(turn[PEAKS[precision]] for turn in peaks):.0%} of {precision}" if peaks else "",
        spread((one["peak_mb"] for one in figures), ",.0f"),
    ]
    return f"| {' | '.join(cells)} |"


def ratios(runs: dict[str, dict[int, Figures]], contender: str, other: str) -> list[float]:
    """Times as fast as another contender, turn by turn."""
    own, theirs = runs[contender], runs.get(other, {})
    return [own[turn]["texts_per_second"] / theirs[turn]["texts_per_second"] for turn in own if turn in theirs]


def met(name: str, runs: dict[str, dict[int, Figures]], scores: Figures, bench: Bench) -> list[str]:
    """The bounds of ``auto``, whether the aim was reached, and what ``auto`` chose and why."""
    if "auto" not in runs:
        return []
    figures: dict[str, float] = {}
    if "auto" in scores:
        figures["points"] = scores["auto"]["points"]
    times = ratios(runs, "auto", "st")
    if times:
        figures["times default"] = mean(times)
    said = [bench.bounds(name, BOUNDS[name], figures)] if figures else []
    if times:
        said.append(f"{name}: the aim of {AIM} x is {'reached' if mean(times) >= AIM else 'not reached'}")
    notes = dict.fromkeys(one["note"] for one in runs["auto"].values() if one["note"])
    return [*said, *(f"{name}, auto: {note}" for note in notes)]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=some_of(SIZES), help="emotion (short) or imdb (long)")
    known = [*OURS, *PEERS]
    parser.add_argument("--contenders", type=some_of(known), default=known, help=", ".join(known))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--timed", type=int, help="texts that are timed")
    parser.add_argument("--judged", type=int, help="texts that textgraft's contenders are judged on besides")
    parser.add_argument("--train", type=int, help="texts that the models are trained on")
    shared(parser)
    return parsed(parser)


def shared(parser: argparse.ArgumentParser) -> None:
    """The options of every benchmark of inference."""
    parser.add_argument("--peer-python", action="append", default=[], metavar="PATH",
                        help="an interpreter that has peers; may be given several times")  # fmt: skip
    places_of_files(parser)
    parser.set_defaults(set=[])


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options; the interpreters are found wherever the processes run."""
    options = harness.parsed(parser)
    options.peer_python = [str(Path(python).absolute()) for python in options.peer_python]
    return options


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options.log, options.peer_python, Path(scratch))
        lines = [*head("encode"), *measured(options, bench)]
    report(lines, options.out, bench)


if __name__ == "__main__":
    main()
