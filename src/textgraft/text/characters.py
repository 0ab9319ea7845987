"""Character n-grams within words: of each distinct word once, however often it occurs.

A word is taken with a space on both sides, so that n-grams at its start and end differ from those inside (the
``char_wb`` analyser of scikit-learn). Because an n-gram never leaves its word, what a text says through its
characters is a sum over its words; texts need never be taken apart into characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError
from textgraft.json_files import is_strings, is_whole
from textgraft.tensors import Tensors
from textgraft.text.hashing import Hashes, HashIndex, hash_pieces
from textgraft.text.sparse import SparseRows
from textgraft.text.tokens import Codes, strings
from textgraft.unicode import quoted

if TYPE_CHECKING:
    from scipy import sparse

Floats = NDArray[np.float32]

LONGEST: Final = 10  # characters of an n-gram


@dataclass(frozen=True)
class Occurrences:
    """All n-grams of some words: in which word, their hash, and where they stand in ``codes`` (words with spaces)."""

    codes: Codes
    word: NDArray[np.int32]
    hash: Hashes
    start: NDArray[np.int64]
    stop: NDArray[np.int64]


class CharacterNgrams:
    """The character n-grams that count, and how much: f of them, each with its idf.

    Args:
        sizes: the smallest and the largest number of characters, a space at the word's end included.
        grams: (f,) the n-grams.
        idf: (f,) their weights.
    """

    grams: list[str]
    idf: Floats
    sizes: tuple[int, int]

    def __init__(self, sizes: tuple[int, int], grams: Sequence[str], idf: Floats) -> None:
        self.sizes, self.grams, self.idf = sizes, list(grams), idf
        self._index = HashIndex(hash_strings(grams))

    def __len__(self) -> int:
        return len(self.grams)

    @classmethod
    def restored(cls, content: dict[str, Any], tensors: Tensors) -> CharacterNgrams:
        """The n-grams of saved ``sizes`` and ``grams``, and of the tensor ``characters.idf``.

        Raises:
            ArtifactError: they do not go together.
        """
        if not isinstance(content, dict) or content.keys() != {"sizes", "grams"}:
            raise ArtifactError("The character n-grams are damaged: they are not sizes and grams.")
        sizes, grams = content["sizes"], content["grams"]
        whole = isinstance(sizes, list) and len(sizes) == 2 and all(is_whole(size, 1, LONGEST + 1) for size in sizes)
        if not whole or sizes[0] > sizes[1]:
            raise ArtifactError(f"The character n-grams are damaged: their sizes are {quoted(sizes)}.")
        if not is_strings(grams) or len(set(grams)) < len(grams):
            raise ArtifactError("The character n-grams are damaged: they are not a list of different strings.")
        return cls((sizes[0], sizes[1]), grams, tensors("characters.idf", len(grams)))

    def weigh(self, words: Sequence[str]) -> SparseRows:
        """(w, f) how often each n-gram stands in each word, times its idf."""
        return self._weigh(occurrences(words, self.sizes), len(words))

    def numbers(self, grams: Occurrences) -> NDArray[np.int32]:
        """The number of each n-gram among these, or -1."""
        return self._index.find(grams.hash)

    def _weigh(self, grams: Occurrences, n: int) -> SparseRows:
        place = self.numbers(grams)
        known = np.flatnonzero(place >= 0)
        return SparseRows.counts(grams.word[known], place[known], (n, len(self))).scaled(self.idf)

    @classmethod
    def fit(
        cls, words: Sequence[str], tokens: sparse.csr_matrix, sizes: tuple[int, int], min_count: int, most: int
    ) -> tuple[CharacterNgrams, SparseRows]:
        """The n-grams of at least ``min_count`` texts (the ``most`` frequent ones), and their weights in w words.

        ``tokens`` (n, w) says which words each of n texts has, ``sizes`` the least and most characters of an n-gram.
        """
        grams_of_words = occurrences(words, sizes)
        _, first, column = np.unique(grams_of_words.hash, return_index=True, return_inverse=True)
        incidence = SparseRows.counts(grams_of_words.word, column.astype(np.int32), (len(words), len(first))).csr()
        counts = np.zeros(len(first), np.int64)
        for row in range(0, tokens.shape[0], 2048):  # by parts, because the whole product would be large
            counts += np.bincount((tokens[row : row + 2048] @ incidence).indices, minlength=len(counts))
        chosen = most_frequent(counts, min_count, most)
        grams = strings(grams_of_words.codes, grams_of_words.start[first[chosen]], grams_of_words.stop[first[chosen]])
        fitted = cls(sizes, grams, inverse_document_frequency(counts[chosen], tokens.shape[0]))
        return fitted, fitted._weigh(grams_of_words, len(words))


def occurrences(words: Sequence[str], sizes: tuple[int, int]) -> Occurrences:
    """All character n-grams of words of at least two characters (of a shorter one the word itself says it all)."""
    padded = "".join(f" {word} " for word in words)
    codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32, copy=False)
    lengths = np.fromiter(map(len, words), np.int64, len(words)) + 2
    word = np.repeat(np.arange(len(words), dtype=np.int32), lengths)
    room = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))
    room[np.repeat(lengths < 4, lengths)] = 0
    starts = [np.flatnonzero(room >= size) for size in range(sizes[0], sizes[1] + 1)]
    start = np.concatenate(starts)
    stop = start + np.repeat(np.arange(sizes[0], sizes[1] + 1), list(map(len, starts)))
    return Occurrences(codes, word[start], hash_pieces(codes, start, stop), start, stop)


def hash_strings(pieces: Sequence[str]) -> Hashes:
    """(t,) hashes of strings, the same as those of the pieces of a text."""
    codes = np.frombuffer("".join(pieces).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32, copy=False)
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    stop = np.cumsum(lengths)
    return hash_pieces(codes, stop - lengths, stop)


def most_frequent(counts: NDArray[np.int64], least: int, most: int) -> NDArray[np.int64]:
    """Places of counts of at least ``least``, in order; of more than ``most`` the highest, earlier ones first."""
    chosen = np.flatnonzero(counts >= least)
    if len(chosen) > most:
        chosen = np.sort(chosen[np.argsort(-counts[chosen], kind="stable")[:most]])
    return chosen


def inverse_document_frequency(counts: NDArray[np.int64], texts: int) -> Floats:
    """``1 + log((1 + n) / (1 + count))``, smoothed as in scikit-learn."""
    return (np.log((1 + texts) / (1 + counts)) + 1).astype(np.float32)
