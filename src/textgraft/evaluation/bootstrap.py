"""Intervals of any metric: the Bayesian bootstrap, as matrix products.

A metric is a function of means over rows: of hits per label, of losses, of rows per bin. The Bayesian bootstrap (Rubin,
Annals of Statistics 1981) weighs row i by ``w_i``, an exponential variable, which turns each mean of x_i into one
with weights; the spread of the metric over many such weightings is what the rows leave open. So all weightings of all
metrics are one product of the (resamples, n) matrix of weights with the (n, s) matrix of the rows' statistics, which
is sparse, since a row touches few of the sums. Both are made for one block of rows at a time, so memory does not grow
with n.

To the rows come the pseudo-rows of ``prior``, which weigh one row together. Without them ten rows without an error
would say that there are no errors.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import import_scipy
from textgraft.progress import track

Floats = NDArray[np.float64]
Shapes = NDArray[np.float32]
Cells = tuple[NDArray[Any], NDArray[Any] | None]

BLOCK_ROWS = 8192  # with a chunk of resamples, 2 MB of weights: about a processor's cache
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


class Part(ABC):
    """Some metrics that are functions of the same means over rows."""

    columns: int  # how many means there are
    signed = False  # whether it wants resamples in which rows count 1 or -1

    @abstractmethod
    def cells(self, rows: slice) -> Cells:
        """Which means each prediction adds to, (b, f) integers, and how much, (b, f) floats or None for one."""

    @abstractmethod
    def scores(self, means: Floats) -> Scores:
        """The metrics from (columns, r) means."""

    def ends(self, means: Floats, resampled: Floats, n: float, rng: np.random.Generator) -> Scores:  # noqa: ARG002
        """Both ends of 95 % intervals, (2,) each overall and (k, 2) per label: here the quantiles of the resamples.

        Args:
            means: (columns, 1) over the n rows.
            resampled: (columns, r) over weighted rows and pseudo-rows.
            n: rows, by what they are worth.
            rng: of what has to be drawn.
        """
        return Scores({name: percentile_ends(values) for name, values in self.scores(resampled).overall.items()})


def row_means(parts: Sequence[Part], n: int, repeats: int = 1) -> list[Floats]:
    """The (columns, 1) means of each part over n rows."""
    means = [np.zeros((part.columns, 1)) for part in parts]
    for rows in _blocks(parts, n, repeats):
        for part, total in zip(parts, means, strict=True):
            columns, values = _cells(part, rows, n, repeats)
            weights = None if values is None else values.astype(np.float64).ravel()
            total[:, 0] += np.bincount(columns.ravel(), weights, minlength=part.columns)
    return [total / (n * repeats) for total in means]


def resampled_means(
    parts: Sequence[Part], shapes: Shapes, repeats: int = 1, *, resamples: int, seed: int
) -> list[Floats]:
    """The (columns, resamples) means of each part over rows that are weighted anew for each resample.

    All parts see the same weights.

    Args:
        parts: of ``repeats`` predictions of each row.
        shapes: (rows,) of the gamma distribution that each row's weight comes from; those of pseudo-rows are less.
        repeats: predictions of each row.
        resamples: how many.
        seed: of the weights.
    """
    rng = np.random.default_rng(seed)
    sums, total = _weighted_sums(parts, len(shapes), repeats, resamples, lambda rows, r: _gamma(rng, shapes[rows], r))
    return [each / (total * repeats) for each in sums]


def signed_means(part: Part, shapes: Shapes, n: int, repeats: int = 1, *, resamples: int, seed: int) -> Floats:
    """The (columns, resamples) means over n rows, each of which counts 1 or -1; pseudo-rows count less than that."""
    rng = np.random.default_rng(seed)

    def signs(rows: slice, r: int) -> NDArray[np.float32]:
        drawn = np.float32(2) * rng.integers(0, 2, (rows.stop - rows.start, r), np.int8) - np.float32(1)
        if rows.stop > n:
            pseudo = max(rows.start, n)
            drawn[pseudo - rows.start :] *= _gamma(rng, shapes[pseudo : rows.stop], r)
        return drawn

    (sums,), _ = _weighted_sums([part], len(shapes), repeats, resamples, signs)
    return sums / np.float64(n * repeats)


def affordable_resamples(parts: Sequence[Part], n: int, wanted: int) -> int:
    """``wanted``, or fewer (at least 200) where the rows, times the sums each touches, are very many.

    The spread of a metric over that many rows is small, and so is what fewer resamples lose of it.
    """
    most = min(MOST_DRAWS / n, MOST_PRODUCTS / (n * _touched(parts)))
    return min(wanted, max(FEWEST_RESAMPLES, int(most)))


def percentile_ends(samples: Floats) -> Floats:
    """(2,) the central 95 % of the values on the resamples, undefined ones left out; NaN if all are."""
    defined = samples[~np.isnan(samples)]
    return np.quantile(defined, (0.025, 0.975)) if len(defined) else np.full(2, np.nan)


def interval(value: float, ends: Floats) -> Interval:
    """A metric with the ends of its interval, which always holds the value itself; NaN where either is undefined."""
    value, low, high = float(value), float(ends[0]), float(ends[1])
    if math.isnan(value) or math.isnan(low):
        return Interval(math.nan, math.nan, math.nan)
    return Interval(value, min(low, value), max(high, value))


def _touched(parts: Sequence[Part]) -> int:
    """How many sums a prediction adds to."""
    return sum(part.cells(slice(0, 1))[0].size for part in parts)


def _blocks(parts: Sequence[Part], n: int, repeats: int) -> Iterator[slice]:
    size = min(BLOCK_ROWS, MOST_CELLS // (repeats * _touched(parts)) + 1)
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _cells(part: Part, rows: slice, n: int, repeats: int) -> Cells:
    """What each row adds to each sum: what its ``repeats`` predictions add, which lie n apart."""
    if repeats == 1:
        return part.cells(rows)
    each = [part.cells(slice(rows.start + at, rows.stop + at)) for at in range(0, repeats * n, n)]
    columns = np.concatenate([columns for columns, _ in each], axis=1)
    values = [values for _, values in each if values is not None]
    return columns, np.concatenate(values, axis=1) if values else None


def _statistics(parts: Sequence[Part], offsets: NDArray[np.int64], rows: slice, n: int, repeats: int) -> Any:
    """The (columns of all parts, b) sparse matrix of what each row adds to each sum."""
    csr_array = import_scipy("Evaluating with intervals").sparse.csr_array
    cells_of_parts = [_cells(part, rows, n, repeats) for part in parts]
    columns = np.concatenate(
        [cells.astype(np.int32) + np.int32(a) for (cells, _), a in zip(cells_of_parts, offsets, strict=False)], axis=1
    )
    values = np.concatenate(
        [np.ones(cells.shape, np.float32) if v is None else v.astype(np.float32) for cells, v in cells_of_parts], axis=1
    )
    b, f = columns.shape
    starts = np.arange(0, b * f + 1, f, dtype=np.int32)
    return csr_array((values.ravel(), columns.ravel(), starts), shape=(b, int(offsets[-1]))).T


def _weighted_sums(
    parts: Sequence[Part],
    n: int,
    repeats: int,
    resamples: int,
    weights: Callable[[slice, int], NDArray[np.float32]],
) -> tuple[list[NDArray[np.float32]], Floats]:
    """The (columns, resamples) sums of each part and the (resamples,) sums of the weights alone.

    ``weights(rows, r)`` gives the (b, r) weights of some rows in r resamples.
    """
    offsets = np.cumsum([0, *(part.columns for part in parts)])
    sums = np.zeros((int(offsets[-1]), resamples), np.float32)
    total = np.zeros(resamples)
    blocks = list(_blocks(parts, n, repeats))
    for rows in track(blocks, "resampling", len(blocks)) if n > 200_000 else blocks:  # less is done before a bar
        statistics = _statistics(parts, offsets, rows, n, repeats)
        for start in range(0, resamples, CHUNK_RESAMPLES):
            chunk = slice(start, min(start + CHUNK_RESAMPLES, resamples))
            drawn = weights(rows, chunk.stop - chunk.start)
            total[chunk] += drawn.sum(axis=0)
            sums[:, chunk] += statistics @ drawn
    return [sums[a:b] for a, b in pairwise(offsets)], total


def _gamma(rng: np.random.Generator, shapes: Shapes, r: int) -> NDArray[np.float32]:
    """(b, r) gamma variables with these (b,) shapes; exponential ones, which are fast, where all are 1."""
    if (shapes == 1).all():
        return rng.standard_exponential((len(shapes), r), np.float32)
    return rng.standard_gamma(shapes[:, None], (len(shapes), r), np.float32)
