"""Vectors in two dimensions: PCA, which is fast and keeps distances as far as a plane can, and UMAP, which keeps
neighbours."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import library, unheard

Floats = NDArray[np.float32]
Layout = Literal["umap", "pca"]
LAYOUTS: Final[tuple[Layout, ...]] = ("umap", "pca")
NEIGHBOURS: Final = 15
FEWEST: Final = 3 * NEIGHBOURS  # rows, for which neighbours say more than a plane through all of them
REDUCED: Final = 50  # components, in which neighbours are looked for
_BLOCK: Final = 512  # rows whose similarities are made at a time


def principal_components(vectors: Floats, k: int) -> Floats:
    """(n, k) the principal components of (n, w) vectors, the largest first, zeros where there are fewer.

    The longer tail of each points to the positive side, so that the same points, turned, give the same components.
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    components = centred @ axes[:, ::-1][:, :k].astype(np.float32)
    components *= np.where((components.astype(np.float64) ** 3).sum(axis=0) < 0, -1, 1).astype(np.float32)
    padded: Floats = np.pad(components, ((0, 0), (0, k - components.shape[1])))
    return padded


def lengths_of_one(vectors: Floats) -> Floats:
    """The vectors divided by their lengths; zeros stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit


def nearest(vectors: Floats, k: int) -> tuple[NDArray[np.int32], Floats]:
    """(n, k) places of the most similar rows, the row itself first, and (n, k) distances, one minus the cosine.

    All pairs are looked at, so the neighbours are exact: 20,000 rows take seconds.

    Args:
        vectors: (n, w) of length 1, or zeros; n > k.
        k: the row itself is one of them.
    """
    n = len(vectors)
    places, distances = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for start in range(0, n, _BLOCK):
        away = 1 - vectors[start : start + _BLOCK] @ vectors.T
        rows = np.arange(len(away))
        away[rows, start + rows] = -1  # the row itself stands before others like it
        found = np.argpartition(away, k - 1, axis=1)[:, :k]
        own = np.take_along_axis(away, found, axis=1)
        order = np.lexsort((found, own), axis=1)
        stop = start + len(away)
        places[start:stop] = np.take_along_axis(found, order, axis=1)
        distances[start:stop] = np.maximum(np.take_along_axis(own, order, axis=1), 0)
    return places, distances


def umap(vectors: Floats, seed: int) -> Floats:
    """(n, 2) by UMAP (McInnes et al. 2018, arXiv:1802.03426), which keeps the 15 nearest neighbours by cosine together.

    It starts from the principal components, which keeps what is far apart where it is (Kobak & Linderman 2021,
    doi:10.1038/s41587-020-00809-z), and has a seed: umap-learn then computes in one thread, and gives the same again.

    Args:
        vectors: (n, w); at least ``FEWEST``.
        seed: of the draws.

    Raises:
        MissingExtraError: umap-learn is not installed.
    """
    learn: Any = library("umap", "Drawing a map by UMAP", "map")
    unit = lengths_of_one(vectors)
    known = nearest(unit, NEIGHBOURS)
    with unheard():  # that it has no index for new points, and no threads with a seed
        found = learn.UMAP(
            n_neighbors=NEIGHBOURS,
            metric="cosine",
            init=principal_components(vectors, 2),
            precomputed_knn=(*known, None),
            force_approximation_algorithm=True,  # else it looks for the neighbours of few rows itself
            random_state=seed,
            n_jobs=1,
        ).fit_transform(unit)
    return np.asarray(found, np.float32)


def to_unit_square(points: Floats) -> Floats:
    """Points moved and scaled so that they span 0 to 1 in the wider direction, and lie in its middle in the other."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max()) or 1.0
    scaled: Floats = ((points - (low + high) / 2) / extent + 0.5).astype(np.float32)
    return np.clip(scaled, 0, 1)
