"""The vocabulary of a network, and texts as word numbers."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import ArtifactError, SettingError
from textgraft.text import tokenize
from textgraft.text.tokenizers import tokenizer
from textgraft.text.vocabulary import PAD, UNKNOWN, Vocabulary

basic_english = tokenizer("basic_english")
WORDS = ["red", "blue", "niño", "我", "👍", "<unk>", "<pad>", "!", "\ud800"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=6)


def plain_words(texts: list[str], max_size: int | None, min_count: int) -> dict[str, int]:
    counts = Counter(word for text in texts for word in text.split() if word not in ("<pad>", "<unk>"))
    return {word: count for word, count in counts.most_common(max_size) if count >= min_count}


@given(TEXTS, st.none() | st.integers(0, 5), st.integers(1, 3))
def test_words_are_kept_and_counted_as_a_plain_loop_does(
    texts: list[str], max_size: int | None, min_count: int
) -> None:
    vocabulary = Vocabulary.count(texts, basic_english, max_size=max_size, min_count=min_count)
    expected = plain_words(texts, max_size, min_count)  # a Counter, too, has the first seen of equal ones first
    assert vocabulary.words == ["<pad>", "<unk>", *expected]
    others = sum(len(text.split()) for text in texts) - sum(expected.values())
    assert vocabulary.frequencies.tolist() == [0, others, *expected.values()]


@given(TEXTS, st.integers(0, 4), st.none() | st.integers(1, 5))
def test_every_text_becomes_the_numbers_of_its_first_words(
    texts: list[str], max_size: int, max_tokens: int | None
) -> None:
    vocabulary = Vocabulary.count(texts, basic_english, max_size=max_size)
    windows = vocabulary.numericalise(texts, basic_english, max_tokens)
    number = {word: i for i, word in enumerate(vocabulary.words) if i > UNKNOWN}
    expected = [[number.get(word, UNKNOWN) for word in text.split()][:max_tokens] or [UNKNOWN] for text in texts]
    assert [row.tolist() for row in windows.ids] == expected
    assert all(row.dtype == np.int32 for row in windows.ids)
    assert windows.cut.tolist() == [max_tokens is not None and len(text.split()) > max_tokens for text in texts]
    assert windows.text.tolist() == list(range(len(texts)))
    assert windows.weight.tolist() == [1.0] * len(texts)


def test_many_texts_are_counted_and_numbered_as_few() -> None:
    rng = random.Random(0)
    words = [f"w{i}" for i in range(3000)]
    texts = [" ".join(rng.choices(words, range(1, 3001), k=rng.randrange(400))) for _ in range(700)]
    assert sum(map(len, texts)) > 1 << 19  # more than is tokenised at once
    vocabulary = Vocabulary.count(texts, basic_english, max_size=1000, min_count=2)
    assert dict(zip(vocabulary.words[2:], vocabulary.frequencies[2:].tolist(), strict=True)) == plain_words(
        texts, 1000, 2
    )
    windows = vocabulary.numericalise(texts, basic_english, 300)
    number = {word: i for i, word in enumerate(vocabulary.words)}
    for text, row, cut in zip(texts, windows.ids, windows.cut, strict=True):
        assert row.tolist() == ([number.get(word, UNKNOWN) for word in text.split()][:300] or [UNKNOWN])
        assert cut == (len(text.split()) > 300)


def test_no_token_is_ever_padding() -> None:
    vocabulary = Vocabulary.count(["<pad> <unk> word"], basic_english)
    assert vocabulary.words == ["<pad>", "<unk>", "word"]
    assert vocabulary.frequencies.tolist() == [0, 2, 1]
    assert vocabulary.numbers(basic_english(["<pad> <unk> word"])).tolist() == [UNKNOWN, UNKNOWN, 2]
    assert PAD not in np.concatenate(vocabulary.numericalise(["<pad>", ""], basic_english).ids)


def test_a_vocabulary_of_only_specials_works(tmp_path: Path) -> None:
    Vocabulary.count(["some words"], basic_english, max_size=0).save(tmp_path / "words.json")
    vocabulary = Vocabulary.read(tmp_path / "words.json")
    assert vocabulary.frequencies.tolist() == [0, 2]
    assert [row.tolist() for row in vocabulary.numericalise(["some words", ""], basic_english).ids] == [[1, 1], [1]]


def test_a_saved_vocabulary_is_read_as_it_was(tmp_path: Path) -> None:
    vocabulary = Vocabulary.count([" ".join(WORDS), "red \ud83d\ude00 😀 \\n \\ud800"], basic_english)
    vocabulary.save(tmp_path / "words.json")
    vocabulary.save(str(tmp_path / "words.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["words.json"]
    again = Vocabulary.read(tmp_path / "words.json")
    assert again.words == vocabulary.words
    assert again.frequencies.tolist() == vocabulary.frequencies.tolist()
    tokens = basic_english([" ".join(WORDS)])
    assert again.numbers(tokens).tolist() == vocabulary.numbers(tokens).tolist()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"words": ["<pad>", "<u', "damaged"),
        (b"\xff\xfe\x00", "damaged"),
        (b"[" * 100_000, "damaged"),
        ([], "words and frequencies"),
        ({"words": ["<pad>", "<unk>"]}, "words and frequencies"),
        ({"words": "<pad>", "frequencies": [0, 0]}, "list of strings"),
        ({"words": ["<pad>", "<unk>", 3], "frequencies": [0, 0, 1]}, "list of strings"),
        ({"words": [], "frequencies": []}, "begin"),
        ({"words": ["<unk>", "<pad>", "a"], "frequencies": [0, 0, 1]}, "begin"),
        ({"words": ["<pad>", "<unk>", "b", "a", "b"], "frequencies": [0, 0, 1, 1, 1]}, "'b' more than once"),
        ({"words": ["<pad>", "<unk>", "a"], "frequencies": [0, 0, 1.5]}, "whole numbers"),
        ({"words": ["<pad>", "<unk>", "a"], "frequencies": [0, 0, -1]}, "whole numbers"),
        ({"words": ["<pad>", "<unk>", "a"], "frequencies": [0, 0, 1 << 63]}, "whole numbers"),
        ({"words": ["<pad>", "<unk>", "a"], "frequencies": None}, "whole numbers"),
        ({"words": ["<pad>", "<unk>", "a"], "frequencies": [0, 1]}, "3 words and 2 frequencies"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: object, told: str) -> None:
    path = tmp_path / "words.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(ArtifactError, match=told) as caught:
        Vocabulary.read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no vocabulary"):
        Vocabulary.read(tmp_path / "words.json")


@pytest.mark.parametrize("wrong", [{"max_size": -1}, {"min_count": 0}])
def test_wrong_sizes_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Vocabulary.count(["a"], basic_english, **wrong)
    with pytest.raises(SettingError, match="max_tokens is 0"):
        Vocabulary.count(["a"], basic_english).numericalise(["a"], basic_english, 0)


@given(TEXTS, st.integers(0, 4))
def test_ids_and_tokens_go_both_ways(texts: list[str], max_size: int) -> None:
    vocabulary = Vocabulary.count(texts, "basic_english", max_size=max_size)
    every = list(range(len(vocabulary)))
    assert vocabulary.tokens(every) == vocabulary.words
    assert vocabulary.ids(vocabulary.words).tolist() == every
    assert (vocabulary.pad_id, vocabulary.unknown_id) == (PAD, UNKNOWN)
    for word in [*WORDS, "", "never seen"]:
        known = word in vocabulary.words
        assert (word in vocabulary) == known
        assert vocabulary.tokens(vocabulary.ids([word])) == [word if known else "<unk>"]
    for text in texts:
        split = tokenize(text, "basic_english")
        numbers = [UNKNOWN if word == "<pad>" else i for word, i in zip(split, vocabulary.ids(split), strict=True)]
        assert numbers == vocabulary.numbers(basic_english([text])).tolist()


@given(TEXTS)
def test_the_most_common_words_are_those_of_a_counter(texts: list[str]) -> None:
    vocabulary = Vocabulary.count(texts, "basic_english")
    assert vocabulary.most_common(3) == list(plain_words(texts, 3, 1).items())
    assert vocabulary.most_common(0) == []


@pytest.mark.parametrize(
    ("ids", "told"), [([3], "from 0 to 2"), ([-1], "from 0 to 2"), ([[0]], "one row"), ([0.5], "whole numbers")]
)
def test_numbers_without_a_word_are_refused(ids: list[int], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        Vocabulary.count(["a"]).tokens(ids)
    assert Vocabulary.count(["a"]).tokens([]) == []


def test_one_string_is_neither_texts_nor_tokens() -> None:
    with pytest.raises(SettingError, match="brackets"):
        Vocabulary.count("a film")
    with pytest.raises(SettingError, match="list of tokens"):
        Vocabulary.count(["a film"]).ids("a film")
    with pytest.raises(SettingError, match="one text apart"):
        tokenize(["a film"])  # type: ignore[arg-type]


def test_a_vocabulary_shows_itself() -> None:
    assert repr(Vocabulary.count(["a film a"])) == "Vocabulary(4 words: '<pad>', '<unk>', 'a', 'film')"
