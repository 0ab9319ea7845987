"""Thresholds of multi-label tasks, tuned on validation data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit

from textgraft.evaluation.thresholds import tune_thresholds

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Scored = tuple[Floats, Bools]

LEAST, MOST = 1.2e-38, np.float32(0.99999994)  # lower thresholds and scores are 0 to some processors
# the ends of float32 and its closest neighbours, and few enough values for ties
AWKWARD = (0.0, 1e-45, 1e-9, 0.25, 0.5, 0.50000006, 0.75, 0.9, 0.99999994, 1.0)


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    n, k = draw(st.integers(1, 25)), draw(st.integers(1, 4))
    values = st.sampled_from(AWKWARD) | st.floats(0, 1, width=32)
    probabilities = draw(st.lists(values, min_size=n * k, max_size=n * k))
    targets = draw(st.lists(st.booleans(), min_size=n * k, max_size=n * k))
    return np.array(probabilities, np.float32).reshape(n, k), np.array(targets).reshape(n, k)


def world(n: int, seed: int, *, off: float = 0.0, k: int = 6) -> Scored:
    """Labels of 3 to 40 % with true probabilities, which are then bent for each label by ``off``."""
    rng = np.random.default_rng(seed)
    odds = np.linspace(-4, -0.5, k) + rng.standard_normal((n, k)) * 2
    targets = rng.random((n, k)) < expit(odds)
    return expit(odds + off * np.array([1, -1] * (k // 2))).astype(np.float32), targets


def micro_f1(probabilities: Floats, targets: Bools, thresholds: Any) -> float:
    predicted = probabilities >= np.asarray(thresholds, np.float32)
    return float(2 * (predicted & targets).sum() / max(1, predicted.sum() + targets.sum()))


@settings(max_examples=50)
@given(scored())
def test_no_other_single_threshold_is_better_than_the_global_one(data: Scored) -> None:
    probabilities, targets = data
    tuned = micro_f1(probabilities, targets, tune_thresholds(*data, "global"))
    others = np.clip(np.concatenate((probabilities.ravel(), np.linspace(0, 1, 101))), LEAST, MOST)
    assert tuned >= max(micro_f1(probabilities, targets, one) for one in others)


@pytest.mark.parametrize("how", ["label", "global"])
@settings(max_examples=50)
@given(data=scored())
def test_thresholds_are_float32_within_0_and_1(data: Scored, how: Any) -> None:
    thresholds = tune_thresholds(*data, how)
    assert thresholds.dtype == np.float32
    assert thresholds.shape == (data[0].shape[1],)
    assert ((thresholds > 0) & (thresholds < 1)).all()


@pytest.mark.parametrize("how", ["label", "global"])
@settings(max_examples=50)
@given(data=scored(), order=st.randoms(use_true_random=False))
def test_order_of_rows_plays_no_part(data: Scored, order: Any, how: Any) -> None:
    rows = list(range(len(data[0])))
    order.shuffle(rows)
    assert tune_thresholds(data[0][rows], data[1][rows], how).tolist() == tune_thresholds(*data, how).tolist()


@settings(max_examples=50)
@given(scored())
def test_global_predictions_depend_on_the_order_of_the_scores_alone(data: Scored) -> None:
    assume(data[1].any())  # else nothing can be learnt
    probabilities = np.clip(data[0], LEAST, MOST)  # 0 can never be reached, 1 always is
    values, ranks = np.unique(probabilities, return_inverse=True)
    stretched = np.linspace(0.1, 0.7, len(values), dtype=np.float32)[ranks].reshape(probabilities.shape)
    before = probabilities >= tune_thresholds(probabilities, data[1], "global")
    assert (before == (stretched >= tune_thresholds(stretched, data[1], "global"))).all()


@settings(max_examples=50)
@given(scored())
def test_global_threshold_lies_between_scores_not_on_one(data: Scored) -> None:
    probabilities = (np.round(data[0] * 20) / 20).astype(np.float32)
    threshold = tune_thresholds(probabilities, data[1], "global")[0]
    assert np.abs(probabilities - threshold).min() > 0.001 or not data[1].any()


def test_the_threshold_of_calibrated_scores_is_half_of_the_best_f1() -> None:
    probabilities, targets = world(50_000, 0)
    threshold = tune_thresholds(probabilities, targets, "global")
    assert threshold[0] == pytest.approx(micro_f1(probabilities, targets, threshold) / 2, abs=0.02)


def gains(seeds: int, off: float) -> list[float]:
    """What thresholds by label bring over the global one in micro-F1 on new rows, each time tuned on 300."""
    found = []
    for seed in range(seeds):
        tuning, new = world(300, seed, off=off), world(10_000, 100 + seed, off=off)
        found.append(
            micro_f1(*new, tune_thresholds(*tuning, "label")) - micro_f1(*new, tune_thresholds(*tuning, "global"))
        )
    return found


def test_thresholds_by_label_win_on_new_rows_where_labels_are_scored_differently() -> None:
    assert min(gains(5, off=1.0)) > 0.02


def test_thresholds_by_label_cost_less_than_half_a_point_where_one_would_do() -> None:
    assert np.mean(gains(10, off=0.0)) > -0.005  # the best cut of each label on its own rows costs twice that


def test_thresholds_by_label_undo_what_was_done_to_each_label() -> None:
    probabilities, targets = world(20_000, 0)
    bent = expit(logit(probabilities.astype(np.float64)) * [1, 2, 0.5, 1, 1.5, 1] + [1, 0, -1, 2, 0, -2]).astype("f4")
    straight = probabilities >= tune_thresholds(probabilities, targets, "label")
    assert (straight == (bent >= tune_thresholds(bent, targets, "label"))).mean() > 0.995


def test_many_rows_are_summed_up_without_loss() -> None:
    few, many = world(4_000, 0, off=1.0), world(4_000, 0, off=1.0)
    repeated = tune_thresholds(np.repeat(many[0], 5, axis=0), np.repeat(many[1], 5, axis=0), "label")
    assert tune_thresholds(*few, "label") == pytest.approx(repeated, abs=0.02)


@pytest.mark.parametrize("carried", [True, False])
def test_a_label_that_all_or_no_rows_carry_keeps_the_global_threshold(carried: bool) -> None:
    probabilities, targets = world(300, 0, off=1.0)
    targets[:, 2] = carried
    by_label = tune_thresholds(probabilities, targets, "label")
    assert by_label[2] == tune_thresholds(probabilities, targets, "global")[2]
    assert len(set(by_label.tolist())) == 6


def test_one_label_alone_gets_its_best_threshold() -> None:
    probabilities, targets = world(300, 0, k=2)
    alone = probabilities[:, :1], targets[:, :1]
    assert tune_thresholds(*alone, "label") == tune_thresholds(*alone, "global")


@pytest.mark.parametrize("how", ["label", "global"])
@pytest.mark.parametrize("n", [0, 5])
def test_thresholds_are_one_half_where_nothing_can_be_learnt(n: int, how: Any) -> None:
    probabilities = np.full((n, 3), 0.2, np.float32)
    assert tune_thresholds(probabilities, np.zeros((n, 3), np.int8), how).tolist() == [0.5, 0.5, 0.5]


def test_targets_may_be_numbers_or_truth_values() -> None:
    probabilities, targets = world(300, 0)
    expected = tune_thresholds(probabilities, targets, "label").tolist()
    assert tune_thresholds(probabilities, targets.astype(np.int8), "label").tolist() == expected


@pytest.mark.parametrize("how", [0.3, 1e-60, 1 - 1e-16])
def test_a_number_is_taken_as_it_is_but_within_0_and_1_as_float32(how: float) -> None:
    thresholds = tune_thresholds(*world(10, 0), how)
    assert thresholds == pytest.approx([how] * 6)
    assert ((thresholds > 0) & (thresholds < 1)).all()


@settings(max_examples=50)
@given(data=scored(), seed=st.integers(0, 9))
def test_a_row_of_weight_3_is_that_row_three_times(data: Scored, seed: int) -> None:
    probabilities, targets = data
    times = np.random.default_rng(seed).integers(1, 4, len(targets))
    weighed = tune_thresholds(*data, "global", times.astype(float))
    repeated = np.repeat(probabilities, times, axis=0), np.repeat(targets, times, axis=0)
    best = micro_f1(*repeated, tune_thresholds(*repeated, "global"))
    assert micro_f1(*repeated, weighed) == pytest.approx(best)


@pytest.mark.parametrize("how", ["label", "global"])
@settings(max_examples=50)
@given(data=scored())
def test_weights_that_are_alike_change_nothing(data: Scored, how: Any) -> None:
    expected = tune_thresholds(*data, how).tolist()
    assert tune_thresholds(*data, how, np.ones(len(data[1]))).tolist() == expected
    assert tune_thresholds(*data, how, np.full(len(data[1]), 4.0)).tolist() == expected


def test_heavy_rows_tune_the_thresholds() -> None:
    one, other = world(3000, 0), world(3000, 1, off=2)
    both = np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1]))
    for first, alone in ((1e6, one), (1e-6, other)):
        weighed = tune_thresholds(*both, "label", np.repeat([first, 1.0], 3000))
        np.testing.assert_allclose(weighed, tune_thresholds(*alone, "label"), atol=0.06)
