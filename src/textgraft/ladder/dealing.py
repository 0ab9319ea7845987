"""Which rows a piece of work trains on and is scored on: the same for all candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset, Folds
from textgraft.digests import text_number

MOST_SCORED = 2_000  # rows of a fold: an accuracy is known to 2 points either way, a difference of two much better
WARMING = 32  # rows, by which libraries are loaded, and by which is known what does not grow with rows
FIRST_LEVEL = 200  # rows, by which durations are first measured
_SCORED_FIRST = 50
_LEVELS, _GROWTH = 1_000, 4  # rows on which variants are first compared, and how many times more they get then


class Deal:
    """The folds of a training part and an order of its rows, of which a piece of work takes the first so many.

    So what is trained on fewer rows is trained on rows of what is trained on more. Labels come in their shares from the
    first rows on.

    Args:
        data: the n rows.
        folds: of these; of several repetitions the first counts.
        seed: another seed, another order.

    Attributes:
        fold: (n,) the fold of each row.
        k: how many folds.
        full: the fewest rows that all folds but one have, which is what full size means.
        levels: rows to train on, the smallest first and full size last.
    """

    fold: Any
    k: int
    full: int
    levels: tuple[int, ...]

    def __init__(self, data: Dataset, folds: Folds, seed: int) -> None:
        self.fold, self.k = folds.of_row[0], folds.k
        self._order = _shares_first(data, seed)
        self.full = len(data) - int(np.bincount(self.fold).max())
        levels, rows = [FIRST_LEVEL] if self.full >= 2 * FIRST_LEVEL else [], _LEVELS
        while 2 * rows <= self.full:
            levels.append(rows)
            rows *= _GROWTH
        self.levels = (*levels, self.full)

    def trained(self, fold: int, rows: int) -> NDArray[np.int64]:
        """The rows to train on; at full size all that are not in the fold."""
        others = self._order[self.fold[self._order] != fold]
        return np.sort(others if rows == self.full else others[:rows])

    def scored(self, fold: int, rows: int) -> NDArray[np.int64]:
        """The rows to score on, in the order of the table."""
        own = self._order[self.fold[self._order] == fold]
        return np.sort(own[: _SCORED_FIRST if rows == FIRST_LEVEL < self.full else MOST_SCORED])

    def read(self, fold: int, rows: int) -> NDArray[np.int64]:
        """The rows whose texts are read for a piece of work; for one at full size all, since other folds follow."""
        if rows == self.full:
            return np.sort(self._order)
        return np.sort(np.concatenate([self.trained(fold, rows), self.scored(fold, rows)]))


def _shares_first(data: Dataset, seed: int) -> NDArray[np.int64]:
    """(n,) the rows in an order in which each label comes in its share: by chance, which is a hash of seed and text."""
    start = str(seed).encode()
    chance = np.array([text_number(text, start) for text in data.texts], np.uint64)
    sets = data.label_sets
    first = np.full(len(data), -1, np.int64)  # of several labels the rarest counts
    rows, labels = sets.pairs()
    by_rarity = np.argsort(-data.counts[labels], kind="stable")
    first[rows[by_rarity]] = labels[by_rarity]
    order = np.lexsort((chance, first))
    sizes = np.bincount(first + 1)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.empty(len(data))
    place[order] = (np.arange(len(data)) - starts + 0.5) / np.repeat(sizes, sizes)
    return np.lexsort((chance, place))
