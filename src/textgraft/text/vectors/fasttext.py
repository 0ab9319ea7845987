"""fastText's ``.bin`` models: words, and the hashed sub-words that give any other word a vector too.

The format and the hash are those of fastText's ``src/dictionary.cc``, ``args.cc`` and ``densematrix.cc``; the method is
Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information". A word's vector is the mean of its own row
and of the rows of its character n-grams with ``<`` before and ``>`` after it; that of an unknown word, of the latter.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import VectorsError
from textgraft.extras import import_scipy
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import BYTES_AT_ONCE, Block, Floats, Reader, check_finite, room_for
from textgraft.wording import counted

MAGIC: Final = struct.pack("<i", 793712314)
VERSION: Final = 12
END_OF_LINE: Final = "</s>"  # a word of fastText's own, without sub-words
WORDS_AT_ONCE = 8192
_ARGS: Final = struct.Struct("<12id")
_COUNTS: Final = struct.Struct("<iiiqq")


class SubWords:
    """Vectors from sub-words of ``least`` to ``most`` characters (0 for none).

    At byte ``offset`` of the model is its (words + buckets, d) fp32 matrix: rows of words, then of hashed n-grams.
    """

    def __init__(
        self, path: Path, *, offset: int, dimensions: int, words: int, buckets: int, least: int, most: int
    ) -> None:
        shape = (words + buckets, dimensions)
        self.matrix: Floats = np.memmap(path, np.dtype("<f4"), "r", offset, shape)
        self._words, self._buckets = words, buckets
        self._sizes = (least, most if buckets else 0)

    def compose(self, words: PackedWords, base: NDArray[np.int64] | None = None) -> tuple[NDArray[np.bool_], Floats]:
        """Means of the rows of n-grams, and of the (n,) ``own`` rows of n words where they have any.

        Returns:
            (n,) whether a word has any row, and the (n, d) vectors, zeros where it has none.
        """
        sparse = import_scipy("Composing vectors of n-grams").sparse
        owner, hashes = ngram_hashes(words, *self._sizes)
        spoken = np.array([words[i] != END_OF_LINE for i in range(len(words))], bool)
        owner, hashes = owner[spoken[owner]], hashes[spoken[owner]]
        rows = self._words + (hashes % np.uint32(max(1, self._buckets))).astype(np.int64)
        if base is not None:
            owner = np.concatenate([np.arange(len(words)), owner])
            rows = np.concatenate([base, rows])
        used, place = np.unique(rows, return_inverse=True)
        counts = np.bincount(owner, minlength=len(words))
        sums = sparse.csr_matrix((np.ones(len(owner), np.float32), (owner, place)), (len(words), len(used)))
        vectors = sums @ np.ascontiguousarray(self.matrix[used], np.float32)
        return counts > 0, (vectors / np.maximum(counts, 1)[:, None]).astype(np.float32)


class FastTextVectors(Reader):
    """``.bin`` models of version 12 that are not quantised; supervised ones too, without their labels.

    Raises:
        VectorsError: another version, a quantised model, or a file that is cut off.
    """

    size: int
    dimensions: int
    subwords: dict[str, int]
    room: int

    def __init__(self, origin: Origin) -> None:
        self._path = origin.path
        with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            self.size = len(content)
            try:
                self._read(content)
            except struct.error:
                raise self._cut_off("before its matrix of vectors") from None

    def _read(self, content: mmap.mmap) -> None:
        (version,) = struct.unpack_from("<i", content, 4)
        if version != VERSION:
            raise VectorsError(
                f"{self._path} is a fastText model of version {version}; version {VERSION} can be read. Save it again "
                "with a fastText of 2017 or later."
            )
        args = _ARGS.unpack_from(content, 8)
        self.dimensions, buckets, least, most = args[0], args[8], args[9], args[10]
        entries, n, _, _, pruned = _COUNTS.unpack_from(content, 8 + _ARGS.size)
        at = 8 + _ARGS.size + _COUNTS.size
        words: list[bytes] = []
        for entry in range(entries):
            end = content.find(b"\0", at)
            if end < 0 or end + 10 > len(content):
                raise self._cut_off(f"in entry {entry + 1:,} of the {entries:,} of its dictionary")
            if entry < n:  # labels come after the words
                words.append(content[at:end])
            at = end + 10
        quantised, rows, columns = struct.unpack_from("<?qq", content, at)
        if quantised or pruned >= 0:
            raise VectorsError(
                f"{self._path} is a quantised fastText model; its vectors are approximations and are not read. Take "
                "the .bin model that it was made of."
            )
        at += struct.calcsize("<?qq")
        if columns != self.dimensions or rows != n + buckets or len(words) != n or not n:
            raise VectorsError(
                f"{self._path} is damaged: it names {counted(n, 'word')}, {buckets:,} buckets and {self.dimensions:,} "
                f"components, and its matrix has the shape ({rows:,}, {columns:,}). Get it again."
            )
        if at + 4 * rows * columns > len(content):
            whole = max(0, len(content) - at) // (4 * columns)
            raise self._cut_off(f"in row {whole + 1:,} of the {rows:,} of its matrix")
        self._words = PackedWords.of_bytes(words)
        self._rows = rows
        shape = {"offset": at, "dimensions": columns, "words": n}
        self.subwords = {**shape, "buckets": buckets, "least": least, "most": most}
        self.room = room_for(n, columns)

    def _cut_off(self, where: str) -> VectorsError:
        return VectorsError(f"{self._path} is cut off {where}. Get the file again.")

    def blocks(self) -> Iterator[Block]:  # noqa: D102
        assert self.subwords is not None
        model = SubWords(self._path, **self.subwords)
        at_once = max(1, BYTES_AT_ONCE // (4 * self.dimensions))
        for first in range(0, self._rows, at_once):
            part = model.matrix[first : first + at_once]
            check_finite(part, lambda row, first=first: f"{self._path} row {first + row + 1:,} of its matrix")  # type: ignore[misc]
        read = self.size / max(1, len(self._words))
        for first in range(0, len(self._words), WORDS_AT_ONCE):
            words = self._words.part(first, first + WORDS_AT_ONCE)
            _, rows = model.compose(words, np.arange(first, first + len(words)))
            yield Block(words, rows, int(read * len(words)))


def ngram_hashes(words: PackedWords, least: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """FNV-1a hashes of the character n-grams of ``<word>``, over bytes that are signed, as in fastText.

    Returns:
        (t,) which word each n-gram is of, and the (t,) hashes.
    """
    data, starts, stops = _bracketed(words)
    begins_character = np.append((data & 0xC0) != 0x80, True)
    signed = data.view(np.int8).astype(np.int32).view(np.uint32)
    first = np.flatnonzero(begins_character[:-1])
    owner = np.repeat(np.arange(len(words)), stops - starts)[first]
    hashes = np.full(len(first), 2166136261, np.uint32)
    at = first.copy()
    owners, grams = [owner[:0]], [hashes[:0]]
    for size in range(1, most + 1):
        alive = at < stops[owner]
        first, owner, hashes, at = first[alive], owner[alive], hashes[alive], at[alive]
        step = np.arange(len(at))
        while len(step):  # the bytes of the next character
            hashes[step] = (hashes[step] ^ signed[at[step]]) * np.uint32(16777619)
            at[step] += 1
            step = step[~begins_character[at[step]]]
        if size >= least:
            bracket = (size == 1) & ((first == starts[owner]) | (at == stops[owner]))
            owners.append(owner[~bracket])
            grams.append(hashes[~bracket])
    return np.concatenate(owners), np.concatenate(grams)


def _bracketed(words: PackedWords) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """The bytes of ``<word>`` of all words, and where each starts and stops."""
    stops = np.cumsum(words.lengths + 2)
    starts = stops - words.lengths - 2
    data = np.zeros(int(stops[-1]) if len(stops) else 0, np.uint8)
    inside = np.ones(len(data), bool)
    inside[starts] = inside[stops - 1] = False
    data[starts], data[stops - 1] = ord("<"), ord(">")
    data[inside] = words.data
    return data, starts, stops
