"""Pairs of texts that differ in one word: by another one in its place, or by one that only one of them has.

A text is known by a polynomial of its words' hashes modulo 2^64, of which a word is taken out in one step; so all texts
without one of their words are compared at once. Every pair found is then compared word by word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import mix
from textgraft.text.hashing import hash_pieces
from textgraft.text.tokens import tokenize
from textgraft.unicode import in_form

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

LONGEST = 200  # words of a text that is compared
BASE = 0x9E3779B97F4A7C15  # odd, so that it can be divided by
NEIGHBOURS = 16  # texts that share all other words and are compared with each other
CHUNK = 2_000  # texts that are cut into words at once


class Pair(NamedTuple):
    """Two texts by their places, and the word of each that the other does not have there; empty for none."""

    first: int
    second: int
    word: str
    other: str


def find_pairs(texts: Sequence[str], answers: NDArray[np.int64], most: int = 50) -> list[Pair]:
    """Pairs of texts that differ in one word and have different answers, in the order of the texts.

    Args:
        texts: n texts.
        answers: (n,) numbers; only texts with different ones are paired.
        most: how many.
    """
    texts = in_form(texts, "nfkc")
    hashes, starts = _hashed(texts)
    powers = np.cumprod(np.array([1] + [BASE] * LONGEST, np.uint64))
    sizes = np.diff(starts)
    rows = np.repeat(np.arange(len(texts)), sizes)
    place = np.arange(len(hashes)) - starts[rows]
    short = sizes <= LONGEST
    kept = short[rows]
    rows, place, hashes = rows[kept], place[kept], hashes[kept]
    terms = hashes * powers[place]
    sums = np.append(np.zeros(1, np.uint64), np.cumsum(terms))
    ends = np.searchsorted(rows, np.arange(len(texts)), side="right")
    begins = np.searchsorted(rows, np.arange(len(texts)), side="left")
    whole = sums[ends] - sums[begins]
    lengths = (ends - begins).astype(np.uint64)
    candidates = set(_replaced(rows, whole[rows] - terms, place, lengths))
    back = np.uint64(pow(BASE, -1, 1 << 64))
    before = sums[:-1] - sums[begins[rows]]
    without = before + (sums[ends[rows]] - sums[1:]) * back
    candidates |= set(_inserted(rows, without, whole, lengths, np.flatnonzero(short)))
    found: list[Pair] = []
    for first, second in sorted(candidates):
        if len(found) == most:
            break
        if answers[first] != answers[second] and (words := _difference(texts[first], texts[second])) is not None:
            found.append(Pair(first, second, *words))
    return found


def _hashed(texts: Sequence[str]) -> tuple[Hashes, Places]:
    """The hashes of all words, text by text, and (n + 1,) where those of each text start."""
    hashes, sizes = [np.zeros(0, np.uint64)], [np.zeros(1, np.int64)]
    for start in range(0, len(texts), CHUNK):
        tokens = tokenize(texts[start : start + CHUNK])
        hashes.append(hash_pieces(tokens.codes, tokens.start, tokens.stop))
        sizes.append(np.diff(tokens.indptr).astype(np.int64))
    return np.concatenate(hashes), np.cumsum(np.concatenate(sizes))


def _replaced(rows: Places, masked: Hashes, place: Places, lengths: Hashes) -> Iterator[tuple[int, int]]:
    """Pairs of texts that are equally long and the same but for what stands in one place."""
    keys = mix(masked ^ mix(lengths[rows] << np.uint64(32) | place.astype(np.uint64)))
    order = np.argsort(keys, kind="stable")
    for step in range(1, NEIGHBOURS + 1):
        same = np.flatnonzero(keys[order[step:]] == keys[order[:-step]]) if step < len(order) else ()
        if not len(same):
            return
        yield from _pairs(rows[order[:-step][same]], rows[order[step:][same]])


def _inserted(
    rows: Places, without: Hashes, whole: Hashes, lengths: Hashes, texts: Places
) -> Iterator[tuple[int, int]]:
    """Pairs of texts of which one is the other without one of its words."""
    keys = mix(whole[texts] ^ mix(lengths[texts]))
    order = np.argsort(keys, kind="stable")
    wanted = mix(without ^ mix(lengths[rows] - np.uint64(1)))
    at = np.searchsorted(keys[order], wanted)
    for step in range(NEIGHBOURS):
        inside = np.flatnonzero(at + step < len(order))
        same = inside[keys[order[at[inside] + step]] == wanted[inside]]
        if not len(same):
            return
        yield from _pairs(rows[same], texts[order[at[same] + step]])


def _pairs(a: Places, b: Places) -> Iterator[tuple[int, int]]:
    return ((min(pair), max(pair)) for pair in zip(a.tolist(), b.tolist(), strict=True) if pair[0] != pair[1])


def _difference(first: str, second: str) -> tuple[str, str] | None:
    """The one word in which two texts differ, of each; None where they differ in none or more."""
    a, b = _words(first), _words(second)
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[same:], b[same:]
    if len(a) == len(b):
        return (rest_a[0], rest_b[0]) if rest_a and rest_a[1:] == rest_b[1:] else None
    if len(a) == len(b) + 1 and rest_a[1:] == rest_b:
        return rest_a[0], ""
    return ("", rest_b[0]) if len(b) == len(a) + 1 and rest_b[1:] == rest_a else None


def _words(text: str) -> list[str]:
    tokens = tokenize([text])
    return tokens.strings(np.arange(len(tokens.start)))
