"""Which labels are taken for which, in memory that grows with the pairs that occur and not with the labels' square."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

MOST_IN_MATRIX = 200  # labels; their matrix has 40,000 numbers


@dataclass(frozen=True, eq=False)
class Confusion:
    """How many rows of each label are taken for each, by the e pairs that occur; ``numpy.asarray`` makes the matrix.

    Attributes:
        true, predicted: (e,) places of labels, in the order of the matrix's rows and columns.
        rows: (e,) how many.
        width: k, all labels.
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    rows: NDArray[np.int64]
    width: int

    @classmethod
    def of(cls, true: NDArray[np.int64], predicted: NDArray[np.int64], width: int, repeats: int = 1) -> Confusion:
        """Of (n,) true and (n,) predicted labels; of several predictions of each row the mean, in whole rows."""
        pairs, counts = np.unique(true * np.int64(width) + predicted, return_counts=True)
        rows = np.rint(counts / repeats).astype(np.int64)
        pairs, rows = pairs[rows > 0], rows[rows > 0]
        return cls(pairs // width, pairs % width, rows, width)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Pairs of labels become a matrix by a copy only.")
        matrix = np.zeros((self.width, self.width), np.int64 if dtype is None else dtype)
        matrix[self.true, self.predicted] = self.rows
        return matrix

    def errors(self) -> Iterator[tuple[int, int, int]]:
        """The pairs of different labels, a true one, the predicted one and their rows, the most frequent first."""
        order = np.argsort(-self.rows, kind="stable")
        for i in order[self.true[order] != self.predicted[order]].tolist():
            yield int(self.true[i]), int(self.predicted[i]), int(self.rows[i])

    def plain(self) -> list[list[int]] | dict[str, list[int]]:
        """For JSON: the matrix, or of more than 200 labels the pairs that occur."""
        if self.width <= MOST_IN_MATRIX:
            matrix: list[list[int]] = np.asarray(self).tolist()
            return matrix
        return {name: getattr(self, name).tolist() for name in ("true", "predicted", "rows")}

    @classmethod
    def from_plain(cls, content: Any, width: int) -> Confusion:
        """What ``plain`` gave.

        Raises:
            KeyError, TypeError, ValueError: it is of another form.
        """
        if isinstance(content, list):
            matrix = np.array(content, np.int64).reshape(width, width)
            true, predicted = np.nonzero(matrix)
            return cls(true, predicted, matrix[true, predicted], width)
        true, predicted, rows = (np.array(content[name], np.int64) for name in ("true", "predicted", "rows"))
        if not true.shape == predicted.shape == rows.shape == (true.size,):
            raise ValueError("the confusion has pairs that are not whole")
        if true.size and (min(true.min(), predicted.min()) < 0 or max(true.max(), predicted.max()) >= width):
            raise ValueError("the confusion has a label that is not there")
        return cls(true, predicted, rows, width)
