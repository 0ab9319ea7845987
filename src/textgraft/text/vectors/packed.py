"""Many words in two arrays: their UTF-8 bytes end to end, and where each one ends.

Millions of words take no Python object each this way, and lie on disk as they lie in memory. Words are bytes because
files of vectors hold some that are no valid UTF-8; those are kept and never looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from textgraft.text.hashing import Hashes, hash_pieces

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
HASHED_AT_ONCE = 1 << 18


class PackedWords:
    """n words: the ``data`` of all, end to end, and (n + 1,) ``offsets``: where each starts and the last one ends."""

    data: Bytes
    offsets: Places

    def __init__(self, data: Bytes, offsets: Places) -> None:
        self.data, self.offsets = data, offsets

    @classmethod
    def of_bytes(cls, words: Sequence[bytes]) -> PackedWords:
        """Packs words that are bytes already."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        return cls.of_lengths(np.frombuffer(b"".join(words), np.uint8), lengths)

    @classmethod
    def of(cls, words: Iterable[str]) -> PackedWords:
        """Packs strings."""
        return cls.of_bytes([word.encode("utf-8", "surrogatepass") for word in words])

    @classmethod
    def of_lengths(cls, data: Bytes, lengths: NDArray[np.integer]) -> PackedWords:
        """Packs bytes that lie end to end, by the (n,) lengths of the words."""
        return cls(data, np.append(0, np.cumsum(lengths, dtype=np.int64)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, place: int) -> str:
        return self.data[self.offsets[place] : self.offsets[place + 1]].tobytes().decode("utf-8", "replace")

    @property
    def lengths(self) -> Places:
        """(n,) the bytes of each word."""
        return np.diff(self.offsets)

    def part(self, first: int, last: int) -> PackedWords:
        """The words ``first`` to ``last`` (not included) or to the end, of the same bytes."""
        offsets = self.offsets[first : last + 1]
        return PackedWords(self.data[offsets[0] : offsets[-1]], offsets - offsets[0])

    def parts(self, size: int) -> Iterator[PackedWords]:
        """All words, ``size`` at a time."""
        return (self.part(first, first + size) for first in range(0, len(self), size))

    def hashes(self) -> Hashes:
        """(n,) 64-bit hashes of the bytes; equal words have equal ones.

        Two of 2 million different words share one with a probability of 10^-7.
        """
        parts = self.parts(HASHED_AT_ONCE)
        hashed = (hash_pieces(part.data.astype(np.uint32), part.offsets[:-1], part.offsets[1:]) for part in parts)
        return np.concatenate([np.zeros(0, np.uint64), *hashed])
