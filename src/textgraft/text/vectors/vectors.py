"""``WordVectors``: looking words up, and the words nearest to one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import SettingError, VectorsError
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import Floats
from textgraft.text.vectors.store import Store
from textgraft.unicode import quoted, spellings

BYTES_AT_ONCE = 1 << 26


class WordVectors:
    """Pretrained vectors of words, read from disk row by row as they are asked for. Made by ``open_vectors``.

    Attributes:
        name: as the user gave it.
        fingerprint: sha256 of the words and all components, in hex: equal for the same vectors in any format. It is
            computed once, when the fast form is made, and read from there.
        dimensions: components of a vector.
        notes: sentences about the file, such as that words stand in it twice.
    """

    fingerprint: str
    dimensions: int
    notes: tuple[str, ...]

    def __init__(self, name: str, store: Store) -> None:
        self.name = name
        self.fingerprint = store.fingerprint
        self.dimensions = int(store.matrix.shape[1])
        self.notes = store.notes
        self._store = store

    def __len__(self) -> int:
        """The number of distinct words."""
        return len(self._store.hashes)

    def known(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """(n,) whether a word, or else its lower-case form, stands in the file; sub-words do not count.

        A word stands there too if its accents are composed in the one and decomposed in the other.
        """
        return self._places(words) >= 0

    def find(self, words: Sequence[str]) -> tuple[NDArray[np.bool_], Floats]:
        """Looks words up: as ``known`` does, then, where the file has them, by their sub-words.

        Args:
            words: n words.

        Returns:
            (n,) whether a word has a vector, and the (n, d) vectors, zeros where it has none.
        """
        places = self._places(words)
        has_vector = places >= 0
        rows = np.zeros((len(words), self.dimensions), np.float32)
        known = np.flatnonzero(has_vector)
        known = known[np.argsort(places[known], kind="stable")]  # in the order of the disk
        rows[known] = self._store.matrix[places[known]]
        if self._store.subwords is not None and len(missing := np.flatnonzero(~has_vector)):
            others = PackedWords.of(words[i] for i in missing.tolist())
            has_vector[missing], rows[missing] = self._store.subwords.compose(others)
        return has_vector, rows

    def nearest(self, word: str, k: int = 10) -> list[tuple[str, float]]:
        """The k words of the greatest cosine similarity to ``word``, with it; the nearest first, ``word`` left out.

        Raises:
            VectorsError: the word has no vector, or one of zeros.
            SettingError: k is less than 1.
        """
        if k < 1:
            raise SettingError(f"k, the number of words, must be at least 1; got {k}.")
        has_vector, rows = self.find([word])
        if not has_vector[0] or not rows[0].any():
            lower = "" if word == word.lower() else f", nor for {quoted(word.lower())}"
            raise VectorsError(
                f"{self.name} has no vector for {quoted(word)}{lower}, so nothing is near it. Try another word."
            )
        query, itself = rows[0] / np.linalg.norm(rows[0]), self._places([word])[0]
        best_places, best = np.zeros(0, np.int64), np.zeros(0, np.float32)
        places = np.sort(self._store.places)  # without the rows that repeat a word
        at_once = max(1, BYTES_AT_ONCE // (4 * self.dimensions))
        for first in range(0, len(places), at_once):
            block = places[first : first + at_once].astype(np.int64)
            block = block[block != itself]
            vectors = np.ascontiguousarray(self._store.matrix[block], np.float32)
            lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
            cosines = vectors @ query / np.where(lengths > 0, lengths, 1)
            best_places, best = np.append(best_places, block), np.append(best, cosines)
            top = np.lexsort((best_places, -best))[:k]
            best_places, best = best_places[top], best[top]
        return [(self._store.words[i], value) for i, value in zip(best_places.tolist(), best.tolist(), strict=True)]

    def _places(self, words: Sequence[str]) -> NDArray[np.int64]:
        """(n,) the row of each word or of its lower-case form, however their accents are written, or -1."""
        places = self._exactly(words)
        missing = np.flatnonzero(places < 0)
        places[missing] = self._exactly([words[i].lower() for i in missing.tolist()])
        for i in np.flatnonzero(places < 0).tolist():
            others = [*spellings(words[i])[1:], *spellings(words[i].lower())[1:]]
            if len(found := (there := self._exactly(others))[there >= 0]):
                places[i] = found[0]
        return places

    def _exactly(self, words: Sequence[str]) -> NDArray[np.int64]:
        wanted = PackedWords.of(words).hashes()
        at = np.minimum(np.searchsorted(self._store.hashes, wanted), len(self._store.hashes) - 1)
        return np.where(self._store.hashes[at] == wanted, self._store.places[at], -1).astype(np.int64)
