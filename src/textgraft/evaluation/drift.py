"""Whether counts of new texts come from where the counts of a sketch came from: tests that hold for any number of rows.

Both are counts in the same k categories: labels, or intervals of a length. If nothing has changed, then, given the
counts of both together, the new ones are a draw without replacement from them. What the sketch does not know, since it
is of finitely many texts itself, is counted by that.

Two p-values of this:

- ``bounded`` never understates, however small it is, so that it suits alarms that must be rare for years. It is that of
  the relative entropy of the smaller sample's shares to the common ones. Drawn with replacement, its moment generating
  function is at most that of a gamma distribution with shape k - 1 (Agrawal, IEEE Transactions on Information Theory
  2020, arXiv:1904.02291); drawn without, it is no larger, being the mean of a convex function (Hoeffding, JASA 1963,
  theorem 4). The rest is Chernoff's bound.
- ``permuted`` is exact, and finds smaller changes, but is never below 1 / (draws + 1): the place of the likelihood
  ratio among those of random draws (Phipson and Smyth 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import SettingError

Counts = NDArray[np.int64]

DRAWS: Final = 9_999
FEW: Final = 1 << 29  # rows that draws without replacement can come from
_LEVELS: Final = 200  # of confidence


@dataclass(frozen=True)
class Change:
    """How far counts are from those of a sketch.

    Attributes:
        p_value: of "nothing has changed".
        distance: the share of texts that would have to be others for the shares to be the same (total variation).
        rows: new ones.
        of_sketch: rows of the sketch.
    """

    p_value: float
    distance: float
    rows: int
    of_sketch: int


def bounded(new: Counts, known: Counts) -> Change:
    """The change with a p-value that is never too small, in time that does not depend on the rows.

    Args:
        new: (k,) counts of new rows.
        known: (k,) counts of the sketch.

    Raises:
        SettingError: the counts are not of the same categories.
    """
    new, known, n, m = _checked(new, known)
    if not n or not m:
        return Change(1.0, 0.0, n, m)
    pooled = (new + known) / (n + m)
    fewer, size = (new, n) if n <= m else (known, m)
    freedom = np.count_nonzero(pooled) - 1
    spent = size * _relative_entropy(fewer / size, pooled)
    p = np.exp(freedom * (1 + np.log(spent / freedom)) - spent) if spent > freedom > 0 else 1.0
    return Change(float(p), _distance(new / n, known / m), n, m)


def permuted(new: Counts, known: Counts, *, draws: int = DRAWS, seed: int = 0) -> Change:
    """The change with an exact p-value, which is at least 1 / (``draws`` + 1).

    Args:
        new, known: as for ``bounded``.
        draws: random ones.
        seed: of these.

    Raises:
        SettingError: the counts are not of the same categories.
    """
    new, known, n, m = _checked(new, known)
    if not n or not m:
        return Change(1.0, 0.0, n, m)
    if n + m > FEW:
        return bounded(new, known)
    both = new + known
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(both, n, draws, method="marginals")
    pooled = both / (n + m)
    parts = np.vstack((new[None], drawn))
    ratios = n * _relative_entropy(parts / n, pooled) + m * _relative_entropy((both - parts) / m, pooled)
    as_far = int((ratios[1:] >= ratios[0] * (1 - 1e-9)).sum())
    return Change((as_far + 1) / (draws + 1), _distance(new / n, known / m), n, m)


def calibrated_by_chance(confidences: NDArray[Any], right: int, *, draws: int = DRAWS, seed: int = 0) -> float:
    """The p-value of "each answer is right with the probability that its confidence says", from both sides.

    Args:
        confidences: (n,) of answers.
        right: how many of them are right.
        draws, seed: as for ``permuted``.
    """
    sure = np.asarray(confidences, np.float64)
    bins = np.minimum((sure * _LEVELS).astype(np.int64), _LEVELS - 1)
    rows = np.bincount(bins, minlength=_LEVELS)
    # Chances that differ little are all their mean, which makes the spread wider, if anything.
    means = np.bincount(bins, sure, _LEVELS) / np.maximum(rows, 1)
    drawn = np.random.default_rng(seed).binomial(rows, np.clip(means, 0, 1), (draws, _LEVELS)).sum(axis=1)
    as_far = np.count_nonzero(np.abs(drawn - sure.sum()) >= abs(right - sure.sum()) - 1e-9)
    return float((as_far + 1) / (draws + 1))


def _checked(new: Counts, known: Counts) -> tuple[Counts, Counts, int, int]:
    """Both, and how many rows each has."""
    new, known = np.asarray(new, np.int64), np.asarray(known, np.int64)
    if new.shape != known.shape or new.ndim != 1 or (new < 0).any() or (known < 0).any():
        raise SettingError(
            f"Counts are compared of the same categories; got shapes {new.shape} and {known.shape}, or counts below 0."
        )
    return new, known, int(new.sum()), int(known.sum())


def _relative_entropy(shares: NDArray[Any], pooled: NDArray[Any]) -> Any:
    """Kullback and Leibler's divergence of shares (..., k) from those of (k,); infinite of what pooled has none of."""
    of = np.divide(shares, pooled, out=np.ones_like(shares), where=(shares > 0) & (pooled > 0))
    return (shares * np.log(of)).sum(axis=-1)


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.abs(a - b).sum() / 2)
