"""What can be seen of a training run: a log of its steps, learning curves, and events for TensorBoard."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import DataError, MissingExtraError, TrainingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch.utils.tensorboard import SummaryWriter

    from textgraft.training.loop import Progress

    Floats = NDArray[np.float64]

LOG, CURVES, EVENTS = "log.jsonl", "curves.png", "tensorboard"

# What of a step is logged.
FIELDS = ("step", "steps", "epoch", "loss", "learning_rate", "rows", "seconds", "texts_per_second", "score", "best")
# More points than this cannot be told apart in the picture.
POINTS = 2000
# Of the palette of Okabe and Ito (2008), which colour-blind people can tell apart too.
BLUE, VERMILION = "#0072B2", "#D55E00"
INK, GREY, PALE = "#222222", "#6B6B6B", "#E2E2E2"


def record(
    steps: Iterable[Progress], folder: str | Path, *, tensorboard: bool = False, metric: str = "validation score"
) -> Generator[Progress, None, None]:
    """Passes the steps of a training run through and writes down what can be seen of it.

    ``folder/log.jsonl`` gets one JSON object per step, written when the step is seen. When the iteration ends, in
    whatever way, ``folder/curves.png`` is drawn from it if matplotlib is there. Where the first step is not step 1,
    a run is being resumed: the lines of the steps before it are kept and all others dropped.

    Args:
        steps: of the training loop.
        folder: is made if it is missing.
        tensorboard: write events to ``folder/tensorboard`` as well.
        metric: name of the validation score in the picture.

    Yields:
        The steps as they come.

    Raises:
        MissingExtraError: ``tensorboard`` is wanted and not installed; raised by the call, before any step.
        TrainingError: the log cannot be written.
        DataError: the log of the run to be resumed is damaged before its last line.
    """
    if tensorboard:
        _summary_writer()
    return _recorded(steps, Path(folder), tensorboard, metric)


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """The entries of a ``log.jsonl``, one a step; numbers that were not finite are None.

    A last line that is half-written, as a killed process leaves it, is passed over.

    Raises:
        DataError: the log cannot be read, or a line before the last is damaged.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"The training log {path} could not be read: {error.strerror or error}.") from error
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            entries.append(entry)
        elif number < len(lines):
            raise DataError(
                f"Line {number} of the training log {path} is damaged: it is not a JSON object with a step. "
                "Delete that line, or move the log away."
            )
    return entries


