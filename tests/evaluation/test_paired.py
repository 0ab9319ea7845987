from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest

from textgraft.errors import DataError
from textgraft.evaluation import Metric, compare_paired, evaluate_probabilities
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.paired import compare_predictions

from .problems import multi_label, names, single_label


def with_accuracy(y: NDArray[Any], accuracy: float, seed: int) -> NDArray[np.float32]:
    """Probabilities of a two-label task that are right this often, each row by itself."""
    right = np.random.default_rng(seed).random(len(y)) < accuracy
    return np.eye(2, dtype=np.float32)[np.where(right, y, 1 - y)]


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_equal_predictions_have_a_p_value_of_one(problem: Any) -> None:
    task, p, y = problem(200, 3)
    test = compare_paired(p, p, y, task)
    assert (test.difference.value, test.difference.low, test.difference.high) == (0, 0, 0)
    assert test.p_value == test.mcnemar == 1


@pytest.mark.parametrize("metric", [None, "f1_macro", "log_loss", "roc_auc"])
def test_the_difference_is_that_of_the_two_evaluations(metric: str | None) -> None:
    task, a, y = single_label(300, 3, signal=2.0)
    b = single_label(300, 3, signal=0.5)[1]
    test = compare_paired(a, b, y, task, metric=metric)
    values = [evaluate_probabilities(p, y, task, resamples=100).metrics[test.metric].value for p in (a, b)]
    assert test.difference.value == pytest.approx(values[0] - values[1])
    assert test.difference.low < test.difference.value < test.difference.high
    assert test.p_value < 0.01
    back = compare_paired(b, a, y, task, metric=metric)
    assert back.difference.value == -test.difference.value
    assert back.p_value == pytest.approx(test.p_value, abs=1e-3)


def test_a_p_value_is_never_zero() -> None:
    y = np.arange(400) % 2
    test = compare_paired(with_accuracy(y, 1, 0), with_accuracy(y, 0.5, 1), y, names(2), resamples=100)
    assert test.p_value == 0.5 / 101


@pytest.mark.parametrize(("n", "metric"), [(30, "f1_macro"), (300, "accuracy"), (30, "log_loss"), (30, "roc_auc")])
def test_p_values_are_uniform_where_nothing_differs(n: int, metric: str) -> None:
    p_values = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, n)
        y[:2] = 0, 1
        share = 1 / (1 + np.exp(-1.5 * (2 * y - 1) - rng.normal(0, 1.5, (2, n))))
        a, b = (np.stack((1 - of, of), axis=1) for of in share)
        p_values.append(compare_paired(a, b, y, names(2), metric=metric, seed=seed, resamples=200).p_value)
    for level, slack in ((0.05, 0.035), (0.5, 0.08)):
        assert np.mean(np.array(p_values) < level) == pytest.approx(level, abs=slack)


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "log_loss", "ece", "roc_auc", "average_precision"])
def test_the_interval_has_a_width_and_agrees_with_the_test(metric: str) -> None:
    for seed in range(10):
        task, a, y = single_label(40, 3, seed, signal=2.0)
        b = single_label(40, 3, seed + 100, signal=2.0)[1]
        test = compare_paired(a, b, y, task, metric=metric, resamples=200)
        assert test.difference.low < test.difference.high
        assert test.difference.low <= test.difference.value <= test.difference.high
        assert test.p_value < 0.05 or test.difference.low <= 0 <= test.difference.high


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "log_loss", "ece", "roc_auc"])
def test_the_same_predictions_several_times_give_the_same_test(metric: str) -> None:
    task, a, y = single_label(60, 3, signal=2.0)
    b = single_label(60, 3, signal=1.0)[1]
    once = [check_predictions(p, y, task) for p in (a, b)]
    twice = [
        Predictions(*(np.concatenate([of] * 2) for of in (each.probabilities, y, each.predicted)), task, 2)
        for each in once
    ]
    expected, found = (compare_predictions(*pair, Metric.read(metric, task), resamples=200) for pair in (once, twice))
    assert found.to_dict()["difference"] == pytest.approx(expected.to_dict()["difference"], abs=1e-5)
    assert (found.p_value, found.mcnemar) == (pytest.approx(expected.p_value, abs=0.01), expected.mcnemar)


def test_a_clearly_better_classifier_is_found() -> None:
    y = np.arange(500) % 2
    found = [
        compare_paired(with_accuracy(y, 0.9, 2 * i), with_accuracy(y, 0.8, 2 * i + 1), y, names(2), resamples=200)
        for i in range(20)
    ]
    assert sum(test.p_value < 0.05 for test in found) >= 18


def test_pairing_sees_a_difference_that_two_separate_intervals_hide() -> None:
    # b is wrong wherever a is, and on 12 rows more
    y = np.zeros(1000, int)
    a = np.eye(2)[(np.arange(1000) < 200).astype(int)]
    b = np.eye(2)[(np.arange(1000) < 212).astype(int)]
    test = compare_paired(a, b, y, names(2))
    ours, theirs = (evaluate_probabilities(p, y, names(2)).metrics["accuracy"] for p in (a, b))
    assert ours.low < theirs.high
    assert test.p_value < 0.01


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 100))
def test_mcnemar_is_the_exact_binomial_test(seed: int, n: int) -> None:
    right_a, right_b = np.random.default_rng(seed).random((2, n)) < 0.7
    a, b = (np.eye(2)[(~right).astype(int)] for right in (right_a, right_b))
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert compare_paired(a, b, np.zeros(n, int), names(2), resamples=100).mcnemar == pytest.approx(expected)


def test_a_metric_that_the_rows_leave_undefined_is_refused() -> None:
    p = np.full((5, 2), 0.5)
    with pytest.raises(DataError, match="ROC-AUC is undefined on these 5 rows"):
        compare_paired(p, p, np.zeros(5, int), names(2), metric="roc_auc")


def test_thresholds_of_each_classifier_are_used() -> None:
    task, p, y = multi_label(300, 3)
    same = compare_paired(p, p, y, task, thresholds=0.4)
    other = compare_paired(p, p, y, task, thresholds=0.4, thresholds_b=[0.9, 0.9, 0.9])
    assert same.difference.value == 0
    assert other.difference.value > 0
