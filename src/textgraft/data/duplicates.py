"""Texts that stand in a table more than once: verbatim, folded, or nearly.

Near-duplicates are found with MinHash signatures and banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3), and every pair found is then checked with the exact Jaccard similarity, so there are no
false pairs; a true pair at the threshold is missed with a probability of 2 in 10,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.data.folding import fold
from textgraft.data.shingles import Shingles, minhash, shingle
from textgraft.digests import mix
from textgraft.extras import import_scipy

# Two texts whose sets of word pairs overlap by this much are near-duplicates. One changed word among 30 leaves 0.87,
# two leave 0.77; texts of one topic, or of one author on one day, are well below 0.5.
SIMILARITY = 0.8
# 16 bands of 4 rows: a pair at 0.8 shares a band with probability 1 - (1 - 0.8**4)**16 = 0.9998, one at 0.3 with 0.12.
BANDS = 16
BAND_ROWS = 4
# A text of fewer words is compared by equality alone: two words are no evidence of a copy.
FEWEST_WORDS = 3
# Members of a bucket are compared with this many of their next in the order of the texts, not all with all, so that
# 100,000 texts made from one template cost 100,000 comparisons and not 5,000,000,000.
NEIGHBOURS = 16
PAIRS_AT_A_TIME = 4_096


@dataclass(frozen=True)
class Duplicates:
    """Which of n texts repeat each other, in three widening senses.

    Attributes:
        verbatim: (n,) int64, equal for texts that are the same string.
        folded: (n,) int64, equal for texts that are the same after ``fold``; indices into ``distinct``.
        near: (n,) int64, equal for texts that near-duplicates connect; as ``folded`` where these were not looked for.
        distinct: the distinct folded texts in their order, which does not depend on the order of the rows.
    """

    verbatim: NDArray[np.int64]
    folded: NDArray[np.int64]
    near: NDArray[np.int64]
    distinct: list[str]


def find_duplicates(texts: Sequence[str], *, near: bool = True) -> Duplicates:
    """Finds the texts that repeat each other, in time near-linear in their length; near-duplicates if ``near``."""
    first_seen: dict[str, int] = {}
    verbatim = np.array([first_seen.setdefault(text, len(first_seen)) for text in texts], np.int64)
    keys = [fold(text) for text in first_seen]
    distinct = sorted(set(keys))
    place = {key: i for i, key in enumerate(distinct)}
    folded = np.array([place[key] for key in keys], np.int64)[verbatim]
    return Duplicates(verbatim, folded, near_duplicates(distinct)[folded] if near else folded, distinct)


def duplicate_groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """(n,) group numbers of n texts, equal for those that are duplicates or that near-duplicates connect."""
    return find_duplicates(texts).near


def repeats(groups: NDArray[np.int64]) -> int:
    """How many rows repeat an earlier one, given their group numbers."""
    return len(groups) - len(np.unique(groups))


def connect(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) numbers of the sets that arise when rows sharing a number in ``first`` or in ``second`` belong together.

    A number of ``first`` stands for a node; all rows of a number of ``second`` connect their nodes.
    """
    nodes, a = np.unique(first, return_inverse=True)
    others, b = np.unique(second, return_inverse=True)
    return _components(a, b + len(nodes), len(nodes) + len(others))[a]


def near_duplicates(texts: Sequence[str]) -> NDArray[np.int64]:
    """(n,) numbers of the sets that near-duplicates connect among n distinct folded texts."""
    every = shingle(texts)
    long_enough = np.flatnonzero(every.counts >= FEWEST_WORDS - 1)
    groups = np.arange(len(texts))
    if len(long_enough) < 2:
        return groups
    shingles = every.select(long_enough)
    signatures = minhash(shingles, BANDS * BAND_ROWS)
    component = np.arange(len(shingles))
    for band in range(BANDS):
        keys = np.zeros(len(shingles), np.uint64)
        for column in signatures.T[band * BAND_ROWS : (band + 1) * BAND_ROWS]:
            keys = mix(keys ^ column)
        a, b = _bucket_pairs(keys)
        open_ = component[a] != component[b]  # a pair that is connected already would change nothing
        a, b = a[open_], b[open_]
        alike = similarities(shingles, a, b) >= SIMILARITY
        component = _components(component[a[alike]], component[b[alike]], len(component))[component]
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    groups[long_enough] = long_enough[first[inverse]]
    return groups


def similarities(shingles: Shingles, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """(p,) exact Jaccard similarities of the p pairs of texts ``a[i]``, ``b[i]``."""
    if not len(a):
        return np.zeros(0)
    texts, at = np.unique(np.concatenate([a, b]), return_inverse=True)
    chosen = shingles.select(texts)
    columns = (chosen.hashes >> np.uint64(2)).astype(np.int64)  # the hash is the column: nothing has to be numbered
    csr_matrix = import_scipy("Finding duplicates").sparse.csr_matrix
    sets = csr_matrix((np.ones(len(columns)), columns, chosen.starts), shape=(len(texts), 2**62))
    sets.sum_duplicates()
    sets.data[:] = 1
    sizes = np.diff(sets.indptr)
    shared = np.empty(len(a))
    for start in range(0, len(a), PAIRS_AT_A_TIME):
        pairs = slice(start, start + PAIRS_AT_A_TIME)
        left, right = at[: len(a)][pairs], at[len(a) :][pairs]
        shared[pairs] = sets[left].multiply(sets[right]).sum(axis=1).A1
    return np.asarray(shared / (sizes[at[: len(a)]] + sizes[at[len(a) :]] - shared))


def _bucket_pairs(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of texts with the same key: each with its next ``NEIGHBOURS`` of that key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    left, right = [order[:0]], [order[:0]]
    for step in range(1, min(NEIGHBOURS, len(keys) - 1) + 1):
        same = ordered[step:] == ordered[:-step]
        if not same.any():
            break
        left.append(order[:-step][same])
        right.append(order[step:][same])
    return np.concatenate(left), np.concatenate(right)


def _components(a: NDArray[np.int64], b: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) numbers of the connected components of n nodes with edges ``a[i]`` to ``b[i]``."""
    sparse = import_scipy("Finding duplicates").sparse
    graph = sparse.coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(n, n))
    return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1], np.int64)
