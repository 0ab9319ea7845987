"""Words of a file of vectors are found however their accents are written."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from textgraft.text.vectors import coverage, open_vectors

from .files import Floats, glove

WORDS = ["été", "gâteau", "한국", "bank"]
ROWS: Floats = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("asked", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_a_word_is_found_whether_its_accents_are_composed_or_not(tmp_path: Path, written: str, asked: str) -> None:
    vectors = open_vectors(glove(tmp_path, [unicodedata.normalize(written, word) for word in WORDS], ROWS))  # type: ignore[arg-type]
    words = [unicodedata.normalize(asked, word) for word in [*WORDS, "Été", "rêve"]]  # type: ignore[arg-type]
    known, rows = vectors.find(words)
    assert known.tolist() == [True] * 5 + [False]
    np.testing.assert_array_equal(rows[:5], ROWS[[0, 1, 2, 3, 0]])
    assert coverage(words, np.ones(6, np.int64), vectors).words_found == 5
