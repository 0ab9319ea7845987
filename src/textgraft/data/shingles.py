"""Texts as sets of shingles (neighbouring word pairs), and MinHash signatures of those sets.

A shingle is a 64-bit hash. All hashes start from BLAKE2b of the words, so they are the same in every process and on
every machine. After Broder, "On the resemblance and containment of documents" (1997); see ``duplicates``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import mix, text_number

# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, Kana and Han. Their characters count as words.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
# What is no part of a word becomes a blank: for ASCII alone this and ``split`` are far faster than an expression.
BLANKED = "".join(char if char.isalnum() or char == "_" else " " for char in map(chr, range(128)))

# Shingles that are hashed at a time, so that they fit the processor's cache.
BLOCK = 8_192
WORDS_AT_A_TIME = 20_000
MOST_WORDS = 1 << 16  # whose hashes are kept: those of the rest are computed whenever they are met


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
        counts = self.starts[texts + 1] - self.starts[texts]
        starts = np.concatenate([[0], np.cumsum(counts)])
        at = np.arange(starts[-1]) + np.repeat(self.starts[texts] - starts[:-1], counts)
        return Shingles(self.hashes[at], starts)


class _WordHashes(dict[str, int]):
    """The hashes of the words seen first, computed once."""

    def __missing__(self, word: str) -> int:
        value = text_number(word)
        if len(self) < MOST_WORDS:
            self[word] = value
        return value


def shingle(texts: Iterable[str]) -> Shingles:
    """The word pairs of folded texts; a text of n words has n - 1, one of no or one word has none."""
    blocks = list(shingle_blocks(texts))
    counts = [block.counts for block in blocks]
    hashes = [block.hashes for block in blocks]
    starts = np.cumsum(np.concatenate([[0], *counts]), dtype=np.int64)
    return Shingles(np.concatenate(hashes) if hashes else np.zeros(0, np.uint64), starts)


def shingle_blocks(texts: Iterable[str]) -> Iterator[Shingles]:
    """As ``shingle``, but as many texts after each other as have ``WORDS_AT_A_TIME``, or one that has more."""
    hashes = _WordHashes()
    words: list[str] = []
    counts: list[int] = []
    for text in texts:
        words_of_text = text.translate(BLANKED).split() if text.isascii() else WORD.findall(text)
        counts.append(len(words_of_text))
        words += words_of_text
        if len(words) >= WORDS_AT_A_TIME:
            yield _of_words(words, counts, hashes)
            words, counts = [], []
    if counts:
        yield _of_words(words, counts, hashes)


def _of_words(words: list[str], counts: list[int], hashes: _WordHashes) -> Shingles:
    """The word pairs of texts, where ``counts`` says how many of the words belong to each text."""
    numbers = np.fromiter(map(hashes.__getitem__, words), np.uint64, len(words))
    text = np.repeat(np.arange(len(counts)), counts)
    pairs = mix(numbers[:-1] * np.uint64(0x9E3779B97F4A7C15) + numbers[1:])[text[:-1] == text[1:]]
    return Shingles(pairs, np.concatenate([[0], np.cumsum(np.maximum(np.array(counts) - 1, 0))]))


def minhash(shingles: Shingles, places: range) -> NDArray[np.uint32]:
    """(p, n) MinHash signatures of n texts, each with at least one shingle, at p places of any number.

    The share of places at which two signatures agree estimates the Jaccard similarity of the two sets.
    """
    # Multiplying well mixed hashes by an odd number orders them anew: a permutation for the price of one product.
    numbers = np.array(places, np.uint64) + np.uint64(1)
    factors = (mix(numbers) >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
    signatures = np.empty((len(places), len(shingles)), np.uint32)
    for first, last in _blocks(shingles.starts):
        begin, end = shingles.starts[[first, last]]
        short = (shingles.hashes[begin:end] >> np.uint64(32)).astype(np.uint32)
        starts = shingles.starts[first:last] - begin
        np.minimum.reduceat(factors[:, None] * short, starts, axis=1, out=signatures[:, first:last])
    return signatures


def _blocks(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs of texts, first and past the last, of about ``BLOCK`` shingles."""
    first, n = 0, len(starts) - 1
    while first < n:
        last = max(int(np.searchsorted(starts, starts[first] + BLOCK, side="right")) - 1, first + 1)
        yield first, last
        first = last
