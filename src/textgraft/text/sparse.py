"""Sparse matrices in NumPy alone: the little that counting n-grams and summing their weights up needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import import_scipy

if TYPE_CHECKING:
    from scipy import sparse

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
Keys = NDArray[np.uint64]

_BLOCK: Final = 1 << 17  # numbers that a product makes at a time: 512 KB, which stay in the cache


@dataclass(frozen=True)
class SparseRows:
    """An (n, f) float32 matrix by the entries of its rows, laid out as SciPy's CSR matrices are.

    Attributes:
        values: (e,) the entries, row by row.
        columns: (e,) their columns; they ascend within a row.
        starts: (n + 1,) the entries of row i are ``starts[i]`` to ``starts[i + 1]``.
        width: f.
    """

    values: Floats
    columns: Ids
    starts: NDArray[np.int64]
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """n, f."""
        return len(self), self.width

    @classmethod
    def counts(cls, rows: Ids, columns: Ids, shape: tuple[int, int]) -> SparseRows:
        """How often each column occurs in each row, of (t,) rows and columns in any order."""
        # Words come text by text, so there are long runs for a merge sort to find.
        keys = np.sort(pair_keys(rows, columns), kind="stable")
        new = np.ones(len(keys), np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        first = np.flatnonzero(new)
        keys = keys[first]
        values = np.diff(first, append=len(new)).astype(np.float32)
        starts = np.searchsorted(keys, np.arange(shape[0] + 1, dtype=np.uint64) << np.uint64(32))
        return cls(values, keys.astype(np.uint32).view(np.int32), starts, shape[1])

    @classmethod
    def stack(cls, parts: Sequence[SparseRows], *, apart: bool = False) -> SparseRows:
        """The rows of all parts, one below the other; with ``apart`` each part has columns of its own."""
        before = np.cumsum([0, *(part.width for part in parts)]) if apart else np.zeros(len(parts) + 1, np.int64)
        entries = np.cumsum([0, *(len(part.values) for part in parts)])
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.columns + np.int32(n) for part, n in zip(parts, before, strict=False)]),
            np.concatenate([[0], *(part.starts[1:] + n for part, n in zip(parts, entries, strict=False))]),
            int(before[-1]) if apart else parts[0].width,
        )

    def logarithmic(self) -> SparseRows:
        """1 + log of the entries."""
        return replace(self, values=1 + np.log(self.values))

    def squared(self) -> SparseRows:
        """The squares of the entries."""
        return replace(self, values=self.values**2)

    def scaled(self, factors: Floats) -> SparseRows:
        """The entries times the (f,) factors of their columns."""
        return replace(self, values=self.values * factors.take(self.columns))

    def __matmul__(self, dense: Floats) -> Floats:
        """(n, k) product with an (f, k) matrix, or (n,) with an (f,) vector; no row's result depends on other rows."""
        product = np.zeros((len(self), *dense.shape[1:]), np.float32)
        filled = np.flatnonzero(np.diff(self.starts))
        starts = np.append(self.starts[filled], len(self.values))
        step = max(1, _BLOCK // max(1, prod(dense.shape[1:])))
        borders = np.searchsorted(starts, np.arange(0, len(self.values) + step, step))
        for a, b in pairwise(np.unique(np.minimum(borders, len(filled))).tolist()):
            entries = slice(starts[a], starts[b])
            terms = dense.take(self.columns[entries], axis=0).T
            terms *= self.values[entries]
            product[filled[a:b]] = np.add.reduceat(terms, starts[a:b] - starts[a], axis=-1).T
        return product

    def csr(self) -> sparse.csr_matrix:
        """The same for SciPy.

        Raises:
            MissingExtraError: it is not installed.
        """
        return import_scipy("Training n-grams").sparse.csr_matrix((self.values, self.columns, self.starts), self.shape)


def pair_keys(first: Ids, second: Ids) -> Keys:
    """(m,) one 64-bit key for each pair of non-negative numbers; keys ascend as the pairs do."""
    return first.astype(np.uint64) << np.uint64(32) | second.astype(np.uint64)


def unpaired(keys: Keys) -> Ids:
    """(m, 2) the pairs of numbers that ``pair_keys`` made keys of."""
    return np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)], axis=1).astype(np.int32)
