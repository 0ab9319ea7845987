"""How well a share is known from so many rows, of which some are hits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.extras import import_scipy

Floats = NDArray[np.float64]

_HALVINGS = 50  # of the range from 0 to 1
_MOST_DRAWS = 1e6  # of a bin each
_MOST_SCALE, _SCALE_HALVINGS = 4.0, 12
Z = 1.959964  # of the normal distribution, for 95 %


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share that is seen in n rows (Wilson, JASA 1927).

    Args:
        share: of the rows, from 0 to 1.
        n: rows, at least 1.
    """
    scale = 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / scale
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / scale
    return middle - half, middle + half


def rows_for(half: float, share: float) -> int:
    """The fewest rows from which a share is known to ``half`` either way, as ``wilson`` has it."""
    least, most = 0, 1
    while _half(share, most) > half:
        least, most = most, 2 * most
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if _half(share, middle) <= half else (middle, most)
    return most


def _half(share: float, n: int) -> float:
    low, high = wilson(share, n)
    return (high - low) / 2


def share_ends(hits: ArrayLike, rows: ArrayLike) -> Floats:
    """The ends of 95 % intervals of shares, exact but for mid-P (Lancaster, Biometrika 1961; Berry and Armitage 1995).

    The shares outside are those under which so few hits, or so many, have a probability below 2.5 %, where the
    outcome itself counts half: all of it, as Clopper and Pearson (1934) have it, makes intervals too wide.

    Args:
        hits: (m,) of the rows; a fraction where rows were predicted several times.
        rows: (m,); where there are none, the interval is [0, 1].

    Returns:
        (m, 2).
    """
    betainc = import_scipy("Evaluating with intervals").special.betainc
    x, n = np.broadcast_arrays(np.asarray(hits, np.float64), np.asarray(rows, np.float64))

    def at_least(share: Floats, x: Floats) -> Floats:
        """The mid-P of x or more hits."""
        more = np.where(x < n, betainc(x + 1, np.maximum(n - x, 1e-9), share), 0.0)
        so_many = np.where(x > 0, betainc(np.maximum(x, 1e-9), n - x + 1, share), 1.0)
        return (more + so_many) / 2

    ends: list[Floats] = []
    for level, certain in ((0.025, x <= 0), (0.975, x >= n)):
        low, high = np.zeros(x.shape), np.ones(x.shape)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = at_least(middle, x) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        ends.append(np.where(certain, level > 0.5, (low + high) / 2))
    return np.stack(ends, axis=-1)


def calibration_ends(rows: Floats, stated: Floats, gaps: Floats, resampled: Floats, rng: np.random.Generator) -> Floats:
    """The ends of a 95 % interval of a sum of absolute gaps, which noise can only push up, by inverting tests.

    0 is the lower end unless hits drawn from the stated probabilities give a sum as large as the seen one in less than
    2.5 % of cases (Vaicenavicius et al., AISTATS 2019). Otherwise the interval holds the sums of ``s`` times the gaps
    for which the seen one lies in the middle 95 % of what rows like these show. Its upper end is at least that of the
    gap of all rows together, which the sum cannot be below.

    Args:
        rows: (b,) of each bin, above 0.
        stated: (b,) the sum of their probabilities.
        gaps: (b,) how much larger that is than the hits.
        resampled: (b, r) such gaps on resamples.
        rng: of the draws.

    Returns:
        (2,).
    """
    draws = int(np.clip(_MOST_DRAWS / len(rows), 200, 1000))
    trials, total, seen = np.ceil(rows).astype(np.int64), rows.sum(), np.abs(gaps).sum()

    hits = stated - gaps
    noise = resampled - gaps[:, None]

    def scale(quantile: float) -> float:
        """The least s with which so many draws reach the seen sum."""
        least, most = 0.0, _MOST_SCALE
        for _ in range(_SCALE_HALVINGS):
            s = (least + most) / 2
            reached = np.quantile(np.abs(s * gaps[:, None] + noise).sum(axis=0), quantile) >= seen
            least, most = (least, s) if reached else (s, most)
        return most

    shares = np.clip(stated / rows, 0, 1)[:, None]
    chance = np.abs(trials[:, None] * shares - rng.binomial(trials[:, None], shares, (len(rows), draws))).sum(axis=0)
    low = 0.0 if np.quantile(chance, 0.975) >= seen else scale(0.975) * seen
    furthest = np.abs(stated.sum() - total * share_ends(hits.sum(), total)).max()
    return np.array([low, max(scale(0.025) * seen, furthest)])
