"""Iterative stratification: parts in which every label has its share.

One algorithm for single- and multi-label tasks, after Sechidis, Tsoumakas and Vlahavas, "On the stratification of
multi-label data" (ECML PKDD 2011): examples are dealt out label by label, from the rarest label to the most frequent.
Here an example is a group of rows that must stay together, and counts with the sum of their labels; so each goes not
to the part that lacks most of the one label, but to that in which it lowers the chi-square distance between the counts
of all labels and rows and their shares most. Where each row has one label and stands alone, both rules give the same
counts but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.extras import import_scipy

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def group_labels(data: Dataset, groups: NDArray[np.int64]) -> csr_matrix:
    """(g, k + 1) how often each label stands in each of g groups, numbered from 0; the last column is "no label"."""
    csr_matrix = import_scipy("Splitting a table").sparse.csr_matrix
    sets = data.label_sets
    unlabelled = np.flatnonzero(sets.sizes == 0)
    rows, labels = sets.pairs()
    rows = np.concatenate((rows, unlabelled))
    labels = np.concatenate((labels, np.full(len(unlabelled), sets.width, np.int32)))
    shape = (int(groups.max(initial=-1)) + 1, len(data.task) + 1)
    counts = csr_matrix((np.ones(len(rows), np.int64), (groups[rows], labels)), shape=shape)
    counts.sum_duplicates()
    return counts


def stratify(
    labels: csr_matrix,
    sizes: NDArray[np.int64],
    keys: NDArray[np.uint64],
    shares: Sequence[float],
    *,
    train_first: bool = True,
) -> NDArray[np.int64]:
    """Deals groups out to parts.

    Large groups go first, while there is room for them; groups of one size go in the order of their keys.

    Args:
        labels: (g, k) label counts of g groups; each has at least one.
        sizes: (g,) rows of each group.
        keys: (g,) what orders groups of the same size.
        shares: what share of the rows each part should get; they sum to 1.
        train_first: whether part 0 is for training: a group goes there where one of its labels would else be missing.

    Returns:
        (g,) index of the part of each group.
    """
    order = np.lexsort((keys, -sizes))
    part = np.empty(len(sizes), np.int64)
    part[order] = _Dealer(labels[order], sizes[order], shares, train_first=train_first).deal()
    return part


class _Dealer:
    """The state of one deal, in plain lists: one group at a time is faster without NumPy."""

    def __init__(
        self, labels: csr_matrix, sizes: NDArray[np.int64], shares: Sequence[float], *, train_first: bool
    ) -> None:
        totals = np.asarray(labels.sum(axis=0)).ravel()
        by_label = labels.tocsc()
        by_label.sort_indices()  # the groups of a label in the order in which they are dealt
        self.starts, self.of_label = by_label.indptr.tolist(), by_label.indices.tolist()
        self.ends, self.label, self.count = labels.indptr.tolist(), labels.indices.tolist(), labels.data.tolist()
        self.sizes: list[int] = sizes.tolist()
        self.parts = range(len(shares))
        self.left: list[int] = totals.tolist()
        self.wanted = [[total * share for share in shares] for total in self.left]
        self.wanted_rows = [int(sizes.sum()) * share for share in shares]
        self.expected, self.expected_rows = [[*wanted] for wanted in self.wanted], [*self.wanted_rows]
        self.in_first = [not train_first] * len(self.left)
        self.part = [-1] * len(self.sizes)

    def deal(self) -> list[int]:
        """The part of every group."""
        rarest_first = [(left, label) for label, left in enumerate(self.left) if left]
        heapify(rarest_first)
        while rarest_first:
            left, rarest = heappop(rarest_first)
            if left != self.left[rarest]:
                continue  # it has become rarer since, and stands further ahead
            changed: set[int] = set()
            for group in self.of_label[self.starts[rarest] : self.starts[rarest + 1]]:
                if self.part[group] < 0:
                    self._place(group, 0 if self._is_needed_first(group, rarest) else self._choose(group))
                    changed.update(self.label[self.ends[group] : self.ends[group + 1]])
            for label in changed:
                if self.left[label]:
                    heappush(rarest_first, (self.left[label], label))
        return self.part

    def _is_needed_first(self, group: int, rarest: int) -> bool:
        """Whether part 0 has no group with the label that is dealt, or would have none with another of this group's."""
        if not self.in_first[rarest]:
            return True
        of_group = range(self.ends[group], self.ends[group + 1])
        return any(not self.in_first[self.label[at]] and self.left[self.label[at]] == self.count[at] for at in of_group)

    def _choose(self, group: int) -> int:
        """The part in which the group lowers the chi-square distance to the shares most, over its labels and rows."""
        size = self.sizes[group]
        gain = [size * (2 * w - size) / e for w, e in zip(self.wanted_rows, self.expected_rows, strict=True)]
        for at in range(self.ends[group], self.ends[group + 1]):
            label, count = self.label[at], self.count[at]
            wanted, expected = self.wanted[label], self.expected[label]
            for part in self.parts:
                gain[part] += count * (2 * wanted[part] - count) / expected[part]
        return gain.index(max(gain))

    def _place(self, group: int, part: int) -> None:
        self.part[group] = part
        self.wanted_rows[part] -= self.sizes[group]
        for at in range(self.ends[group], self.ends[group + 1]):
            label, count = self.label[at], self.count[at]
            self.left[label] -= count
            self.wanted[label][part] -= count
            self.in_first[label] = self.in_first[label] or part == 0
