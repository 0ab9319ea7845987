"""Hashing pieces of text and finding hashes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.characters import hash_strings
from textgraft.text.hashing import BASE, HashIndex, hash_pieces

WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEYS = st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=200)


def plain_hash(text: str) -> int:
    """The polynomial and the finaliser of splitmix64 with Python's own integers."""
    cut = 2**64 - 1
    value = sum(ord(char) * pow(BASE, j, 2**64) for j, char in enumerate(text)) & cut
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & cut
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & cut
    return value ^ (value >> 31)


@given(st.lists(WORD))
def test_hashes_are_those_of_plain_arithmetic(words: list[str]) -> None:
    assert hash_strings(words).tolist() == [plain_hash(word) for word in words]


@given(WORD, WORD, WORD)
def test_a_piece_hashes_the_same_wherever_it_stands(before: str, word: str, after: str) -> None:
    codes = np.array([ord(char) for char in before + word + after], np.uint32)
    start = np.array([len(before)])
    assert hash_pieces(codes, start, start + len(word)).tolist() == hash_strings([word]).tolist()


@given(KEYS, KEYS)
def test_index_finds_every_key_and_nothing_else(keys: list[int], others: list[int]) -> None:
    index = HashIndex(np.array(keys, np.uint64))
    queries = np.array(keys + others, np.uint64)
    assert index.find(queries).tolist() == [keys.index(key) if key in keys else -1 for key in keys + others]


@given(st.integers(1, 300))
def test_index_finds_keys_that_crowd_into_one_place(n: int) -> None:
    keys = np.arange(n, dtype=np.uint64) + np.uint64(2**64 - n)  # the last slot: probing goes round
    np.testing.assert_array_equal(HashIndex(keys).find(keys), np.arange(n))


def test_hashes_do_not_depend_on_the_process(said_by_processes: Callable[[str], set[str]]) -> None:
    code = "from textgraft.text.characters import hash_strings; print(hash_strings(['déjà vu', '我']).tolist())"
    found = said_by_processes(code)
    assert len(found) == 1
    assert found == {f"{hash_strings(['déjà vu', '我']).tolist()}\n"}
