from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from textgraft.errors import SettingError
from textgraft.text.vectors import WordVectors, embedding_matrix, open_vectors

from .files import Floats, glove

WORDS = [f"w{i}" for i in range(40)]
STRANGERS = [f"unknown{i}" for i in range(3000)]
ROWS: Floats = np.random.default_rng(0).normal([1, -2, 0], [0.1, 1, 3], (40, 3)).astype(np.float32)


@pytest.fixture
def vectors(tmp_path: Path) -> WordVectors:
    return open_vectors(glove(tmp_path, WORDS, ROWS))


def test_found_words_have_their_vectors_whatever_unknown_ones_get(vectors: WordVectors) -> None:
    words = ["x", *WORDS[::-1], "y"]
    for unknown, filled in (("zero", np.zeros(3)), ("mean", ROWS.mean(axis=0))):
        matrix = embedding_matrix(words, vectors, unknown=unknown)  # type: ignore[arg-type]
        assert matrix.dtype == np.float32
        np.testing.assert_array_equal(matrix[1:-1], ROWS[::-1])
        np.testing.assert_allclose(matrix[[0, -1]], [filled, filled], atol=1e-6)


def test_draws_have_the_mean_and_spread_of_the_found(vectors: WordVectors) -> None:
    drawn = embedding_matrix([*WORDS, *STRANGERS], vectors, unknown="normal", seed=1)[40:]
    np.testing.assert_allclose(drawn.mean(axis=0), ROWS.mean(axis=0), atol=4 * ROWS.std(axis=0).max() / 3000**0.5)
    np.testing.assert_allclose(drawn.std(axis=0), ROWS.std(axis=0), rtol=0.06)
    standard = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    assert np.abs(np.corrcoef(standard.T) - np.eye(3)).max() < 0.08  # components are drawn apart
    assert len(np.unique(drawn)) > 0.99 * drawn.size


def test_a_draw_depends_on_the_word_and_the_seed_alone(vectors: WordVectors) -> None:
    first = embedding_matrix([*WORDS, "x", "y"], vectors, unknown="normal", seed=7)
    other = embedding_matrix(["y", "z", *WORDS, "x"], vectors, unknown="normal", seed=7)
    np.testing.assert_allclose(first[-2:], other[[-1, 0]], atol=1e-6)
    assert not np.array_equal(first[-2:], embedding_matrix([*WORDS, "x", "y"], vectors, unknown="normal", seed=8)[-2:])


def test_draws_do_not_depend_on_the_process(said_by_processes: Callable[[str], set[str]]) -> None:
    code = "from textgraft.text.vectors.embedding import _normal; print(_normal(['x', 'é'], 3, 5).tolist())"
    assert len(said_by_processes(code)) == 1


def test_nothing_found_and_nothing_asked(vectors: WordVectors) -> None:
    assert not embedding_matrix(["x"], vectors, unknown="mean").any()
    assert np.abs(embedding_matrix(STRANGERS, vectors, unknown="normal").std() - 3**-0.5) < 0.02
    assert embedding_matrix([], vectors).shape == (0, 3)
    with pytest.raises(SettingError, match="one of zero, mean, normal; got 'means'"):
        embedding_matrix(["x"], vectors, unknown="means")  # type: ignore[arg-type]