def draw_curves(entries: Sequence[Mapping[str, Any]], path: str | Path, metric: str = "validation score") -> None:
    """Draws the learning curves of a run as a PNG of 1600 x 800 pixels, made to be read at half that size.

    Left the loss of every step, faint, and smoothed over a twentieth of the run; the learning rate below it. Right the
    validation score of every epoch, with the best marked, if there are any. The picture is there whole or not at all.

    Args:
        entries: at least one, as ``read_log`` gives them.
        path: the file to write; an earlier one is replaced.
        metric: name of the validation score.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError:
        raise MissingExtraError("Drawing learning curves", "plots") from None

    scored = [entry for entry in entries if _finite(entry.get("score"))]
    # pyplot would keep the figure, and touch the display, for the whole process.
    figure = Figure(figsize=(8, 4), dpi=200, facecolor="white", layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2 if scored else 1, height_ratios=[5, 1])
    loss = figure.add_subplot(grid[0, 0])
    rate = figure.add_subplot(grid[1, 0], sharex=loss)
    _draw_loss(loss, entries)
    _draw_rate(rate, entries)
    title = f"{entries[-1]['step']:,} steps"
    if scored:
        best = _draw_scores(figure.add_subplot(grid[:, 1]), scored, metric)
        title = f"Best {metric} {best['score']:.3f} in epoch {best['epoch']}"
    figure.suptitle(title, x=0.013, ha="left", fontsize=12, fontweight="bold", color=INK)
    with _replacing(Path(path)) as part:
        figure.savefig(part, format="png")


def _recorded(
    steps: Iterable[Progress], folder: Path, tensorboard: bool, metric: str
) -> Generator[Progress, None, None]:
    path = folder / LOG
    log = events = None
    try:
        for step in steps:
            with _as_sentence(path):
                if log is None:
                    _begin(path, step.step)
                    # Without a buffer nothing is left to be written when the disk is full and the file is closed.
                    log = path.open("ab", buffering=0)
                    if tensorboard:
                        # What an earlier run wrote from this step on is hidden.
                        events = _summary_writer()(str(folder / EVENTS), purge_step=step.step, flush_secs=10)
                entry = _entry(step)
                _write(log, json.dumps(entry).encode() + b"\n")
                if events is not None:
                    _add(events, entry)
            yield step
    finally:
        # The log is the record, and training ends the same with or without a picture of it.
        if events is not None:
            with suppress(OSError):
                events.close()
        if log is not None:
            log.close()
            with suppress(OSError, DataError, MissingExtraError):
                draw_curves(read_log(path), folder / CURVES, metric)


def _begin(path: Path, first: int) -> None:
    """Leaves the steps before ``first`` in the log."""
    kept = [entry for entry in read_log(path) if entry["step"] < first] if first > 1 and path.exists() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as part:
        part.write_text("".join(json.dumps(entry) + "\n" for entry in kept), "utf-8")
    if first == 1:
        (path.parent / CURVES).unlink(missing_ok=True)


def _entry(step: Progress) -> dict[str, Any]:
    """What is known of a step; NaN and infinity, which JSON lacks, are null."""
    known = {name: getattr(step, name) for name in FIELDS if getattr(step, name) is not None}
    if step.score is None:
        del known["best"]
    return {name: _rounded(value, name) for name, value in known.items()}


def _rounded(value: Any, name: str) -> Any:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return round(value, 3) if name == "seconds" else float(f"{value:.6g}")


def _write(file: Any, line: bytes) -> None:
    while line:
        line = line[file.write(line) :]


@contextmanager
def _as_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"The training log {path} could not be written: {error.strerror or error}. "
            "Make room for it, or choose another folder."
        ) from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A new file beside ``path`` that takes its place when the block ends well, and is deleted if not."""
    part = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


def _summary_writer() -> type[SummaryWriter]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("Writing events for TensorBoard", "tensorboard") from None
    return SummaryWriter


def _add(events: SummaryWriter, entry: Mapping[str, Any]) -> None:
    for name in ("loss", "learning_rate", "texts_per_second", "score"):
        if _finite(entry.get(name)):
            events.add_scalar(name, entry[name], entry["step"])


