"""Learning curves as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import MissingExtraError
from textgraft.whole import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

# More points than this cannot be told apart in the picture.
POINTS = 2000
# Of the palette of Okabe and Ito (2008), which colour-blind people can tell apart too.
BLUE, VERMILION = "#0072B2", "#D55E00"
INK, GREY, PALE = "#222222", "#6B6B6B", "#E2E2E2"


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

    scored = [entry for entry in entries if is_finite(entry.get("score"))]
    # pyplot would keep the figure, and touch the display, for the whole process.
    figure = Figure(figsize=(8, 4), dpi=200, facecolor="white", layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2 if scored else 1, height_ratios=[5, 1])
    loss = figure.add_subplot(grid[0, 0])
    _draw_loss(loss, entries)
    _draw_rate(figure.add_subplot(grid[1, 0], sharex=loss), entries)
    title = f"{entries[-1]['step']:,} steps"
    if scored:
        best = _draw_scores(figure.add_subplot(grid[:, 1]), scored, metric)
        title = f"Best {metric} {best['score']:.3f} in epoch {best['epoch']}"
    figure.suptitle(title, x=0.013, ha="left", fontsize=12, fontweight="bold", color=INK)
    with whole_file(path, durable=False) as part:
        figure.savefig(part, format="png")


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
    steps, _, rate, _ = _thinned(_column(entries, "step"), _column(entries, "learning_rate"))
    axes.plot(steps, rate, color=GREY, lw=1.2, marker="o" if len(steps) == 1 else "", ms=4)
    peak = np.nanmax(rate, initial=0.0)
    axes.set_ylim(0, peak * 1.15 or 1)
    axes.set_yticks([0, peak] if peak else [0], ["0", _short(peak)] if peak else ["0"])
    axes.set_ylabel("learning\nrate")
    _along(axes, "training step", steps, 5)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")


def _draw_scores(axes: Axes, scored: Sequence[Mapping[str, Any]], metric: str) -> Mapping[str, Any]:
    """Draws the scores; gives the entry of the best, as the loop told it or else the highest."""
    best = next((e for e in reversed(scored) if e.get("best")), max(scored, key=lambda e: e["score"]))
    epochs, scores = _column(scored, "epoch"), _column(scored, "score")
    axes.plot(epochs, scores, color=BLUE, lw=1.8, marker="o", ms=5)
    x, y = best["epoch"], best["score"]
    axes.plot(x, y, color=VERMILION, marker="D", ms=8, ls="")
    axes.annotate(f"{y:.3f}", (x, y), (0, 9), textcoords="offset points", ha="center", fontsize=10, color=VERMILION)
    axes.margins(x=0.08, y=0.15)
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.set_ylabel(metric)
    _along(axes, "epoch", epochs, 8)
    return best


def _along(axes: Axes, label: str, values: Floats, ticks: int) -> None:
    """The axis of steps or epochs: whole numbers, and some room around a single one."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(ticks, integer=True, min_n_ticks=1))
    if len(values) == 1:
        axes.set_xlim(values[0] - 0.5, values[0] + 0.5)
    _plain(axes)


def _plain(axes: Axes) -> None:
    """Two spines, pale lines to read values off, and text that is legible at half size."""
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=GREY, labelcolor=INK, labelsize=9, length=3)
    axes.grid(axis="y", color=PALE, lw=0.6)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(fontsize=10, color=INK)


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


def is_finite(value: Any) -> bool:
    """Whether it is a number, and not NaN or infinite."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def _short(number: float) -> str:
    """``2e-5`` and not ``2e-05``."""
    digits, _, exponent = f"{number:.2g}".partition("e")
    return f"{digits}e{int(exponent)}" if exponent else digits
