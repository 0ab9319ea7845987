"""Are errors more frequent where something holds? Held against errors that are moved to other rows, for many at once.

Were errors independent of what is looked at, they could as well stand in any other rows. So the deviation of a
candidate is held against the largest one of any candidate when errors are moved (the max-T of Westfall and Young,
Resampling-Based Multiple Testing, 1993), which corrects for all of them, and is sharper than Holm's method where they
overlap.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from textgraft.progress import track

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
Counts = Callable[[Places], Places]
"""How many of some rows each of c candidates holds."""

ALPHA = 0.05  # the chance to find anything where there is nothing
MOVES = 999


class Deviations:
    """How far counts of errors are above what is expected: signed roots of the deviance, of variance 1.

    By it small candidates, whose counts are skewed, have no longer tails than large ones, as they have by the standard
    score, and do not raise the bar for all. A candidate deviates as far as it does from all rows, from those of its
    strata and, of a pair of conditions, from those of either half, whichever is least: so nothing is found that is
    worse than some rows only, or for what one half says alone.

    Args:
        counts: of the c candidates.
        wrong: (n,) which rows are errors.
        strata: (n,) from 0; errors are moved within these.
        halves: (c, 2) the candidates of which one is a pair, -1 for none.
    """

    seen: Floats

    def __init__(self, counts: Counts, wrong: Flags, strata: Places, halves: Places | None = None) -> None:
        self._counts = counts
        self._rows = [np.flatnonzero(strata == s) for s in range(int(strata.max()) + 1)]
        self._errors = [int(wrong[rows].sum()) for rows in self._rows]
        self._sizes = counts(np.arange(len(wrong)))
        self._expected, self._variance = np.zeros(len(self._sizes)), np.zeros(len(self._sizes))
        for rows, errors in zip(self._rows, self._errors, strict=True):
            expected, variance = _hypergeometric(counts(rows), errors, len(rows))
            self._expected += expected
            self._variance += variance
        self._overall = _hypergeometric(self._sizes, sum(self._errors), sum(map(len, self._rows)))
        self._pairs = [] if halves is None else [(np.flatnonzero(half >= 0), half[half >= 0]) for half in halves.T]
        self.seen = self._of(np.flatnonzero(wrong))

    def _of(self, errors: Places) -> Floats:
        """(c,) for the (m,) rows that are errors."""
        counts = self._counts(errors)
        deviations = _deviations(counts, self._expected, self._variance)
        deviations = np.minimum(deviations, _deviations(counts, *self._overall))
        for pairs, of in self._pairs:
            within = _hypergeometric(self._sizes[pairs], counts[of], self._sizes[of])
            deviations[pairs] = np.minimum(deviations[pairs], _deviations(counts[pairs], *within))
        return deviations

    def largest_when_moved(self, moves: int, rng: np.random.Generator, what: str) -> Floats:
        """(at most moves,) the largest deviation of any candidate each time that errors are moved within the strata.

        No more moves are made once even the candidate that deviates most cannot come below ``ALPHA`` with the others.
        """
        largest, as_large, most = np.empty(moves), 0, self.seen.max()
        for i in track(range(moves), what, total=moves):
            parts = zip(self._rows, self._errors, strict=True)
            moved = [rng.choice(rows, errors, replace=False, shuffle=False) for rows, errors in parts]
            largest[i] = self._of(np.concatenate(moved)).max()
            as_large += largest[i] >= most
            if as_large + 1 > ALPHA * (moves + 1):
                return largest[: i + 1]
        return largest


def corrected(seen: Floats, largest: Floats) -> Floats:
    """(c,) p-values of (c,) deviations, corrected for all candidates by the largest ones of moved errors."""
    ordered = np.sort(largest)
    as_large = len(ordered) - np.searchsorted(ordered, seen, side="left")
    return np.asarray((as_large + 1) / (len(ordered) + 1))


def _hypergeometric(held: Places, errors: Places | int, n: Places | int) -> tuple[Floats, Floats]:
    """Mean and variance of how many errors of n rows those hold that hold so many of them."""
    share = np.asarray(errors / n, np.float64)
    return held * share, held * share * (1 - share) * (n - held) / np.maximum(np.subtract(n, 1), 1)


def _deviations(counts: Places, expected: Floats, variance: Floats) -> Floats:
    expected = np.maximum(expected, 1e-12)
    deviance = counts * np.log(np.maximum(counts, 1e-12) / expected) - (counts - expected)
    scale = np.sqrt(expected / np.maximum(variance, 1e-12)) * (variance > 1e-9)
    return np.asarray(np.sign(counts - expected) * np.sqrt(2 * np.maximum(deviance, 0)) * scale)
