"""Texts as sets of shingles (neighbouring word pairs), and MinHash signatures of those sets.

A shingle is a 64-bit hash. All hashes start from BLAKE2b of the words, so they are the same in every process and on
every machine. After Broder, "On the resemblance and containment of documents" (1997); see ``duplicates``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import mix, text_number
from textgraft.progress import track

# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, Kana and Han. Their characters count as words.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
ASCII_WORD = re.compile(r"\w+", re.ASCII)

# Shingles that are hashed at a time: 64 permutations of them fit the processor's cache.
BLOCK = 8_192
TEXTS_AT_A_TIME = 1_000


@dataclass(frozen=True)
class Shingles:
    """The shingles of n texts, one text after the other: those of text i are ``hashes[starts[i]:starts[i + 1]]``.

    A shingle that a text repeats is repeated; ``starts`` has n + 1 elements.
    """

    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """(n,) shingles per text."""
        return np.diff(self.starts)

    def select(self, texts: NDArray[np.int64]) -> Shingles:
        """The shingles of the texts at ``texts``."""
        counts = self.counts[texts]
        starts = np.concatenate([[0], np.cumsum(counts)])
        at = np.arange(starts[-1]) + np.repeat(self.starts[texts] - starts[:-1], counts)
        return Shingles(self.hashes[at], starts)


class _WordHashes(dict[str, int]):
    """The hash of every word seen, computed once."""

    def __missing__(self, word: str) -> int:
        value = self[word] = text_number(word)
        return value


def shingle(texts: Sequence[str]) -> Shingles:
    """The word pairs of folded texts; a text of n words has n - 1, one of no or one word has none."""
    hashes = _WordHashes()
    blocks: list[NDArray[np.uint64]] = []
    counts = np.zeros(len(texts), np.int64)
    starts = range(0, len(texts), TEXTS_AT_A_TIME)
    for start in track(starts, "looking for near-duplicates", len(starts)):
        words: list[int] = []
        for i, text in enumerate(texts[start : start + TEXTS_AT_A_TIME], start):
            words_of_text = (ASCII_WORD if text.isascii() else WORD).findall(text)
            counts[i] = len(words_of_text)
            words += map(hashes.__getitem__, words_of_text)
        blocks.append(_pairs(np.array(words, np.uint64), counts[start : start + TEXTS_AT_A_TIME]))
    flat = np.concatenate(blocks) if blocks else np.zeros(0, np.uint64)
    return Shingles(flat, np.concatenate([[0], np.cumsum(np.maximum(counts - 1, 0))]))


def _pairs(words: NDArray[np.uint64], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hashes of neighbouring words, where ``counts`` says how many words belong to each text."""
    text = np.repeat(np.arange(len(counts)), counts)
    pairs = mix(words[:-1] * np.uint64(0x9E3779B97F4A7C15) + words[1:])
    return np.asarray(pairs[text[:-1] == text[1:]])


def minhash(shingles: Shingles, size: int) -> NDArray[np.uint32]:
    """(n, size) MinHash signatures of n texts, each with at least one shingle.

    The share of places at which two signatures agree estimates the Jaccard similarity of the two sets.
    """
    # Multiplying well mixed hashes by an odd number orders them anew: a permutation for the price of one product.
    factors = (mix(np.arange(1, size + 1, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
    short = (shingles.hashes >> np.uint64(32)).astype(np.uint32)
    signatures = np.empty((size, len(shingles)), np.uint32)
    for first, last in _blocks(shingles.starts):
        begin, end = shingles.starts[[first, last]]
        permuted = factors[:, None] * short[begin:end]
        np.minimum.reduceat(permuted, shingles.starts[first:last] - begin, axis=1, out=signatures[:, first:last])
    return np.ascontiguousarray(signatures.T)


def _blocks(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs of texts, first and past the last, of about ``BLOCK`` shingles."""
    first, n = 0, len(starts) - 1
    while first < n:
        last = max(int(np.searchsorted(starts, starts[first] + BLOCK, side="right")) - 1, first + 1)
        yield first, last
        first = last
