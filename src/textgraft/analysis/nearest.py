"""The most similar texts by the words that they share: TF-IDF of words and pairs of words, by the cosine.

For tables whose model keeps no vectors of texts, or where there is no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import import_scipy
from textgraft.heads.distances import blocks
from textgraft.progress import track
from textgraft.text.ngrams import Counts, WordNgrams
from textgraft.unicode import in_form

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

WORDS = 2  # the longest sequence
FEWEST = 2  # texts that a word stands in: one of a single text makes nothing alike
MOST_WORDS = 1_000_000  # of each length


class SimilarTexts:
    """Texts among which others are looked up.

    Args:
        texts: at least one.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._words, counts = WordNgrams.fit(in_form(texts, "nfkc"), WORDS, FEWEST, MOST_WORDS)
        self._vectors = self._unit(counts)

    def __len__(self) -> int:
        return int(self._vectors.shape[0])

    def nearest(self, texts: Sequence[str], n: int) -> tuple[Places, Floats]:
        """The n most similar of these texts to each of m others: (m, n) places and cosines, the most similar first.

        Args:
            texts: the m others.
            n: how many; of fewer texts all.
        """
        if not texts:
            return self._ranked(self._vectors[:0], n, None)
        return self._ranked(self._unit(self._words.count_all(in_form(texts, "nfkc"))), n, None)

    def others(self, rows: Places, n: int) -> tuple[Places, Floats]:
        """As ``nearest``, for some of these texts themselves, each of which is left out for itself."""
        return self._ranked(self._vectors[rows], n, rows)

    def _ranked(self, wanted: Any, n: int, own: Places | None) -> tuple[Places, Floats]:
        n = min(n, len(self) - (own is not None))
        places, cosines = np.zeros((wanted.shape[0], n), np.int64), np.zeros((wanted.shape[0], n), np.float32)
        if not n:
            return places, cosines
        turned = self._vectors.T.tocsr()
        for at in track(list(blocks(wanted.shape[0], len(self))), "looking for similar texts"):
            found = (wanted[at] @ turned).toarray()
            if own is not None:
                found[np.arange(len(found)), own[at]] = -1
            best = np.argpartition(-found, n - 1, axis=1)[:, :n]
            values = np.take_along_axis(found, best, axis=1)
            order = np.lexsort((best, -values), axis=1)  # of equally similar ones the first in the table
            places[at], cosines[at] = (np.take_along_axis(each, order, axis=1) for each in (best, values))
        return places, cosines

    def _unit(self, counts: Counts) -> Any:
        sparse = import_scipy("Looking for similar texts").sparse
        weighed = sparse.hstack((counts.words.csr(), counts.longer.csr()), "csr") @ sparse.diags(self._words.idf)
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        return (sparse.diags(1 / np.maximum(lengths, 1e-12)) @ weighed).astype(np.float32).tocsr()
