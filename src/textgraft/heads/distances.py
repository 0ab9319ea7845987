"""Vectors of length 1, whose distances say how similar texts are, whatever the encoder's scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SAMPLE = 1_000  # rows, among which the median distance is taken
_MOST_AT_ONCE = 1 << 23  # distances


def unit(X: Floats) -> Floats:
    """(n, d) the vectors at length 1; one of no length stays as it is."""
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    return np.asarray(X / np.where(lengths > 0, lengths, 1), np.float32)


def halved(X: Floats) -> Floats:
    """The vectors as 16 bits hold them, so that a model computes with the same ones before and after it is saved."""
    return np.asarray(X.astype(np.float16), np.float32)


def squared_distances(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
    """(n, m) of n rows from m rows, but for rounding at least 0."""
    products: NDArray[Any] = X @ Y.T
    products *= -2
    products += np.einsum("ij,ij->i", X, X)[:, None]
    products += np.einsum("ij,ij->i", Y, Y)
    return products


def median_squared_distance(X: Floats) -> float:
    """Of evenly drawn rows from each other, by which bandwidths are measured; 1 where most are the same.

    The median heuristic of kernel methods (Garreau, Jitkrittum and Kanagawa 2017, arXiv:1707.07269).
    """
    some = X[evenly(len(X), _SAMPLE)].astype(np.float64)
    distances = squared_distances(some, some)[np.triu_indices(len(some), 1)]
    median = float(np.median(distances)) if len(distances) else 0.0
    return median if median > 1e-6 else 1.0


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """Places of evenly as many of n rows as there may be; of few all."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def blocks(n: int, width: int) -> Iterator[slice]:
    """All of n rows, as many at a time as a matrix of so many columns has room for."""
    step = max(1, _MOST_AT_ONCE // max(1, width))
    return (slice(start, start + step) for start in range(0, n, step))
