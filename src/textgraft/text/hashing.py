"""Hashing pieces of text, looking their hashes up and numbering them, many millions a second, in NumPy alone.

A piece ``c_0 .. c_m`` hashes to the polynomial ``sum c_j * B^j`` modulo 2^64 (Karp and Rabin 1987), of which all
pieces of a text follow from one running sum; the finaliser of splitmix64 (Steele et al. 2014) then spreads the bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import mix
from textgraft.text.tokens import Tokens

Hashes = NDArray[np.uint64]

BASE: Final = 0x9E6C63D0876A9B35
_INVERSE: Final = pow(BASE, -1, 1 << 64)


def hash_pieces(codes: NDArray[np.uint32], start: NDArray[np.int64], stop: NDArray[np.int64]) -> Hashes:
    """(t,) hashes of the pieces ``codes[start:stop]``; equal pieces have equal hashes wherever they stand."""
    powers, inverses = _powers(1 << len(codes).bit_length())
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(codes * powers[: len(codes)], out=sums[1:])
    return mix((sums[stop] - sums[start]) * inverses[start])


@lru_cache(maxsize=2)
def _powers(n: int) -> Hashes:
    powers = np.repeat(np.array([[BASE], [_INVERSE]], np.uint64), n, axis=1)
    powers[:, 0] = 1
    return np.multiply.accumulate(powers, axis=1)


class HashIndex:
    """Finds the place of a 64-bit key among m known ones: open addressing with linear probing, a batch at a time."""

    def __init__(self, keys: Hashes) -> None:
        self.keys = keys
        bits = max(int(2 * len(keys)).bit_length(), 4)
        self._shift = np.uint64(64 - bits)
        self._mask = (1 << bits) - 1
        self._places = np.full(1 << bits, -1, np.int32)
        waiting = np.arange(len(keys), dtype=np.int32)
        slots = self._slots(keys)
        while len(waiting):
            free = self._places[slots] < 0
            self._places[slots[free]] = waiting[free]
            beaten = self._places[slots] != waiting
            waiting, slots = waiting[beaten], (slots[beaten] + 1) & self._mask

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, queries: Hashes) -> NDArray[np.int32]:
        """(q,) the place of each query among the keys, or -1."""
        if not len(self.keys):
            return np.full(len(queries), -1, np.int32)
        slots = self._slots(queries)
        places_of_queries = self._places[slots]
        wrong = np.flatnonzero((places_of_queries >= 0) & (self.keys[places_of_queries] != queries))
        while len(wrong):
            slots[wrong] = (slots[wrong] + 1) & self._mask
            places = self._places[slots[wrong]]
            places_of_queries[wrong] = places
            wrong = wrong[(places >= 0) & (self.keys[places] != queries[wrong])]
        return places_of_queries

    def _slots(self, keys: Hashes) -> NDArray[np.int64]:
        return (keys >> self._shift).astype(np.int64)


class WordNumbering:
    """The ``words`` seen so far, in the order of their first occurrence; the newest have an index quickly rebuilt."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._old = self._new = HashIndex(np.zeros(0, np.uint64))

    def number(self, tokens: Tokens) -> NDArray[np.int32]:
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
