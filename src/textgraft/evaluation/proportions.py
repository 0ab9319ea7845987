"""How well a share is known from so many rows, of which some are hits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.extras import import_scipy

Floats = NDArray[np.float64]

_HALVINGS = 32  # of the range from 0 to 1
_MOST_DRAWS = 1e6  # of a bin each
_MOST_SCALE, _SCALE_HALVINGS = 4.0, 12
Z = 1.959964  # of the normal distribution, for 95 %


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share that is seen in n rows (Wilson, JASA 1927).

    Args:
        share: of the rows, from 0 to 1.
        n: rows, at least 1.
    """
    scale = 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / scale
    half = Z * math.sqrt(max(share * (1 - share), 0) / n + Z * Z / (4 * n * n)) / scale
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


def auc_ends(auc: float, positives: float, negatives: float) -> Floats:
    """(2,) the ends of the 95 % interval of an area under the ROC curve: method 5 of Newcombe, Stat. in Medicine 2006.

    As with ``wilson``, it holds the areas from which the one that is seen is not too far away, by their own spread
    (that of Hanley and McNeil 1982, with as many positives as negatives).
    """
    half = (positives + negatives) / 2 - 1

    def near(area: float) -> bool:
        spread = area * (1 - area) * (1 + half * (1 - area) / (2 - area) + half * area / (1 + area))
        return (auc - area) ** 2 <= Z * Z * spread / (positives * negatives)

    ends = []
    for end in (0.0, 1.0):
        inner, outer = min(max(auc, 0.0), 1.0), end
        for _ in range(_HALVINGS):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if near(middle) else (inner, middle)
        ends.append(inner)
    return np.array(ends)


def average_precision_ends(ap: float, bias: float, positives: float) -> Floats:
    """(2,) the ends of the 95 % interval of an average precision, as of a share of the positives.

    Args:
        ap: as seen.
        bias: what it may be too high by.
        positives: how many.
    """
    return np.array([wilson(max(ap - bias, 0.0), positives)[0], wilson(ap, positives)[1]])


def ends_of_mean(values: Floats, ends: Floats, biases: Floats) -> Floats:
    """(2,) the ends of the mean of (k,) values from their own (k, 2) ends, undefined ones left out.

    Of independent values (Zou and Donner, Statistics in Medicine 2008); ``biases`` (k,) are what the values may be too
    high by, which does not cancel out as chance does.
    """
    defined = ~np.isnan(values)
    if not defined.any():
        return np.full(2, np.nan)
    centres = np.stack((values - biases, values), axis=1)[defined]
    off = np.sqrt(((ends[defined] - centres) ** 2).sum(axis=0)) / len(centres)
    clipped: Floats = np.clip(centres.mean(axis=0) + np.array([-1, 1]) * off, 0, 1)
    return clipped


def calibration_ends(rows: Floats, stated: Floats, gaps: Floats, signed: Floats, rng: np.random.Generator) -> Floats:
    """The ends of a 95 % interval of a sum of absolute gaps, which noise can only push up, by inverting tests.

    0 is the lower end unless hits drawn from the stated probabilities give a sum as large as the seen one in less than
    2.5 % of cases (Vaicenavicius et al., AISTATS 2019). Otherwise the interval holds the sums of ``s`` times the gaps
    for which the seen one lies in the middle 95 % of what rows like these show. Its upper end is at least that of the
    gap of all rows together, which the sum cannot be below.

    Args:
        rows: (b,) of each bin, above 0.
        stated: (b,) the sum of their probabilities.
        gaps: (b,) how much larger the sum of the probabilities is than the hits.
        signed: (b, r) gaps where each row has counted 1 or -1.
        rng: of the draws.

    Returns:
        (2,).
    """
    draws = int(np.clip(_MOST_DRAWS / len(rows), 200, 1000))
    trials, total, seen = np.ceil(rows).astype(np.int64), rows.sum(), np.abs(gaps).sum()

    def scale(quantile: float) -> float:
        """The least s with which so many draws reach the seen sum."""
        least, most = 0.0, _MOST_SCALE
        for _ in range(_SCALE_HALVINGS):
            s = (least + most) / 2
            reached = np.quantile(np.abs(s * gaps[:, None] + signed).sum(axis=0), quantile) >= seen
            least, most = (least, s) if reached else (s, most)
        return most

    shares = np.clip(stated / rows, 0, 1)[:, None]
    chance = np.abs(trials[:, None] * shares - rng.binomial(trials[:, None], shares, (len(rows), draws))).sum(axis=0)
    low = 0.0 if np.quantile(chance, 0.975) >= seen else scale(0.975) * seen
    furthest = np.abs(stated.sum() - total * share_ends((stated - gaps).sum(), total)).max()
    return np.array([low, max(scale(0.025) * seen, furthest)])
