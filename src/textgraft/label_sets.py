"""Sets of labels: what each row carries, in memory that grows with the labels carried, not with rows times labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


@dataclass(frozen=True, eq=False)
class LabelSets:
    """Which of k labels each of n rows carries: an (n, k) bool matrix by its true entries, as SciPy's CSR has them.

    ``numpy.asarray`` makes the matrix, which has n times k bytes.

    Attributes:
        starts: (n + 1,) int64; the labels of row i are ``labels[starts[i]:starts[i + 1]]``.
        labels: (e,) int32 places of labels; they ascend within a row, and none stands twice in one.
        width: k.
    """

    starts: NDArray[np.int64]
    labels: NDArray[np.int32]
    width: int

    @classmethod
    def of(cls, matrix: ArrayLike) -> LabelSets:
        """The true entries of an (n, k) matrix of 0/1 or bool."""
        if isinstance(matrix, cls):
            return matrix
        array = np.asarray(matrix)
        rows, labels = np.nonzero(array)
        return cls._sorted(rows, labels, array.shape)

    @classmethod
    def of_rows(cls, rows: Iterable[Iterable[int]], width: int) -> LabelSets:
        """The set of each row, from places of labels in any order."""
        sets = [sorted(set(row)) for row in rows]
        starts = np.cumsum([0, *map(len, sets)], dtype=np.int64)
        return cls(starts, np.fromiter((label for row in sets for label in row), np.int32, int(starts[-1])), width)

    @classmethod
    def single(cls, targets: NDArray[Any], width: int) -> LabelSets:
        """One label in each of n rows, from their (n,) places."""
        return cls(np.arange(len(targets) + 1), targets.astype(np.int32), width)

    @classmethod
    def concatenate(cls, parts: Sequence[LabelSets]) -> LabelSets:
        """The rows of all parts, which have the same labels, one after the other."""
        sizes = np.concatenate([part.sizes for part in parts])
        starts = np.concatenate(([0], np.cumsum(sizes)))
        return cls(starts, np.concatenate([part.labels for part in parts]), parts[0].width)

    @classmethod
    def _sorted(cls, rows: NDArray[Any], labels: NDArray[Any], shape: tuple[int, ...]) -> LabelSets:
        starts = np.searchsorted(rows, np.arange(shape[0] + 1))
        return cls(starts.astype(np.int64), labels.astype(np.int32), shape[1])

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self.row(i) for i in range(len(self)))

    def __repr__(self) -> str:
        return f"LabelSets({len(self):,} rows carry {len(self.labels):,} of {self.width:,} labels)"

    def __getitem__(self, rows: Any) -> LabelSets:
        """The rows at indices, of a slice, or where a bool mask is true."""
        at = np.arange(len(self))[rows]
        sizes = self.sizes[at]
        starts = np.concatenate(([0], np.cumsum(sizes)))
        entries = np.arange(starts[-1]) + np.repeat(self.starts[at] - starts[:-1], sizes)
        return LabelSets(starts, self.labels[entries], self.width)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Sets of labels become a matrix by a copy only.")
        matrix = np.zeros(self.shape, np.bool_ if dtype is None else dtype)
        matrix[self.pairs()] = 1
        return matrix

    @property
    def shape(self) -> tuple[int, int]:
        """n, k."""
        return len(self), self.width

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n,) how many labels each row carries."""
        return np.diff(self.starts)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(k,) how many rows carry each label."""
        return np.bincount(self.labels, minlength=self.width).astype(np.int64)

    def row(self, i: int) -> NDArray[np.int32]:
        """The labels of row i."""
        return self.labels[self.starts[i] : self.starts[i + 1]]

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """(e,) rows and (e,) labels of all entries, row by row."""
        return np.repeat(np.arange(len(self)), self.sizes), self.labels

    def weighed(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(k,) the sum of the (n,) weights of the rows of each label."""
        sums = np.bincount(self.labels, np.repeat(weights, self.sizes), minlength=self.width)
        return np.asarray(sums, np.float64)

    def rows_of(self) -> Callable[[int], NDArray[np.int64]]:
        """What gives the rows of a label, ascending; sorting all of them once."""
        order = np.argsort(self.labels, kind="stable")
        rows = self.pairs()[0][order]
        starts = np.concatenate(([0], np.cumsum(self.counts)))
        return lambda label: rows[starts[label] : starts[label + 1]]

    def columns(self, start: int, end: int) -> NDArray[np.bool_]:
        """(n, end - start) bool matrix of the labels from ``start`` to ``end``."""
        matrix = np.zeros((len(self), end - start), np.bool_)
        rows, labels = self.pairs()
        here = (labels >= start) & (labels < end)
        matrix[rows[here], labels[here] - start] = True
        return matrix

    def moved(self, place: NDArray[np.int64], width: int) -> LabelSets:
        """The same rows, each label at its (k,) ``place`` among ``width``; entries at places below 0 are left out."""
        rows, labels = self.pairs()
        new = place[labels]
        keys = np.unique(rows[new >= 0] * np.int64(max(width, 1)) + new[new >= 0])
        return self._sorted(keys // max(width, 1), keys % max(width, 1), (len(self), width))

    def only(self, labels: NDArray[np.int64]) -> LabelSets:
        """The same rows with some of the labels, which take their places."""
        place = np.full(self.width, -1, np.int64)
        place[labels] = np.arange(len(labels))
        return self.moved(place, len(labels))

    def tolist(self) -> list[list[bool]]:
        """The matrix as lists of true and false."""
        values: list[list[bool]] = np.asarray(self).tolist()
        return values
