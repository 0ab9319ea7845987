"""Slices of a table on which a classifier is measurably worse, found without being named.

Candidates are the values of features (columns, bins of numbers, lengths, languages, labels) and pairs of them. The one
that deviates most is tested against errors that are moved about, corrected for all candidates (see ``moving``). Then
the next one is looked for with errors moved within and outside those that are found, so that what is explained by them
is not found again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.moving import ALPHA, MOVES, Deviations, corrected
from textgraft.evaluation import Interval
from textgraft.evaluation.proportions import share_ends

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

FEWEST = 20  # rows of a slice, and outside it
MOST_SLICES = 10
MOST_PAIRED = 24  # features whose values make pairs: the first ones


@dataclass(frozen=True, eq=False)
class Feature:
    """One way to part rows.

    Attributes:
        name: such as a column's.
        values: of the parts.
        codes: (n,) the part of each row; -1 for none.
        about: features about one and the same thing make no pairs.
    """

    name: str
    values: tuple[str, ...]
    codes: Places
    about: str = ""


@dataclass(frozen=True)
class Slice:
    """Rows on which errors are more frequent than elsewhere.

    Attributes:
        conditions: one or two features with a value each.
        rows: how many rows it has.
        wrong: how many of them are wrong.
        rate: of errors, with its interval; of the worst of many it is rather too high.
        elsewhere: that of the other rows.
        p_value: corrected for all candidates.
    """

    conditions: tuple[tuple[str, str], ...]
    rows: int
    wrong: int
    rate: Interval
    elsewhere: Interval
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        conditions = [{"feature": feature, "value": value} for feature, value in self.conditions]
        rates = {"rate": self.rate.to_dict(), "elsewhere": self.elsewhere.to_dict()}
        return {**vars(self), "conditions": conditions, **rates}


@dataclass(frozen=True)
class Slices:
    """What was found, and among how many candidates.

    Attributes:
        found: the clearest first.
        tried: how many candidates there were.
        features: what was looked at.
        rows: how many rows were looked at.
    """

    found: tuple[Slice, ...]
    tried: int
    features: tuple[str, ...]
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {**vars(self), "found": [each.to_dict() for each in self.found], "features": list(self.features)}


def find_slices(
    wrong: Flags, features: Sequence[Feature], *, fewest: int = FEWEST, moves: int = MOVES, seed: int = 0
) -> Slices:
    """The slices on which errors are measurably more frequent.

    Args:
        wrong: (n,) which rows are errors; copies of one text should be one row, since they are right or wrong together.
        features: of the same rows.
        fewest: rows that a slice must have, and that must be outside it.
        moves: how often errors are moved about; the smallest p-value is 1 / (moves + 1).
        seed: of these.
    """
    names = tuple(feature.name for feature in features)
    candidates = _Candidates(features, len(wrong), fewest)
    found: list[tuple[int, float]] = []
    strata = np.zeros(len(wrong), np.int64)
    if len(candidates) and 0 < wrong.sum() < len(wrong):
        while len(found) < MOST_SLICES:
            deviations = Deviations(candidates.counts, wrong, strata, candidates.halves)
            rng = np.random.default_rng([seed, len(found)])
            largest = deviations.largest_when_moved(moves, rng, "looking for slices")
            best = int(deviations.seen.argmax())
            p_value = float(corrected(deviations.seen[best], largest))
            if p_value > ALPHA:
                break
            found.append((best, max([p_value, *(p for _, p in found)])))
            _, strata = np.unique(2 * strata + candidates.holds(best), return_inverse=True)
    slices = tuple(_slice(candidates, wrong, best, p_value) for best, p_value in found)
    return Slices(slices, len(candidates), names, len(wrong))


class _Candidates:
    """Values of features and pairs of them, numbered.

    Attributes:
        of_row: (n, m) int32, the candidates that each row is in, a column for each feature and pair of features; rows
            in none of a column have the number of candidates there.
        conditions: of each candidate, the places of its features and values.
        halves: (c, 2) the candidates that are either half of a pair; -1 of what is none, or for a half that is none.
    """

    def __init__(self, features: Sequence[Feature], n: int, fewest: int) -> None:
        self.features = features
        self.conditions: list[tuple[tuple[int, int], ...]] = []
        self._fewest, self._n = fewest, n
        singles = [self._single(f, feature) for f, feature in enumerate(features)]
        columns = [numbers for numbers, _ in singles]
        paired = range(min(MOST_PAIRED, len(features)))
        for f, g in combinations(paired, 2):
            if not features[f].about or features[f].about != features[g].about:
                columns.append(self._pair((f, singles[f][1]), (g, singles[g][1])))
        self.of_row = np.stack(columns, axis=1) if columns else np.zeros((n, 0), np.int32)
        self.of_row[self.of_row < 0] = len(self)
        number = {conditions: i for i, conditions in enumerate(self.conditions)}
        self.halves = np.full((len(self), 2), -1)
        for i, conditions in enumerate(self.conditions):
            if len(conditions) == 2:
                self.halves[i] = [number.get((half,), -1) for half in conditions]

    def __len__(self) -> int:
        return len(self.conditions)

    def counts(self, rows: Places) -> Places:
        """(c,) how many of some rows each candidate holds."""
        return np.bincount(self.of_row[rows].ravel(), minlength=len(self) + 1)[: len(self)]

    def holds(self, candidate: int) -> Places:
        """(n,) 0 or 1, which rows a candidate holds."""
        return np.asarray((self.of_row == candidate).any(axis=1), np.int64)

    def _numbered(
        self, codes: Places, describe: Callable[[int], tuple[tuple[int, int], ...]], smaller_than: Places
    ) -> NDArray[np.int32]:
        """(n,) numbers of new candidates, -1 for what is too small, too large or the same as a half of it."""
        sizes = np.bincount(codes[codes >= 0], minlength=len(smaller_than))
        ok = (sizes >= self._fewest) & (self._n - sizes >= self._fewest) & (sizes < smaller_than)
        numbers = np.full(len(sizes) + 1, -1, np.int32)
        numbers[:-1][ok] = len(self) + np.arange(ok.sum())
        self.conditions += [describe(code) for code in np.flatnonzero(ok).tolist()]
        return numbers[codes]

    def _single(self, f: int, feature: Feature) -> tuple[NDArray[np.int32], Places]:
        """The numbers of a feature's values, and its codes without values of too few rows."""
        codes = feature.codes.astype(np.int64)
        sizes = np.bincount(codes[codes >= 0], minlength=len(feature.values))
        numbers = self._numbered(codes, lambda code: ((f, code),), np.full(len(sizes), self._n + 1))
        few = np.append(sizes < self._fewest, True)
        return numbers, np.where(few[codes], -1, codes)

    def _pair(self, first: tuple[int, Places], second: tuple[int, Places]) -> NDArray[np.int32]:
        (f, a), (g, b) = first, second
        width = len(self.features[g].values)
        joint = np.where((a >= 0) & (b >= 0), a * width + b, -1)
        of_a, of_b = (
            np.bincount(codes[codes >= 0], minlength=len(self.features[i].values)) for i, codes in (first, second)
        )
        smaller = np.minimum(np.repeat(of_a, width), np.tile(of_b, len(of_a)))
        return self._numbered(joint, lambda code: ((f, code // width), (g, code % width)), smaller)


def _slice(candidates: _Candidates, wrong: Flags, candidate: int, p_value: float) -> Slice:
    held = candidates.holds(candidate) == 1
    conditions = tuple(
        (candidates.features[f].name, candidates.features[f].values[value])
        for f, value in candidates.conditions[candidate]
    )
    return Slice(
        conditions, int(held.sum()), int(wrong[held].sum()), error_rate(wrong[held]), error_rate(wrong[~held]), p_value
    )


def error_rate(wrong: Flags) -> Interval:
    """The share of errors with its exact interval; undefined without rows."""
    n, errors = len(wrong), int(wrong.sum())
    if not n:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = share_ends(errors, n).tolist()
    return Interval(errors / n, low, high)
