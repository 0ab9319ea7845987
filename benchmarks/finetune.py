"""Fine-tuning on real data: its speed beside Hugging Face's ``Trainer``, and the quality that it reaches.

    python benchmarks/finetune.py speed                   samples/s and accuracy of three contenders, 3 seeds
    python benchmarks/finetune.py speed --only emotion --rows 256 --epochs 1 --seeds 1
    python benchmarks/finetune.py quality --only emotion,climate --set learning_rate=2e-4 --log runs.jsonl
    python benchmarks/finetune.py speed --device-row      on a CUDA device too (``--device-row only``: on it alone)

Every training is a process of its own (``finetune_jobs.py``), one after the other. In ``speed`` the contenders take
turns, seed by seed, so that a noisy minute hits all alike, and the machine's peak is measured before each turn. Without
``--device-row`` a GPU is hidden from all of them. The exit code is 1 if a bound was not met or a process failed.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, replace
from statistics import mean

from harness import (
    CPU,
    DEVICE,
    Bench,
    Bounds,
    Figures,
    averages,
    bullets,
    head,
    not_long,
    parsed,
    places_of_files,
    report,
    setting,
    some_of,
    spread,
)


@dataclass(frozen=True)
class Sizes:
    """How much is trained on and validated on, and with how many seeds."""

    rows: int
    epochs: int
    valid: int
    seeds: int


# A review of 256 tokens costs ten times an emotion; on two cores a seed takes about 10 and 5 minutes. Emotion gets as
# many steps as it takes for accuracy not to hang on which units dropout draws (docs/lab.md); IMDB shows speed only.
SPEED = {"emotion": Sizes(3_000, 3, 2_000, seeds=3), "imdb": Sizes(320, 1, 400, seeds=3)}
SHARED = {
    "encoder": "all-MiniLM-L6-v2", "batch_size": 32, "learning_rate": 2e-4, "warmup": 0.1, "max_tokens": 256,
}  # fmt: skip
CONTENDERS = {
    "default": "HF Trainer, default",
    "tuned": "HF Trainer, bf16 and grouping by length",
    "textgraft": "textgraft",
}
SPEED_BOUNDS: Bounds = {
    "times default": (">=", 5),
    "times tuned": (">=", 2.5),
    "points over default": (">=", -0.5),
    "points over tuned": (">=", -0.5),
}
QUALITY: dict[str, Bounds] = {
    "emotion": {"f1_weighted": (">=", 0.925), "seconds": ("<=", 240)},
    "ag_news": {"accuracy": (">=", 0.905)},
    "climate": {"f1_macro over n-grams": (">=", 0)},
    "semeval": {"f1_micro": (">=", 0.69)},
    "imdb": {"accuracy": (">=", 0.91)},
}
SLOW = {"imdb"}
SPEED_NOTE = """\
samples/s: training rows x epochs / seconds of the epochs, without loading the encoder, tokenising and validation (which
the contenders share). Ratios are of the same seed. whole s: the process from its start to its end. Mean [lowest-highest
seed].
Accuracy: the best epoch on the same validation rows, measured after each epoch by argmax and off the clock, for all
contenders: it is what textgraft returns, and what `load_best_model_at_end` would. "last epoch" is without that choice.
GFLOP/s: 6 x (weights of the matrices of the encoder's layers, 4 h h + 2 h i each) x (tokens, without padding) / seconds
of the epochs: 2 operations per weight forward and 4 backward; embeddings, attention scores and the head not counted.
peak: the fastest square product of `torch.nn.functional.linear` in a process of its own before each seed."""


def places(bench: Bench, device_row: str | None) -> list[str]:
    """Where to run: on the CPU, on the CUDA device, or on both."""
    if device_row is None:
        return [CPU]
    found = bench.process({"do": "peak"}, DEVICE)
    if found is None or found["device"] == "CPU":
        print("There is no CUDA device here; its rows are left out.", file=sys.stderr)
        return [CPU] if device_row == "also" else []
    return [CPU, DEVICE] if device_row == "also" else [DEVICE]


def speed(options: argparse.Namespace, bench: Bench) -> list[str]:
    """The contenders in turns; returns the lines of the report."""
    where = places(bench, options.device_row)
    # (data, place) -> contender -> seed -> figures, and the peaks of the same turns
    found: dict[tuple[str, str], dict[str, dict[int, Figures]]] = {}
    peaks: dict[str, list[Figures]] = {}
    sizes = {name: resized(SPEED[name], options) for name in options.only or SPEED}
    for seed in range(max(size.seeds for size in sizes.values())):
        for place in where:
            if measured := bench.process({"do": "peak"}, place):
                peaks.setdefault(place, []).append(measured)
            for name, size in sizes.items():
                if seed >= size.seeds:
                    continue
                for contender in options.contenders:
                    job = {"do": contender, "data": name, "seed": seed, "folder": str(options.data), "set": options.set}
                    figures = bench.process(job | SHARED | vars(size), place)
                    if figures:
                        found.setdefault((name, place), {}).setdefault(contender, {})[seed] = figures
    lines = [
        "| data | contender | samples/s | x default | x tuned | accuracy | last epoch | whole s | GFLOP/s "
        "| of the bf16 peak |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    verdicts = []
    for (name, place), contenders in found.items():
        peak = mean(turn["bfloat16"] for turn in peaks[place]) if place in peaks else math.nan
        for contender, runs in contenders.items():
            lines.append(speed_row(f"{name}, {place}", contender, runs, contenders, peak))
        if place == CPU and "textgraft" in contenders:
            verdicts.append(bench.bounds(name, SPEED_BOUNDS, compared(contenders)))
            chosen = (figures["chosen"] for figures in contenders["textgraft"].values())
            own = [one["texts_per_second"] for one in chosen if one.get("texts_per_second")]
            if own:
                verdicts.append(f"{name}: texts/s as textgraft says itself (`chosen_`): {spread(own, ',.1f')}")
    told = [
        f"{name}: {size.rows:,} rows, {size.epochs} epochs, {size.valid:,} to validate, seeds 0 to {size.seeds - 1}"
        for name, size in sizes.items()
    ]
    for place, turns in peaks.items():
        types = ", ".join(
            f"{dtype} {spread((turn[dtype] for turn in turns), ',.0f')}" for dtype in ("bfloat16", "float32")
        )
        told.append(f"Peak GFLOP/s, {place} ({turns[0]['device']}, {turns[0]['threads']} threads): {types}")
    told.append(f"All: {', '.join(f'{name} {value}' for name, value in SHARED.items())}")
    told.append(f"textgraft besides: {options.set or 'its defaults'}")
    return [*lines, "", *bullets([*verdicts, *told]), "", SPEED_NOTE]


def resized(size: Sizes, options: argparse.Namespace) -> Sizes:
    """The sizes of the command line where they are given."""
    return replace(size, **{name: value for name in vars(size) if (value := getattr(options, name))})


def ratios(runs: dict[int, Figures], others: dict[int, Figures]) -> list[float]:
    """Times as fast as another contender, seed by seed."""
    return [runs[seed]["samples_per_second"] / others[seed]["samples_per_second"] for seed in runs if seed in others]


def speed_row(
    data: str, contender: str, runs: dict[int, Figures], contenders: dict[str, dict[int, Figures]], peak: float
) -> str:
    figures = runs.values()
    cells = [
        data,
        CONTENDERS[contender],
        spread((one["samples_per_second"] for one in figures), ",.1f"),
        *(spread(ratios(runs, contenders.get(other, {})), ".2f") for other in ("default", "tuned")),
        spread((one["accuracy"] for one in figures), ".4f"),
        spread((one["epoch_accuracies"][-1] for one in figures), ".4f"),
        spread((one["seconds"] for one in figures), ".0f"),
        spread((one["gflops"] for one in figures), ",.0f"),
        f"{mean(one['gflops'] for one in figures) / peak:.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def compared(contenders: dict[str, dict[int, Figures]]) -> dict[str, float]:
    """What the bounds are about: means over the seeds that both contenders finished."""
    ours, figures = contenders["textgraft"], {}
    for other in ("default", "tuned"):
        both = [seed for seed in ours if seed in contenders.get(other, {})]
        if both:
            theirs = contenders[other]
            figures[f"times {other}"] = mean(ratios(ours, theirs))
            figures[f"points over {other}"] = 100 * mean(
                ours[seed]["accuracy"] - theirs[seed]["accuracy"] for seed in both
            )
    return figures


def quality(options: argparse.Namespace, bench: Bench) -> list[str]:
    """One training per data set and seed; returns the lines of the report."""
    lines = ["| data | method | seed | test metrics | train s | whole s | chosen |", "|---|---|---|---|---:|---:|---|"]
    verdicts = []
    for place in places(bench, options.device_row):
        for name in options.only or [name for name in QUALITY if options.slow or name not in SLOW]:
            job = {
                "do": "quality", "data": name, "folder": str(options.data), "rows": options.rows, "set": options.set
            }  # fmt: skip
            runs = []
            for seed in range(options.seeds or 3):
                figures = bench.process(job | {"method": "finetune", "seed": seed}, place)
                if figures:
                    runs.append(figures)
                    lines.append(quality_row(f"{name}, {place}", "finetune", str(seed), figures))
            if not runs:
                continue
            means = averages(runs)
            lines.append(quality_row(f"**{name}, {place}**", "finetune", "mean", means))
            if name == "climate" and (ngrams := bench.process(job | {"method": "ngrams", "seed": 0}, place)):
                lines.append(quality_row(f"{name}, {place}", "ngrams", "0", ngrams))
                means["f1_macro over n-grams"] = means["f1_macro"] - ngrams["f1_macro"]
            if place == CPU:
                verdicts.append(bench.bounds(f"{name}, mean of {len(runs)} seeds", QUALITY[name], means))
    given = f"Settings besides the defaults: {options.set or 'none'}."
    return [*lines, "", *bullets([*verdicts, given]), "", QUALITY_NOTE]


QUALITY_NOTE = """\
whole s: the process from its start to its end: imports, reading, training, prediction of the test part, 1,000
bootstrap resamples of every metric. Test data chooses nothing: epoch and thresholds are chosen on the validation file
(emotion), on `tg.split`'s part (climate, seed 0 for every training), else on a tenth of the training part that `fit`
holds out."""
NOT_SCORES = {"train_seconds", "seconds", "peak_mb", "rows"}


def quality_row(data: str, method: str, seed: str, figures: Figures) -> str:
    scores = (f"{n} {v:.4f}" for n, v in figures.items() if isinstance(v, float) and n not in NOT_SCORES)
    chosen = (f"{n} {v}" for n, v in (figures.get("set", {}) | figures.get("chosen", {})).items() if not_long(v))
    times = (f"{figures[name]:.1f}" for name in ("train_seconds", "seconds"))
    return f"| {' | '.join([data, method, seed, ', '.join(scores), *times, ', '.join(chosen)])} |"


def arguments() -> argparse.Namespace:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--seeds", type=int, help="how many seeds, from 0 on (quality: 3)")
    shared.add_argument("--rows", type=int, help="train on so many rows (quality: test on so many too)")
    shared.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
                        help="a hyperparameter of textgraft's classifier")  # fmt: skip
    places_of_files(shared)
    shared.add_argument("--device-row", nargs="?", const="also", choices=("also", "only"), help="run on CUDA too")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    fast = parts.add_parser("speed", parents=[shared])
    fast.add_argument("--only", type=some_of(SPEED), help="emotion or imdb")
    fast.add_argument("--contenders", type=some_of(CONTENDERS), default=list(CONTENDERS))
    fast.add_argument("--epochs", type=int)
    fast.add_argument("--valid", type=int, help="validate on so many rows")
    good = parts.add_parser("quality", parents=[shared])
    good.add_argument("--only", type=some_of(QUALITY), help=", ".join(QUALITY))
    good.add_argument("--slow", action="store_true", help="IMDB's 25,000 reviews too")
    return parsed(parser)


def main() -> None:
    options = arguments()
    bench = Bench("finetune_jobs.py", options.log)
    lines = [*head(options.part), *(speed if options.part == "speed" else quality)(options, bench)]
    report(lines, options.out, bench)


if __name__ == "__main__":
    main()
