"""Texts that stand in a table more than once: verbatim, folded, or nearly.

Near-duplicates are found with MinHash signatures and banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3), and every pair found is then checked with the exact Jaccard similarity, so there are no
false pairs; a true pair at the threshold is missed with a probability of 2 in 10,000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.data.folding import FoldedTexts
from textgraft.data.shingles import Shingles, minhash, shingle, shingle_blocks
from textgraft.digests import mix
from textgraft.extras import import_scipy
from textgraft.progress import track

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
    distinct: FoldedTexts


def find_duplicates(texts: Sequence[str], *, near: bool = True) -> Duplicates:
    """Finds the texts that repeat each other, in time near-linear in their length; near-duplicates if ``near``.

    Beside the texts it takes some 200 bytes for each of them, however long they are, and as many again for each word
    of those that look like near-duplicates.
    """
    verbatim = _number(texts)
    _, first = np.unique(verbatim, return_index=True)
    distinct, number = FoldedTexts(texts, first).ordered()
    folded = number[verbatim]
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


def near_duplicates(texts: FoldedTexts) -> NDArray[np.int64]:
    """(n,) numbers of the sets that near-duplicates connect among n distinct folded texts."""
    places = _likely(texts)
    shingles = shingle(texts.select(places))
    component = np.arange(len(places))
    for band in range(BANDS):
        for left, right in _bucket_pairs(_keys(minhash(shingles, _rows(band)))):
            open_ = component[left] != component[right]  # a pair that is connected already would change nothing
            a, b = left[open_], right[open_]
            alike = similarities(shingles, a, b) >= SIMILARITY
            _join(component, a[alike], b[alike])
    groups = np.arange(len(texts))
    groups[places] = places[component]
    return groups


def similarities(shingles: Shingles, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """(p,) exact Jaccard similarities of the p pairs of texts ``a[i]``, ``b[i]``."""
    found = np.empty(len(a))
    for start in range(0, len(a), PAIRS_AT_A_TIME):
        pairs = slice(start, start + PAIRS_AT_A_TIME)
        found[pairs] = _similarities(shingles, a[pairs], b[pairs])
    return found


def _similarities(shingles: Shingles, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    texts, at = np.unique(np.concatenate([a, b]), return_inverse=True)
    chosen = shingles.select(texts)
    columns = (chosen.hashes >> np.uint64(2)).astype(np.int64)  # the hash is the column: nothing has to be numbered
    csr_matrix = import_scipy("Finding duplicates").sparse.csr_matrix
    sets = csr_matrix((np.ones(len(columns)), columns, chosen.starts), shape=(len(texts), 2**62))
    sets.sum_duplicates()
    sets.data[:] = 1
    sizes = np.diff(sets.indptr)
    left, right = at[: len(a)], at[len(a) :]
    shared = sets[left].multiply(sets[right]).sum(axis=1).A1
    return np.asarray(shared / (sizes[left] + sizes[right] - shared))


def _number(texts: Sequence[str]) -> NDArray[np.int64]:
    """(n,) equal for equal strings, in the order of their first occurrence."""
    first_seen: dict[str, int] = {}
    return np.fromiter((first_seen.setdefault(text, len(first_seen)) for text in texts), np.int64, len(texts))


def _likely(texts: FoldedTexts) -> NDArray[np.int64]:
    """The places of texts that may share a key of some band with another: few in most tables, and no sharer is missed.

    Half of each key is kept to find them, and no shingles at all.
    """
    halves = np.zeros((BANDS, len(texts)), np.uint32)
    counts = np.zeros(len(texts), np.int64)
    start = 0
    for block in track(shingle_blocks(texts), "looking for near-duplicates", len(texts), len):
        counts[start : start + len(block)] = block.counts
        long_enough = np.flatnonzero(block.counts >= FEWEST_WORDS - 1)
        signatures = minhash(block.select(long_enough), range(BANDS * BAND_ROWS))
        for band in range(BANDS):
            halves[band, start + long_enough] = _keys(signatures[_rows(band)]) >> np.uint64(32)
        start += len(block)
    places = np.flatnonzero(counts >= FEWEST_WORDS - 1)
    shares = np.zeros(len(places), np.bool_)
    for half in halves:
        keys = half[places]
        order = np.argsort(keys, kind="stable")
        same = keys[order[1:]] == keys[order[:-1]]
        shares[order[1:][same]] = shares[order[:-1][same]] = True
    return places[shares]


def _rows(band: int) -> range:
    """The places of a signature that are the rows of a band."""
    return range(band * BAND_ROWS, (band + 1) * BAND_ROWS)


def _keys(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """(n,) what n texts have equal if they agree in all rows of (r, n) ``signatures``."""
    keys = np.zeros(signatures.shape[1], np.uint64)
    for row in signatures:
        keys = mix(keys ^ row)
    return keys


def _bucket_pairs(keys: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of texts with the same key: each with its next, then with the next but one, to ``NEIGHBOURS``."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    for step in range(1, min(NEIGHBOURS, len(keys) - 1) + 1):
        same = ordered[step:] == ordered[:-step]
        if not same.any():
            return
        yield order[:-step][same], order[step:][same]


def _join(component: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]) -> None:
    """Makes the components of ``a[i]`` and ``b[i]`` one for all i; each is named by the lowest of its own."""
    if not len(a):
        return
    nodes, at = np.unique(np.concatenate([component[a], component[b]]), return_inverse=True)
    _, first, joined = np.unique(
        _components(at[: len(a)], at[len(a) :], len(nodes)), return_index=True, return_inverse=True
    )
    name = np.arange(len(component))
    name[nodes] = nodes[first[joined]]
    component[:] = name[component]


def _components(a: NDArray[np.int64], b: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) numbers of the connected components of n nodes with edges ``a[i]`` to ``b[i]``."""
    sparse = import_scipy("Finding duplicates").sparse
    graph = sparse.coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(n, n))
    return np.asarray(sparse.csgraph.connected_components(graph, directed=False)[1], np.int64)
