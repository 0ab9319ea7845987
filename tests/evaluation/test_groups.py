from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft.evaluation import evaluate_predictions
from textgraft.evaluation.groups import worth_of_rows
from textgraft.evaluation.inputs import Predictions, check_predictions

from .problems import names


def predictions(right: np.ndarray) -> Predictions:
    truth = np.arange(len(right)) % 2
    return check_predictions(np.eye(2, dtype=np.float32)[np.where(right, truth, 1 - truth)], truth, names(2))


def test_rows_that_stand_alone_are_worth_one_each() -> None:
    assert worth_of_rows(predictions(np.arange(50) < 30), np.arange(50)) == 1


def test_copies_of_a_row_are_worth_one_together() -> None:
    right = np.repeat(np.random.default_rng(0).random(200) < 0.7, 5)
    assert worth_of_rows(predictions(right), np.arange(1000) // 5) == pytest.approx(1 / 5, rel=0.05)


def test_groups_without_anything_in_common_cost_little() -> None:
    right = np.random.default_rng(0).random(4000) < 0.7
    assert worth_of_rows(predictions(right), np.arange(4000) // 4) > 0.85


@pytest.mark.parametrize("right", [True, False])
def test_where_all_rows_are_right_a_group_counts_as_one_row(right: bool) -> None:
    worth = worth_of_rows(predictions(np.full(400, right)), np.arange(400) // 10)
    assert worth * 400 == pytest.approx(40, rel=0.1)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 12))
def test_rows_are_worth_something_and_at_most_one(seed: int, groups: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    of_row = np.unique(rng.integers(0, groups, groups * size), return_inverse=True)[1]
    assert 0 < worth_of_rows(predictions(rng.random(len(of_row)) < rng.random()), of_row) <= 1


def test_intervals_cover_where_authors_differ() -> None:
    """Authors whose texts are told with another accuracy each: of rows taken for independent, intervals miss often."""
    covered, missed = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        of_author = rng.beta(3.2, 0.8, 40)
        groups = np.repeat(np.arange(40), 10)
        plain = predictions(rng.random(400) < of_author[groups])
        worth = worth_of_rows(plain, groups)
        for found, each in (("clustered", Predictions(**vars(plain) | {"worth": worth})), ("plain", plain)):
            interval = evaluate_predictions(each, resamples=100).metrics["accuracy"]
            holds = interval.low <= 0.8 <= interval.high
            covered += holds and found == "clustered"
            missed += not holds and found == "plain"
    assert covered >= 180
    assert missed > 30
