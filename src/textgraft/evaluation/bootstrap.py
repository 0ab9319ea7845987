"""The bootstrap, as matrix products.

A metric is a function of sums over rows: of hits per label, of losses, of rows per bin. A resample that draws row i
``w_i`` times turns each sum of x_i into the sum of w_i x_i. So all resamples of all metrics are one product of the
(resamples, n) matrix of counts with the (n, s) matrix of the rows' statistics, which is sparse, since a row touches
few of the sums. Both are made for one block of rows at a time, so memory does not grow with n.

Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 16.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import import_scipy
from textgraft.progress import track

Floats = NDArray[np.float64]
Cells = tuple[NDArray[Any], NDArray[Any] | None]

BLOCK_ROWS = 8192  # with a chunk of resamples, 2 MB of counts: about a processor's cache; at most 65,536 (uint16)
CHUNK_RESAMPLES = 64
MOST_CELLS = 2_000_000  # of a block: about 50 MB with its copies
FEWEST_RESAMPLES = 200
MOST_DRAWS = 2.5e8  # rows times resamples: about 3 s
MOST_PRODUCTS = 5e9  # rows times resamples times sums that a row touches: about 2 s


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; NaN where it is undefined (``None`` in JSON)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "undefined"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def to_dict(self) -> dict[str, float | None]:
        """``{"value": .., "low": .., "high": ..}``, with None for NaN."""
        return {name: None if math.isnan(figure) else figure for name, figure in vars(self).items()}

    @classmethod
    def from_dict(cls, figures: Mapping[str, float | None]) -> Self:
        """What ``to_dict`` wrote."""
        each = (figures[name] for name in ("value", "low", "high"))
        # math.nan itself, so that two undefined intervals are equal
        return cls(*(math.nan if figure is None else float(figure) for figure in each))


def plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures for JSON, intervals among them or not."""
    return {name: value.to_dict() if isinstance(value, Interval) else value for name, value in figures.items()}


@dataclass(frozen=True, eq=False)
class Scores:
    """Values of metrics for r weightings of the rows: overall (r,) each, and per label (k, r) each."""

    overall: dict[str, Floats] = field(default_factory=dict)
    per_label: dict[str, Floats] = field(default_factory=dict)


class Part(Protocol):
    """Some metrics that share their sums."""

    columns: int  # how many sums there are

    def cells(self, rows: slice) -> Cells:
        """Which sums each row adds to, (b, f) integers, and how much, (b, f) floats or None for one."""

    def scores(self, sums: Floats) -> Scores:
        """The metrics from (columns, r) sums."""


def point_scores(parts: Sequence[Part], n: int) -> list[Scores]:
    """The metrics themselves, r = 1: every row counts once."""
    sums = [np.zeros((part.columns, 1)) for part in parts]
    for rows in _blocks(parts, n):
        for part, total in zip(parts, sums, strict=True):
            columns, values = part.cells(rows)
            weights = None if values is None else values.astype(np.float64).ravel()
            total[:, 0] += np.bincount(columns.ravel(), weights, minlength=part.columns)
    return [part.scores(total) for part, total in zip(parts, sums, strict=True)]


def resampled_scores(parts: Sequence[Part], n: int, *, resamples: int, seed: int) -> list[Scores]:
    """The metrics on ``resamples`` bootstrap resamples of the n rows; all parts see the same ones."""
    rng = np.random.default_rng(seed)
    offsets = np.cumsum([0, *(part.columns for part in parts)])
    sums = np.zeros((int(offsets[-1]), resamples), np.float32)  # counts are exact up to 16 million rows
    blocks = list(_blocks(parts, n))
    sizes = np.array([rows.stop - rows.start for rows in blocks])
    draws = rng.multinomial(n, sizes / n, size=resamples)  # how many of a resample's rows come from each block
    listened = n > 200_000  # less is done before a bar is drawn
    for i, rows in enumerate(track(blocks, "resampling", len(blocks)) if listened else blocks):
        statistics = _statistics(parts, offsets, rows)
        for start in range(0, resamples, CHUNK_RESAMPLES):
            chunk = slice(start, min(start + CHUNK_RESAMPLES, resamples))
            sums[:, chunk] += statistics @ _counts(rng, int(sizes[i]), draws[chunk, i])
    return [part.scores(sums[a:b].astype(np.float64)) for part, (a, b) in zip(parts, pairwise(offsets), strict=True)]


def affordable_resamples(parts: Sequence[Part], n: int, wanted: int) -> int:
    """``wanted``, or fewer (at least 200) where the rows, times the sums each touches, are very many.

    The spread of a metric over that many rows is small, and so is what fewer resamples lose of it.
    """
    most = min(MOST_DRAWS / n, MOST_PRODUCTS / (n * _touched(parts)))
    return min(wanted, max(FEWEST_RESAMPLES, int(most)))


def percentile_interval(value: float, samples: Floats, *, reflect: bool = False) -> Interval:
    """The 95 % interval of a metric from its values on the resamples.

    The percentile interval; an undefined value of a resample is left out, and the interval always holds the value
    itself. ``reflect`` gives the basic interval instead (Davison and Hinkley, Bootstrap Methods and their
    Application, 1997, section 5.2), for a metric that noise can only push up, such as a calibration error: there the
    resamples lie above the value by about as much as the value lies above the truth.
    """
    samples = samples[~np.isnan(samples)]
    if math.isnan(value) or not len(samples):
        return Interval(math.nan, math.nan, math.nan)
    low, high = (float(q) for q in np.quantile(samples, (0.025, 0.975)))
    if reflect:
        low, high = max(0.0, 2 * value - high), max(0.0, 2 * value - low)
    return Interval(value, min(low, value), max(high, value))


def _touched(parts: Sequence[Part]) -> int:
    """How many sums a row adds to."""
    return sum(part.cells(slice(0, 1))[0].size for part in parts)


def _blocks(parts: Sequence[Part], n: int) -> Iterator[slice]:
    size = min(BLOCK_ROWS, MOST_CELLS // _touched(parts) + 1)
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _statistics(parts: Sequence[Part], offsets: NDArray[np.int64], rows: slice) -> Any:
    """The (columns of all parts, b) sparse matrix of what each row adds to each sum."""
    csr_array = import_scipy("Evaluating with intervals").sparse.csr_array
    cells_of_parts = [part.cells(rows) for part in parts]
    columns = np.concatenate(
        [cells.astype(np.int32) + np.int32(a) for (cells, _), a in zip(cells_of_parts, offsets, strict=False)], axis=1
    )
    values = np.concatenate(
        [np.ones(cells.shape, np.float32) if v is None else v.astype(np.float32) for cells, v in cells_of_parts], axis=1
    )
    b, f = columns.shape
    starts = np.arange(0, b * f + 1, f, dtype=np.int32)
    return csr_array((values.ravel(), columns.ravel(), starts), shape=(b, int(offsets[-1]))).T


def _counts(rng: np.random.Generator, size: int, draws: NDArray[np.int64]) -> NDArray[np.float32]:
    """(size, r) float32: how often each of ``size`` rows is drawn by r resamples, ``draws[j]`` rows in the j-th."""
    r = len(draws)
    drawn = rng.integers(0, size, size=int(draws.sum()), dtype=np.uint16)
    cell = drawn + np.repeat(np.arange(0, r * size, size), draws)
    return np.bincount(cell, minlength=r * size).reshape(r, size).T.astype(np.float32, order="C")
