"""Tests of counts against a sketch: they hold for few rows and rare alarms, and find what has changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import SettingError
from textgraft.evaluation.drift import bounded, calibrated_by_chance, permuted


def _draws(shares: list[float], rows: int, of_sketch: int, times: int) -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    return [(random.multinomial(rows, shares), random.multinomial(of_sketch, shares)) for _ in range(times)]


@pytest.mark.parametrize("of_sketch", [40, 400, 10_000])
@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.1] * 10, [0.9, 0.09, 0.009, 0.001]])
def test_where_nothing_has_changed_low_p_values_are_as_rare_as_they_say(shares: list[float], of_sketch: int) -> None:
    draws = _draws(shares, 200, of_sketch, 2_000)
    p = np.array([bounded(new, known).p_value for new, known in draws])
    for level in (0.3, 0.1, 0.01):
        assert (p <= level).mean() <= level + 3 * (level / len(p)) ** 0.5


def test_p_values_of_random_draws_are_uniform() -> None:
    draws = _draws([0.25] * 4, 150, 300, 300)
    p = np.array([permuted(new, known, draws=199).p_value for new, known in draws])
    assert (p <= 0.1).mean() == pytest.approx(0.1, abs=0.06)
    assert (p <= 0.5).mean() == pytest.approx(0.5, abs=0.1)


def test_a_change_has_a_p_value_that_is_rare_enough_for_years() -> None:
    found = bounded(np.array([300, 700]), np.array([5_000, 5_000]))
    assert found.p_value < 1e-12
    assert found.distance == pytest.approx(0.2)


def test_a_sketch_of_few_rows_makes_nothing_sure() -> None:
    assert bounded(np.array([600, 400]), np.array([10, 10])).p_value == 1.0
    assert bounded(np.array([600, 400]), np.array([10_000, 10_000])).p_value < 1e-5


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=8))
def test_any_counts_have_a_p_value_and_a_distance(pairs: list[tuple[int, int]]) -> None:
    new, known = np.array(pairs).T
    for found in (bounded(new, known), permuted(new, known, draws=19)):
        assert 0 <= found.p_value <= 1
        assert 0 <= found.distance <= 1


@given(st.lists(st.integers(0, 1_000), min_size=2, max_size=6))
def test_the_same_shares_are_no_change(counts: list[int]) -> None:
    found = bounded(np.array(counts), np.array(counts) * 3)
    assert found.p_value == 1.0
    assert found.distance == pytest.approx(0)


def test_counts_of_other_categories_are_refused() -> None:
    with pytest.raises(SettingError, match="same categories"):
        bounded(np.array([1, 2]), np.array([1, 2, 3]))


def test_answers_that_are_as_right_as_they_are_sure_are_told_from_others() -> None:
    sure = np.linspace(0.5, 1, 1_000)
    assert calibrated_by_chance(sure, 750) > 0.5
    assert calibrated_by_chance(sure, 650) < 0.001
    assert calibrated_by_chance(sure, 850) < 0.001
