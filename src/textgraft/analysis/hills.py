"""The hills of a map: where its points lie densest, each with all that slopes up to it, and the words typical of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import import_scipy
from textgraft.text.ngrams import WordNgrams

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

CELLS: Final = 96  # of the grid, in each direction
BLUR: Final = 3.0  # cells
SMALLEST: Final = 0.01  # of all points, which a hill must have to be one
FEWEST: Final = 10  # points, too
MEASURABLE: Final = 4.0  # standard errors, which no one of some thousand words passes by chance
MOST_WORDS: Final = 20_000  # that are counted


def hills(points: Floats) -> Places:
    """(n,) the number of each point's hill, the one with most points first; -1 of points on none that is large enough.

    The density of the points, counted in cells and blurred, is climbed from every cell to the highest of its neighbours
    until there is no higher one (Koontz et al. 1976, doi:10.1109/TC.1976.1674719): hills meet in valleys, where points
    are few, nothing is drawn by chance, and how many there are follows from the points.

    Args:
        points: (n, 2) from 0 to 1.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    ndimage = import_scipy("Drawing a map").ndimage
    cell = np.minimum((points * CELLS).astype(np.int64), CELLS - 1) + 1  # a rim around them is never climbed
    wide = CELLS + 2
    at = cell[:, 0] * wide + cell[:, 1]
    counts = np.bincount(at, minlength=wide * wide).reshape(wide, wide).astype(np.float64)
    density = ndimage.gaussian_filter(counts, BLUR, mode="constant").ravel()
    inside = np.arange(wide * wide).reshape(wide, wide)[1:-1, 1:-1].ravel()
    steps = np.array([0, *(i * wide + j for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)])
    around = inside[:, None] + steps
    up = np.arange(wide * wide)
    up[inside] = around[np.arange(len(inside)), density[around].argmax(axis=1)]
    while (higher := up[up]).tolist() != up.tolist():
        up = higher
    tops, hill, sizes = np.unique(up[at], return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    enough = sizes[order] >= max(FEWEST, SMALLEST * len(points))
    number = np.full(len(tops), -1)
    number[order[enough]] = np.arange(int(enough.sum()))
    return number[hill]


def typical_words(texts: Sequence[str], groups: Places, most: int = 4) -> list[tuple[str, ...]]:
    """For each group the words that are measurably more frequent in its texts than in all, the most typical first.

    The log odds of a word with the words of all texts as a prior, over its standard error (Monroe et al. 2008,
    doi:10.1093/pan/mpn018), which must be 4. A text counts once for each of its words, however often it repeats it.

    Args:
        texts: n.
        groups: (n,) from 0 on; texts of -1 count for the prior alone.
        most: words of a group.
    """
    named: list[tuple[str, ...]] = [()] * (int(groups.max(initial=-1)) + 1)
    rarest = max(3, len(texts) // 2_000)
    words, counts = WordNgrams.fit(texts, 1, rarest, MOST_WORDS)
    of_text = np.repeat(groups, np.diff(counts.words.starts))
    spoken = np.array([any(map(str.isalpha, word)) for word in words.words], np.bool_)
    if not spoken.any():
        return named
    every = np.bincount(counts.words.columns, minlength=len(spoken))[spoken].astype(np.float64)
    prior = every * min(1.0, 500 / every.sum())  # as much as 500 words
    known = [words.words[i] for i in np.flatnonzero(spoken).tolist()]
    for group in range(len(named)):
        here = np.bincount(counts.words.columns[of_text == group], minlength=len(spoken))[spoken]
        rest = every - here
        with np.errstate(divide="ignore", invalid="ignore"):  # where there is one word alone
            odds = _log_odds(here + prior) - _log_odds(rest + prior)
        z = odds / np.sqrt(1 / (here + prior) + 1 / (rest + prior))
        best = [i for i in np.argsort(-z, kind="stable")[:most].tolist() if z[i] >= MEASURABLE]
        named[group] = tuple(known[i] for i in best)
    return named


def _log_odds(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = np.log(counts) - np.log(counts.sum() - counts)
    return odds
