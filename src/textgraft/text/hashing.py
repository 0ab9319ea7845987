"""Hashing pieces of text and looking their hashes up, many millions a second, in NumPy alone.

A piece ``c_0 .. c_m`` hashes to the polynomial ``sum c_j * B^j`` modulo 2^64 (Karp and Rabin 1987), of which all
pieces of a text follow from one running sum; the finaliser of splitmix64 (Steele et al. 2014) then spreads the bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import mix

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
