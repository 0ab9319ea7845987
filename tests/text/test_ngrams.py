"""Counting word and character n-grams."""

from __future__ import annotations

from collections import Counter
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from textgraft.text.characters import CharacterNgrams, occurrences
from textgraft.text.ngrams import WordNgrams

TEXTS = st.lists(st.lists(st.sampled_from(["a", "bc", "déf", "我", "x", "<unk"]), max_size=9).map(" ".join), min_size=1)


def plain_ngrams(text: str, longest: int) -> Counter[str]:
    words = text.replace("<", "< ").split()
    return Counter(" ".join(words[i : i + n]) for n in range(1, longest + 1) for i in range(len(words) - n + 1))


@settings(max_examples=60)
@given(TEXTS, st.integers(1, 4), st.integers(1, 3))
def test_fit_keeps_and_counts_what_a_plain_loop_does(texts: list[str], longest: int, min_count: int) -> None:
    ngrams, counts = WordNgrams.fit(texts, longest, min_count, 1000)
    plain = [plain_ngrams(text, longest) for text in texts]
    frequency = Counter(gram for text in plain for gram in text)
    grams = ngrams.grams()
    assert sorted(grams) == sorted(gram for gram, count in frequency.items() if count >= min_count)
    expected = [[1 + log(text[gram]) if gram in text else 0 for gram in grams] for text in plain]
    found = np.hstack((counts.words.csr().toarray(), counts.longer.csr().toarray()))
    np.testing.assert_allclose(found, np.reshape(expected, found.shape), rtol=1e-6)
    idf = [log((1 + len(texts)) / (1 + frequency[gram])) + 1 for gram in grams]
    np.testing.assert_allclose(ngrams.idf, idf, rtol=1e-6)


@settings(max_examples=60)
@given(TEXTS, st.integers(1, 3), st.integers(1, 3))
def test_counting_again_gives_what_fitting_gave(texts: list[str], longest: int, min_count: int) -> None:
    ngrams, fitted = WordNgrams.fit(texts, longest, min_count, 1000)
    counts = ngrams.count_all(texts)
    np.testing.assert_array_equal(counts.words.csr().toarray(), fitted.words.csr().toarray())
    np.testing.assert_array_equal(counts.longer.csr().toarray(), fitted.longer.csr().toarray())
    assert set(counts.strange) == set(fitted.strange)


def test_unknown_words_of_any_number_of_batches_keep_their_texts() -> None:
    ngrams, _ = WordNgrams.fit(["red blue", "red blue"], 2, 1, 10)
    texts = ["green " * 50_000, "", "blue grey grey", "red blue"] * 6  # the long ones fill a batch each
    counts = ngrams.count_all(texts)
    found = [
        Counter({counts.strange[column]: round(exp(value - 1)) for column, value in enumerate(row) if value})
        for row in counts.unknown.csr().toarray().tolist()
    ]
    assert found == [Counter(green=50_000), Counter(), Counter(grey=2), Counter()] * 6
    assert len(counts.strange) > 2  # a word of several batches is there several times
    np.testing.assert_array_equal(counts.longer.csr().toarray()[:, 0], [0, 0, 0, 1] * 6)


def test_most_frequent_ngrams_are_kept() -> None:
    texts = ["red blue", "red blue", "red green", "red blue green"]
    ngrams, _ = WordNgrams.fit(texts, 2, 1, 2)
    assert sorted(ngrams.grams()) == ["blue", "red", "red blue"]


@settings(max_examples=60)
@given(st.lists(st.text("abcdé我", min_size=2, max_size=8), unique=True, min_size=1), st.integers(1, 3))
def test_character_ngrams_are_those_of_char_wb(words: list[str], first: int) -> None:
    found = occurrences(words, (first, 5))
    text = found.codes.tobytes().decode("utf-32-le")
    mine = [Counter[str]() for _ in words]
    for word, start, stop in zip(found.word, found.start, found.stop, strict=True):
        mine[word][text[start:stop]] += 1
    analyse = CountVectorizer(analyzer="char_wb", ngram_range=(first, 5), lowercase=False).build_analyzer()
    for word, counts in zip(words, mine, strict=True):
        theirs = Counter(analyse(word))
        for gram in theirs:  # a word shorter than n stands there once for all n
            theirs[gram] = counts[gram] if gram == f" {word} " else theirs[gram]
        assert counts == theirs


def test_character_ngrams_of_few_texts_are_left_out() -> None:
    texts = ["walking talking", "talking", "sleep"]
    words, counts = WordNgrams.fit(texts, 1, 1, 100)
    characters, weights = CharacterNgrams.fit(words.words, counts.words.csr(), (3, 4), 2, 100)
    assert "alk" in characters.grams  # two words, two texts
    assert " wa" not in characters.grams
    assert weights.shape == (3, len(characters))
    np.testing.assert_array_equal(characters.weigh(words.words).csr().toarray(), weights.csr().toarray())


@pytest.mark.parametrize("texts", [[""], ["", " "], ["!"], ["\ud800"]])
def test_texts_without_words_are_counted_as_empty(texts: list[str]) -> None:
    ngrams, counts = WordNgrams.fit(texts, 2, 2, 10)
    assert len(ngrams) == 0
    assert counts.longer.shape == (len(texts), 0)
    assert ngrams.count(["some word"]).strange in (["some", "word"], ["word", "some"])
