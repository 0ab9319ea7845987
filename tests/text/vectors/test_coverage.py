from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from textgraft.text.vectors import coverage, open_vectors, vector_coverage
from textgraft.text.vocabulary import Vocabulary

from .files import fasttext, glove

ROWS = np.ones((3, 2), np.float32)


def test_words_and_running_words_are_counted(tmp_path: Path) -> None:
    vectors = open_vectors(glove(tmp_path, ["the", "film", "never"], ROWS))
    found = coverage(["the", "Film", "xyz", "abc", "rare"], np.array([50, 20, 3, 7, 3]), vectors)
    assert (found.words, found.words_found, found.tokens, found.tokens_found) == (5, 2, 83, 70)
    assert found.missing == (("abc", 7), ("xyz", 3), ("rare", 3))
    assert found.share_of_tokens == pytest.approx(70 / 83)
    assert found.warning is None
    assert "70 of 83 running words (84.3%) and 2 of 5 different ones (40.0%)." in str(found)
    assert json.loads(json.dumps(found.to_dict()))["missing"][0] == ["abc", 7]


def test_vectors_that_cover_almost_nothing_are_warned_of_with_the_numbers(tmp_path: Path) -> None:
    vectors = open_vectors(glove(tmp_path, ["THE", "FILM", "a"], ROWS))
    found = coverage(["the", "film", "a"], np.array([500, 20, 30]), vectors)
    assert found.warning is not None
    for said in ("30 of 550 running words (5.5%)", "1 of 3 different", "the, film"):
        assert said in found.warning


def test_words_that_get_a_vector_from_sub_words_count_apart(tmp_path: Path) -> None:
    buckets = np.ones((10, 2), np.float32)
    vectors = open_vectors(fasttext(tmp_path, ["the", "film", "b"], ROWS, buckets, (4, 5)))
    found = coverage(["the", "films", "x"], np.array([5, 4, 3]), vectors)
    assert (found.words_found, found.words_composed) == (1, 1)
    assert "of the others 1 get one from their sub-words" in str(found)


def test_no_words_are_no_fault(tmp_path: Path) -> None:
    found = coverage([], np.zeros(0, np.int64), open_vectors(glove(tmp_path, ["a", "b", "c"], ROWS)))
    assert found.warning is None
    assert found.share_of_words == 1.0


def test_a_vocabulary_is_covered_without_its_specials(tmp_path: Path) -> None:
    path = glove(tmp_path, ["the", "film", "<unk>"], ROWS)
    vocabulary = Vocabulary.count(["the film the xyz", "rare"], max_size=3)
    for vectors in (str(path), open_vectors(path)):
        found = vector_coverage(vocabulary, vectors)
        assert (found.words, found.words_found, found.tokens, found.tokens_found) == (3, 2, 4, 3)
        assert found.missing == (("xyz", 1),)
