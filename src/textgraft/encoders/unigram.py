"""SentencePiece's unigram tokenizer without SentencePiece: a model file read as data, and the best pieces of each word.

The method is Kudo 2018 (arXiv:1804.10959), the file's format ``sentencepiece_model.proto``. Texts are normalised by the
file's table of characters, a double-array trie (github.com/google/sentencepiece, ``normalizer.cc``). No piece goes over
a space, so the best pieces of a text are those of its words, which are kept: words come again.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

SPACE: Final = "▁"
KEPT_WORDS: Final = 1 << 16
LONGEST_KEPT: Final = 32  # characters
UNKNOWN: Final = 0
BELOW_ALL: Final = 10.0  # that an unknown character scores less than the rarest piece


class UnigramTokenizer:
    """Texts to ids by a SentencePiece model.

    Raises:
        ValueError, LookupError, struct.error: the file is damaged, or has pieces that go over spaces.
    """

    def __init__(self, path: Path) -> None:
        fields = _fields(path.read_bytes())
        pieces: list[str] = []
        scores: list[float] = []
        for _, piece in (field for field in fields if field[0] == 1):
            values = dict(_fields(piece))
            pieces.append(values[1].decode())
            scores.append(struct.unpack("<f", values[2])[0] if 2 in values else 0.0)
        if any(SPACE in piece[1:] for piece in pieces):
            raise ValueError("it has pieces that go over spaces")
        self._piece = {piece: (i, score) for i, (piece, score) in enumerate(zip(pieces, scores, strict=True))}
        self._longest = max(map(len, pieces))
        self._unknown = min(scores) - BELOW_ALL
        specification = next(content for field, content in fields if field == 3)
        table = dict(_fields(specification))[2]
        (size,) = struct.unpack_from("<I", table)
        self._units = struct.unpack_from(f"<{size // 4}I", table, 4)
        self._replacements = table[4 + size :]
        self._kept = lru_cache(KEPT_WORDS)(self._ids_of_chunk)

    def __len__(self) -> int:
        return len(self._piece)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without those of its beginning and end; of a text without any character, unknown."""
        ids: list[int] = []
        for chunk in text.split(" "):
            if chunk:
                ids += self._kept(chunk) if len(chunk) <= LONGEST_KEPT else self._ids_of_chunk(chunk)
        return ids or [UNKNOWN]

    def _ids_of_chunk(self, chunk: str) -> tuple[int, ...]:
        if not (chunk.isascii() and chunk.isprintable()):  # which the table leaves as it is
            chunk = self._normalised(chunk.encode("utf-8", "replace")).decode()
        return tuple(id for word in chunk.split(" ") if word for id in self._best(SPACE + word))

    def _normalised(self, text: bytes) -> bytes:
        """At each place the longest entry of the table that the text goes on with is replaced."""
        out, at = bytearray(), 0
        while at < len(text):
            node, length, value = _offset(self._units[0]), 0, 0
            for i in range(at, len(text)):
                node ^= text[i]
                if node >= len(self._units) or self._units[node] & 0x800000FF != text[i]:
                    break
                unit = self._units[node]
                node ^= _offset(unit)
                if unit & 0x100:
                    length, value = i + 1 - at, self._units[node] & 0x7FFFFFFF
            if length:
                out += self._replacements[value : self._replacements.index(0, value)]
            else:
                length = 1 if text[at] < 0x80 else 2 if text[at] < 0xE0 else 3 if text[at] < 0xF0 else 4
                out += text[at : at + length]
            at += length
        return bytes(out)

    def _best(self, word: str) -> list[int]:
        """The pieces whose scores add up to the most (Viterbi); a character without one is unknown."""
        n = len(word)
        best = [0.0] + [-math.inf] * n
        came = [(0, UNKNOWN)] * (n + 1)
        for start in range(n):
            for end in range(start + 1, min(start + self._longest, n) + 1):
                known = self._piece.get(word[start:end])
                if known is None and end > start + 1:
                    continue
                id, score = (UNKNOWN, self._unknown) if known is None else known
                if best[start] + score > best[end]:
                    best[end], came[end] = best[start] + score, (start, id)
        ids, end = [], n
        while end:
            end, id = came[end]
            ids.append(id)
        return ids[::-1]


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & 0x200) >> 6)


def _fields(message: bytes) -> list[tuple[int, bytes]]:
    """The fields of a protocol buffer that have bytes, with their numbers."""
    return list(_each_field(message))


def _each_field(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        match tag & 7:
            case 0:
                _, at = _number(message, at)
                continue
            case 1:
                size = 8
            case 2:
                size, at = _number(message, at)
            case 5:
                size = 4
            case other:
                raise ValueError(f"a field is of kind {other}")
        if at + size > len(message):
            raise ValueError("a field goes beyond the end")
        yield tag >> 3, message[at : at + size]
        at += size


def _number(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
