"""Numbering words in the order of their first occurrence, a batch of texts at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textgraft.text.hashing import HashIndex, hash_pieces
from textgraft.text.tokens import Tokens

Ids = NDArray[np.int32]


class WordNumbering:
    """The ``words`` seen so far, in the order of their first occurrence; the newest have an index quickly rebuilt."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._old = self._new = HashIndex(np.zeros(0, np.uint64))

    def number(self, tokens: Tokens) -> Ids:
        """(t,) the number of each token among ``words``, which grow by the new ones."""
        keys = hash_pieces(tokens.codes, tokens.start, tokens.stop)
        numbers = self._old.find(keys)
        rest = np.flatnonzero(numbers < 0)
        numbers_of_new = self._new.find(keys[rest])
        numbers[rest] = np.where(numbers_of_new >= 0, numbers_of_new + len(self._old), -1)
        rest = rest[numbers_of_new < 0]
        _, first, which = np.unique(keys[rest], return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        numbers[rest] = rank[which] + len(self._old) + len(self._new)
        fresh = rest[first[order]]
        self._new = HashIndex(np.concatenate((self._new.keys, keys[fresh])))
        if len(self._new) > 1000 + len(self._old) // 2:
            self._old = HashIndex(np.concatenate((self._old.keys, self._new.keys)))
            self._new = HashIndex(np.zeros(0, np.uint64))
        self.words += tokens.strings(fresh)
        return numbers