def _draw_loss(axes: Axes, entries: Sequence[Mapping[str, Any]]) -> None:
    steps, loss = _column(entries, "step"), _column(entries, "loss")
    steps, low, mean, high = _thinned(steps, loss)
    each = np.stack([low, high], axis=1).ravel()  # so that thinning hides no spike
    few = len(steps) <= 30
    look: dict[str, Any] = {"marker": "o", "ms": 4, "lw": 1.2} if few else {"alpha": 0.3, "lw": 0.7}
    axes.plot(np.repeat(steps, 2), each, color=BLUE, label="batch", **look)
    if np.isfinite(mean).any():
        # Room for how it starts and for the usual spikes; a run that diverges leaves at the top.
        start, usual = np.nanpercentile(high[: len(high) // 20 + 1], 90), np.nanpercentile(high, 90)
        bottom, top = min(0.0, np.nanmin(low)), 1.05 * min(np.nanmax(high), np.fmax(start, 3 * usual))
        axes.set_ylim(bottom, top if top > bottom else bottom + 1)
        mean = np.minimum(mean, top)
    if not few:
        axes.plot(steps, _smoothed(mean), color=BLUE, lw=1.8, label="smoothed")
        axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper right", handlelength=1.4)
    axes.set_ylabel("training loss (mean of a batch)")
    _plain(axes)
    axes.tick_params(labelbottom=False)


def _draw_rate(axes: Axes, entries: Sequence[Mapping[str, Any]]) -> None:
    from matplotlib.ticker import MaxNLocator

    steps, _, rate, _ = _thinned(_column(entries, "step"), _column(entries, "learning_rate"))
    axes.plot(steps, rate, color=GREY, lw=1.2, marker="o" if len(steps) == 1 else "", ms=4)
    peak = np.nanmax(rate, initial=0.0)
    axes.set_ylim(0, peak * 1.15 or 1)
    axes.set_yticks([0, peak] if peak else [0], ["0", _short(peak)] if peak else ["0"])
    axes.set_ylabel("learning\nrate")
    axes.set_xlabel("training step")
    _plain(axes)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    if len(steps) == 1:
        axes.set_xlim(steps[0] - 0.5, steps[0] + 0.5)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")


def _draw_scores(axes: Axes, scored: Sequence[Mapping[str, Any]], metric: str) -> Mapping[str, Any]:
    """Draws the scores; gives the entry of the best, as the loop told it or else the highest."""
    from matplotlib.ticker import MaxNLocator

    best = next((e for e in reversed(scored) if e.get("best")), max(scored, key=lambda e: e["score"]))
    epochs, scores = _column(scored, "epoch"), _column(scored, "score")
    axes.plot(epochs, scores, color=BLUE, lw=1.8, marker="o", ms=5)
    axes.plot(best["epoch"], best["score"], color=VERMILION, marker="D", ms=8, ls="")
    axes.annotate(
        f"{best['score']:.3f}",
        (best["epoch"], best["score"]),
        (0, 9),
        textcoords="offset points",
        ha="center",
        fontsize=10,
        color=VERMILION,
    )
    axes.margins(x=0.08, y=0.15)
    if len(scored) == 1:
        axes.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.set_ylabel(metric)
    axes.set_xlabel("epoch")
    _plain(axes)
    return best


def _plain(axes: Axes) -> None:
    """Two spines, pale lines to read values off, and text that is legible at half size."""
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=GREY, labelcolor=INK, labelsize=9, length=3)
    axes.grid(axis="y", color=PALE, lw=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.label.set(fontsize=10, color=INK)
    axes.yaxis.label.set(fontsize=10, color=INK)


def _column(entries: Sequence[Mapping[str, Any]], name: str) -> Floats:
    """The values of all entries; NaN where there is none or it is not finite."""
    values = np.array([entry.get(name) for entry in entries], np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """At most ``POINTS`` runs of neighbours: their first x, and the lowest, mean and highest y, without NaN."""
    first = np.linspace(0, len(x), min(len(x), POINTS), endpoint=False).astype(int)
    number = np.add.reduceat(np.isfinite(y).astype(np.float64), first)
    total = np.add.reduceat(np.nan_to_num(y), first)
    mean = np.divide(total, number, out=np.full(len(first), np.nan), where=number > 0)
    return x[first], np.fmin.reduceat(y, first), mean, np.fmax.reduceat(y, first)


def _smoothed(y: Floats) -> Floats:
    """The mean under a Hann window as wide as a tenth of ``y``, which weighs about a twentieth, without NaN."""
    window = np.hanning(len(y) // 10 + 3)[1:-1]
    known = np.isfinite(y).astype(np.float64)
    weight = np.convolve(known, window, "same")
    total = np.convolve(np.nan_to_num(y), window, "same")
    smooth: Floats = np.divide(total, weight, out=np.full(len(y), np.nan), where=weight > 0)
    return smooth


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _short(number: float) -> str:
    """``2e-5`` and not ``2e-05``."""
    digits, _, exponent = f"{number:.2g}".partition("e")
    return f"{digits}e{int(exponent)}" if exponent else digits
