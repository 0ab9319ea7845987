"""Counting the word n-grams of texts, a batch at a time.

Words are found by their 64-bit hashes. A longer n-gram is found by the number of the n-gram one word shorter and the
number of its last word; a prefix is never rarer than what it begins, so pruning by frequency keeps every prefix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import mix
from textgraft.errors import ArtifactError
from textgraft.json_files import is_strings
from textgraft.progress import track
from textgraft.tensors import Tensors
from textgraft.text.characters import hash_strings, inverse_document_frequency, most_frequent
from textgraft.text.hashing import HashIndex, WordNumbering, hash_pieces
from textgraft.text.sparse import SparseRows, pair_keys, unpaired
from textgraft.text.tokens import Tokens, chunks, tokenize

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Counts:
    """What n texts hold: 1 + log of how often each n-gram occurs (sublinear term frequency), float32.

    Attributes:
        words: (n, w) the known words.
        longer: (n, m) the known n-grams of two words and more.
        unknown: (n, u) the other words.
        strange: the u other words.
    """

    words: SparseRows
    longer: SparseRows
    unknown: SparseRows
    strange: list[str]

    @staticmethod
    def stack(parts: Sequence[Counts]) -> Counts:
        """The texts of all parts, one after the other; an unknown word has a column for each part that it is in."""
        return Counts(
            SparseRows.stack([part.words for part in parts]),
            SparseRows.stack([part.longer for part in parts]),
            SparseRows.stack([part.unknown for part in parts], apart=True),
            [word for part in parts for word in part.strange],
        )


class WordNgrams:
    """The word n-grams that count, and how much.

    Args:
        words: the w known words.
        longer: for n = 2, 3, ... the pairs of the number of a prefix among the n-grams one word shorter, and the
            number of the last word.
        idf: (w + m,) weights: of the words, then of the longer ones in their order.
    """

    idf: Floats
    longer: list[Ids]
    words: list[str]

    def __init__(self, words: Sequence[str], longer: Sequence[Ids], idf: Floats) -> None:
        self.words, self.longer, self.idf = list(words), list(longer), idf
        self._index = HashIndex(hash_strings(words))
        self._levels = [HashIndex(mix(pair_keys(pairs[:, 0], pairs[:, 1]))) for pairs in longer]

    def __len__(self) -> int:
        return len(self.idf)

    @classmethod
    def restored(cls, words: list[str], tensors: Tensors) -> WordNgrams:
        """The n-grams of saved words, and of the tensors ``words.idf``, ``words.pairs.2``, ``words.pairs.3``, ...

        Raises:
            ArtifactError: they do not go together.
        """
        if not is_strings(words) or len(set(words)) < len(words):
            raise ArtifactError("The n-grams are damaged: their words are not a list of different strings.")
        longer: list[Ids] = []
        prefixes = len(words)
        while (name := f"words.pairs.{len(longer) + 2}") in tensors:
            pairs = tensors(name, None, 2, dtypes=("int32",))
            if len(pairs) and (pairs.min() < 0 or (pairs.max(axis=0) >= (prefixes, len(words))).any()):
                raise ArtifactError(f"The n-grams are damaged: {name} is of n-grams that are not there.")
            longer.append(pairs)
            prefixes = len(pairs)
        return cls(words, longer, tensors("words.idf", len(words) + sum(map(len, longer))))

    def grams(self) -> list[str]:
        """(w + m,) the n-grams as strings, words separated by a space."""
        level, every = self.words, list(self.words)
        for pairs in self.longer:
            level = [f"{level[prefix]} {self.words[last]}" for prefix, last in pairs.tolist()]
            every += level
        return every

    def count_all(self, texts: Sequence[str]) -> Counts:
        """Counts the n-grams of any number of texts, some at a time."""
        return Counts.stack([self.count(batch) for batch in chunks(texts)])

    def count(self, texts: Sequence[str]) -> Counts:
        """Counts the n-grams of n >= 1 texts."""
        n, tokens = len(texts), tokenize(texts)
        hashes = hash_pieces(tokens.codes, tokens.start, tokens.stop)
        ids, rows = self._index.find(hashes), token_rows(tokens.indptr)
        strange = np.flatnonzero(ids < 0)
        _, first, column = np.unique(hashes[strange], return_index=True, return_inverse=True)
        unknown = log_counts(rows[strange], column.astype(np.int32), (n, len(first)))
        return Counts(*self._count_known(ids, rows, n), unknown, tokens.strings(strange[first]))

    def places(self, tokens: Tokens) -> tuple[Ids, NDArray[np.int64], NDArray[np.int64]]:
        """The known n-grams where they occur: of each its number, and its first and last token."""
        ids = self._index.find(hash_pieces(tokens.codes, tokens.start, tokens.stop))
        known = np.flatnonzero(ids >= 0)
        found = [(1, known, ids[known]), *self._longer(ids, token_rows(tokens.indptr))]
        numbers = np.concatenate([number + np.int32(len(self.words) * (size > 1)) for size, _, number in found])
        first = np.concatenate([at for _, at, _ in found])
        return numbers, first, first + np.repeat([size - 1 for size, _, _ in found], [len(at) for _, at, _ in found])

    def _count_known(self, ids: Ids, rows: Ids, n: int) -> tuple[SparseRows, SparseRows]:
        """The known words and the longer n-grams of n texts, by the word (or -1) and the text of each token."""
        known = np.flatnonzero(ids >= 0)
        words = log_counts(rows[known], ids[known], (n, len(self.words)))
        found = list(self._longer(ids, rows))
        found_rows = np.concatenate([rows[:0], *(rows[at] for _, at, _ in found)])
        found_ids = np.concatenate([ids[:0], *(number for _, _, number in found)])
        return words, log_counts(found_rows, found_ids, (n, sum(map(len, self.longer))))

    def _longer(self, ids: Ids, rows: Ids) -> Iterator[tuple[int, NDArray[np.int64], Ids]]:
        """For each number of words from 2 on: it, first tokens of known n-grams, their numbers among longer ones."""
        level, before = ids, 0
        for size, (index, pairs) in enumerate(zip(self._levels, self.longer, strict=True), start=2):
            at = follows(level, ids, rows, size)
            place = index.find(mix(pair_keys(level[at], ids[at + size - 1])))
            level = np.full(len(ids), -1, np.int32)
            level[at] = place
            yield size, at[place >= 0], place[place >= 0] + np.int32(before)
            before += len(pairs)

    @classmethod
    def fit(cls, texts: Sequence[str], longest: int, min_count: int, most: int) -> tuple[WordNgrams, Counts]:
        """The n-grams of up to ``longest`` words in at least ``min_count`` of n >= 1 texts, and their counts in these.

        Of each length the ``most`` frequent ones are kept.
        """
        n = len(texts)
        distinct, tokens, rows = _number_words(texts)
        counts = document_frequency(rows, tokens, (n, len(distinct)))
        chosen = most_frequent(counts, min_count, most)
        renumber = renumbering(chosen, len(distinct))
        frequencies, longer = [counts[chosen]], []
        level = ids = renumber[tokens]
        for size in range(2, longest + 1):
            at = follows(level, ids, rows, size)
            keys, column = np.unique(pair_keys(level[at], ids[at + size - 1]), return_inverse=True)
            counts = document_frequency(rows[at], column.astype(np.int32), (n, len(keys)))
            frequent = most_frequent(counts, min_count, most)
            level = np.full(len(ids), -1, np.int32)
            level[at] = renumbering(frequent, len(keys))[column]
            longer.append(unpaired(keys[frequent]))
            frequencies.append(counts[frequent])
        idf = inverse_document_frequency(np.concatenate(frequencies), n)
        fitted = cls([distinct[i] for i in chosen.tolist()], longer, idf)
        strange = np.flatnonzero(renumber < 0)
        others = np.flatnonzero(ids < 0)
        unknown = log_counts(rows[others], renumbering(strange, len(distinct))[tokens[others]], (n, len(strange)))
        known = fitted._count_known(ids, rows, n)
        return fitted, Counts(*known, unknown, [distinct[i] for i in strange.tolist()])


def _number_words(texts: Sequence[str]) -> tuple[list[str], Ids, Ids]:
    """All distinct words in the order of their first occurrence; the word and the text of each token."""
    numbering = WordNumbering()
    ids, rows, texts_before = [], [], 0
    for batch in track(chunks(texts), "counting n-grams", total=len(texts), amount=len):
        tokens = tokenize(batch)
        ids.append(numbering.number(tokens))
        rows.append(token_rows(tokens.indptr) + np.int32(texts_before))
        texts_before += len(batch)
    return numbering.words, np.concatenate(ids), np.concatenate(rows)


def token_rows(indptr: NDArray[np.int64]) -> Ids:
    """(t,) the text of each token."""
    return np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))


def follows(level: Ids, ids: Ids, rows: Ids, n: int) -> NDArray[np.int64]:
    """Places where a known (n-1)-gram starts and a known word of the same text follows it."""
    last = n - 1
    return np.flatnonzero((level[:-last] >= 0) & (ids[last:] >= 0) & (rows[:-last] == rows[last:]))


def renumbering(chosen: NDArray[np.int64], n: int) -> Ids:
    """(n,) the new number of each of n things of which some are kept, or -1."""
    numbers = np.full(n, -1, np.int32)
    numbers[chosen] = np.arange(len(chosen), dtype=np.int32)
    return numbers


def document_frequency(rows: Ids, columns: Ids, shape: tuple[int, int]) -> NDArray[np.int64]:
    """(f,) the number of rows in which each column occurs."""
    return np.bincount(SparseRows.counts(rows, columns, shape).columns, minlength=shape[1])


def log_counts(rows: Ids, columns: Ids, shape: tuple[int, int]) -> SparseRows:
    """1 + log of how often each column occurs in each row (sublinear term frequency)."""
    return SparseRows.counts(rows, columns, shape).logarithmic()
