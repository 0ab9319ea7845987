"""Slices that are worse are found, and those that are not are not: over simulated tables, with twenty columns."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft.analysis.moving import ALPHA, MOVES, Deviations, corrected
from textgraft.analysis.slices import Feature, find_slices

ROWS = 1_500


def table(seed: int, planted: str) -> tuple[NDArray[np.bool_], list[Feature]]:
    """Errors of a model that is right in 85 % of rows, in 60 % of those of one source or of the longest texts.

    Twenty columns of two to six values, and the quarters of two numbers, have nothing to do with it.
    """
    rng = np.random.default_rng(seed)
    source = rng.integers(5, size=ROWS)
    length = np.digitize(rng.lognormal(3, 1, ROWS), [8, 20, 50])
    worse = {"source": source == 2, "length": length == 3, "pair": (source == 2) & (length >= 2)}.get(
        planted, source < 0
    )
    wrong = rng.random(ROWS) < np.where(worse, 0.4, 0.15)
    features = [Feature("source", tuple("abcde"), source), Feature("length", ("s", "m", "l", "xl"), length)]
    for i in range(20):
        values = int(rng.integers(2, 7))
        codes = rng.choice(values, ROWS, p=rng.dirichlet(np.full(values, 3)))
        features.append(Feature(f"other {i}", tuple(map(str, range(values))), codes))
    return wrong, features


RIGHT = {"source": {("source", "c")}, "length": {("length", "xl")}, "none": set[tuple[str, str]]()}


def outcome(seed: int, planted: str, moves: int = 199) -> tuple[bool, bool, bool]:
    """Whether the planted slice is found, anything that has nothing to do with it, and a part of it besides."""
    wrong, features = table(seed, planted)
    found = [set(each.conditions) for each in find_slices(wrong, features, moves=moves, seed=seed).found]
    right = RIGHT[planted]
    false = [conditions for conditions in found if not conditions & right]
    part = [conditions for conditions in found if conditions & right and conditions != right]
    return right in found, bool(false), bool(part)


@pytest.mark.parametrize("planted", ["source", "length"])
def test_a_planted_slice_is_found_among_twenty_columns_that_are_not_worse(planted: str) -> None:
    outcomes = [outcome(seed, planted) for seed in range(2)]
    assert all(found for found, _, _ in outcomes)
    assert sum(false or part for _, false, part in outcomes) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("planted", ["source", "length", "none"])
def test_no_false_slice_is_found_in_95_of_100_simulations(planted: str) -> None:
    outcomes = np.array([outcome(seed, planted) for seed in range(1000, 1100)])
    found, false, part = outcomes.sum(axis=0).tolist()
    assert planted == "none" or found >= 95
    assert false <= 5
    assert part <= 5


def test_only_the_pair_is_named_where_only_the_pair_is_worse() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(3, size=(2, 3_000))
    wrong = rng.random(3_000) < np.where((a == 1) & (b == 1), 0.6, 0.1)
    features = [Feature("a", tuple("xyz"), a), Feature("b", tuple("xyz"), b)]
    slices = find_slices(wrong, features, moves=199).found
    assert [each.conditions for each in slices] == [(("a", "y"), ("b", "y"))]
    held = (a == 1) & (b == 1)
    assert (slices[0].rows, slices[0].wrong) == (held.sum(), wrong[held].sum())
    assert slices[0].rate.low > slices[0].elsewhere.high


def test_two_slices_are_both_found() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(4, size=(2, 3_000))
    wrong = rng.random(3_000) < 0.1 + 0.3 * (a == 0) + 0.3 * (b == 0)
    features = [Feature("a", tuple("wxyz"), a), Feature("b", tuple("wxyz"), b)]
    found = {each.conditions for each in find_slices(wrong, features, moves=199).found}
    assert {(("a", "w"),), (("b", "w"),)} <= found


def test_what_is_found_is_worse_than_all_other_rows_together() -> None:
    rng = np.random.default_rng(0)
    steps = rng.integers(4, size=4_000)
    wrong = rng.random(4_000) < np.array([0.05, 0.12, 0.25, 0.5])[steps]
    found = find_slices(wrong, [Feature("step", tuple("wxyz"), steps)], moves=99).found
    assert [each.conditions[0][1] for each in found] == ["z", "y"]
    assert all(each.rate.value > each.elsewhere.value for each in found)


@pytest.mark.parametrize("wrong", [np.zeros(50, np.bool_), np.ones(50, np.bool_), np.arange(10) < 3])
def test_what_cannot_tell_gives_nothing(wrong: NDArray[np.bool_]) -> None:
    feature = Feature("half", ("a", "b"), np.arange(len(wrong)) % 2)
    assert find_slices(wrong, [feature]).found == ()
    assert find_slices(wrong, []).tried == 0


def test_features_about_one_thing_make_no_pairs() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(2, size=(2, 400))
    features = [Feature(name, ("a", "b"), each, about="length") for name, each in zip("xy", codes, strict=True)]
    assert find_slices(rng.random(400) < 0.3, features, moves=9).tried == 4


@pytest.mark.parametrize("seed", range(8))
def test_errors_are_moved_only_as_long_as_something_could_still_be_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wrong = rng.random(400) < 0.3
    held = rng.random((400, 12)) < 0.2
    held[:, 0] |= wrong & (rng.random(400) < 0.06 * (seed % 4))
    deviations = Deviations(lambda rows: held[rows].sum(axis=0), wrong, np.zeros(400, np.int64))
    some = deviations.largest_when_moved(MOVES, np.random.default_rng(0), "moving")
    deviations.seen, seen = np.full(12, np.inf), deviations.seen  # nothing is ever as large, so no move is left out
    every = deviations.largest_when_moved(MOVES, np.random.default_rng(0), "moving")
    assert len(every) == MOVES
    assert (every[: len(some)] == some).all()
    found = [corrected(seen, largest) <= ALPHA for largest in (some, every)]
    assert (found[0] == found[1]).all()
    assert len(some) == MOVES or not found[1].any()
