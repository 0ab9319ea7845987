"""Splitting texts into tokens."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.text.tokens import chunks, tokenize

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8)
MIXED = st.lists(st.text("abcß ÉΣ'’<>/!?:)😀👍🏽我爱カ1_\n\t", max_size=30), max_size=6)


def tokens_of(*texts: str) -> list[list[str]]:
    tokens = tokenize(texts)
    every = tokens.strings(np.arange(len(tokens)))
    return [every[i:j] for i, j in zip(tokens.indptr[:-1], tokens.indptr[1:], strict=True)]


def plain_tokens(text: str) -> list[str]:
    """The same one character at a time, the way the module's docstring says it."""

    def kind(char: str) -> str:
        if 0x3040 <= ord(char) <= 0x30FF or (0x3400 <= ord(char) <= 0x9FFF and category(char)[0] == "L"):
            return "single"
        if category(char) == "So" or ord(char) >= 0x1FFFF or 0x1F3FB <= ord(char) <= 0x1F3FF:
            return "single"
        if (category(char)[0] in "LMN" and not 0xFE00 <= ord(char) <= 0xFE0F) or char == "_":
            return "word"
        return "punctuation" if category(char)[0] in "PS" else "space"

    category = unicodedata.category
    text = re.sub("<[a-z/!][^<>]*>", " ", lower(text)).replace("’", "'")
    kinds = [kind(char) for char in text]
    for i in range(1, len(text) - 1):
        if text[i] == "'" and kind(text[i - 1]) == kind(text[i + 1]) == "word":
            kinds[i] = "word"
    found: list[str] = []
    for i, char in enumerate(text):
        if kinds[i] != "space":
            joins = i > 0 and kinds[i] == kinds[i - 1] != "single"
            found[-1:] = [found[-1] + char] if joins else [*found[-1:], char]
    return found


def lower(text: str) -> str:
    return "".join(char.lower()[0] for char in text)


@given(MIXED)
def test_the_batch_gives_what_a_plain_loop_gives(texts: list[str]) -> None:
    assert tokens_of(*texts) == [plain_tokens(text) for text in texts]


@given(TEXTS)
def test_a_texts_tokens_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    assert tokens_of(*texts) == [tokens_of(text)[0] for text in texts]


@given(TEXTS)
def test_only_white_space_control_characters_and_markup_are_lost(texts: list[str]) -> None:
    for text, tokens in zip(texts, tokens_of(*texts), strict=True):
        if "<" not in text:
            kept = [char for char in lower(text.replace("’", "'")) if unicodedata.category(char)[0] not in "ZC"]
            kept = [char for char in kept if not 0xFE00 <= ord(char) <= 0xFE0F]
            beyond = [char for char in lower(text) if ord(char) >= 0x1FFFF]
            if not beyond:
                assert "".join(tokens) == "".join(kept)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't STOP", ["don't", "stop"]),
        ("it’s", ["it's"]),
        ("'quoted'", ["'", "quoted", "'"]),
        ("great:) no!!!", ["great", ":)", "no", "!!!"]),
        ("one<br /><br />two</p>", ["one", "two"]),
        ("a < b and c > d, <3", ["a", "<", "b", "and", "c", ">", "d", ",", "<", "3"]),
        ("我爱你", ["我", "爱", "你"]),
        ("ok👍🏽👍", ["ok", "👍", "🏽", "👍"]),
        ("Привет МИР", ["привет", "мир"]),
        ("한국어 좋아", ["한국어", "좋아"]),
        ("हिन्दी", ["हिन्दी"]),
        ("\ud800x", ["x"]),
        ("", []),
    ],
)
def test_tokens_of_many_kinds_of_text(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == [tokens]


def test_markup_never_reaches_into_the_next_text() -> None:
    assert tokens_of("a <b", "c> d") == [["a", "<", "b"], ["c", ">", "d"]]


@given(st.lists(st.text(max_size=30)), st.integers(1, 50))
def test_chunks_hold_all_texts_in_order(texts: list[str], size: int) -> None:
    parts = list(chunks(texts, size))
    assert [text for part in parts for text in part] == texts
    assert all(len(part) == 1 or sum(map(len, part)) <= size for part in parts)
