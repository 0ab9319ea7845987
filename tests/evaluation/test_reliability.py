from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from textgraft.decision import confidence
from textgraft.evaluation import Evaluation, evaluate_probabilities
from textgraft.evaluation.calibration import Calibration, calibrate
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.reliability import before_calibration, reliability
from textgraft.evaluation.selective import coverage_risk
from textgraft.task import Task

from .problems import names

TWO, FOUR, SEVERAL = Task(("no", "yes")), names(4), names(3, multi=True)


def drawn(task: Task, n: int, seed: int, sharper: float = 1.0) -> tuple[Any, Any]:
    """Probabilities whose labels were drawn from them, and then made sharper."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.5, (n, len(task))).astype(np.float32)
    p = task.probabilities(scores)
    if task.multi_label:
        return task.probabilities(scores * sharper), rng.random(p.shape) < p
    return task.probabilities(scores * sharper), np.array(
        [rng.choice(len(task), p=row / row.sum()) for row in p.astype(float)]
    )


@pytest.mark.parametrize("task", [TWO, FOUR, SEVERAL])
def test_intervals_hold_what_is_stated_where_labels_are_drawn_from_the_probabilities(task: Task) -> None:
    held = [
        each.low <= each.stated <= each.high
        for seed in range(20)
        for each in reliability(check_predictions(*drawn(task, 300, seed), task))
    ]
    assert np.mean(held) > 0.92


def test_bins_count_every_row_once_and_average_to_the_accuracy() -> None:
    predictions = check_predictions(*drawn(FOUR, 500, 1), FOUR)
    bins = reliability(predictions)
    assert sum(each.rows for each in bins) == 500
    right = sum(each.rows * each.right for each in bins) / 500
    assert right == pytest.approx((predictions.predicted == predictions.targets).mean())
    (all_of_them,) = reliability(predictions, bins=1)
    assert all_of_them.right == pytest.approx(right)


def test_what_is_too_sharp_lies_below_the_line() -> None:
    (found,) = reliability(check_predictions(*drawn(FOUR, 1_000, 2, sharper=4.0), FOUR), bins=1)
    assert found.high < found.stated


@pytest.mark.parametrize("task", [TWO, FOUR, SEVERAL])
def test_answering_less_is_a_curve_from_the_surest_rows_to_all_of_them(task: Task) -> None:
    predictions = check_predictions(*drawn(task, 400, 3), task)
    points = coverage_risk(predictions)
    sure = confidence(predictions.probabilities, predictions.predicted)
    right = (predictions.predicted == predictions.targets).reshape(400, -1).all(axis=1)
    covered = [each.coverage.value for each in points]
    assert covered == sorted(covered)
    assert covered[-1] == 1
    for each in points:
        answered = sure >= each.threshold
        assert answered.mean() == pytest.approx(each.coverage.value)
        assert right[answered].mean() == pytest.approx(each.accuracy.value)
        assert each.accuracy.low <= each.accuracy.value <= each.accuracy.high


def test_rows_of_equal_probability_are_answered_together() -> None:
    p = np.tile(np.array([[0.7, 0.3]], np.float32), (50, 1))
    (point,) = coverage_risk(check_predictions(p, np.arange(50) % 2, TWO))
    assert (point.coverage.value, point.accuracy.value) == (1.0, 0.5)


@pytest.mark.parametrize("task", [TWO, FOUR, SEVERAL])
def test_probabilities_without_calibration_are_found_again(task: Task) -> None:
    rng = np.random.default_rng(5)
    m = 1 if task is TWO else len(task)
    scores = rng.normal(0, 1, (600, m)).astype(np.float32)
    ideal = Calibration(np.full(m, 3.0, np.float32), np.linspace(-1, 1, m).astype(np.float32))
    p = ideal.probabilities(scores, task)
    targets = rng.random(p.shape) < p if task.multi_label else (p.cumsum(1) > rng.random((600, 1))).argmax(1)
    usual = Calibration.usual(task, m, 0.7)
    found = calibrate(scores, targets, task, usual=usual)
    assert found.kept != "none"
    again = before_calibration(found.calibration.probabilities(scores, task), task, found.relation)
    np.testing.assert_allclose(again, usual.probabilities(scores, task), atol=2e-3)


def test_an_evaluation_keeps_its_reliability_and_draws_it() -> None:
    found = evaluate_probabilities(*drawn(FOUR, 200, 7), FOUR, resamples=100)
    again = Evaluation.from_dict(found.to_dict())
    assert again.reliability == found.reliability
    earlier = {name: value for name, value in found.to_dict().items() if name != "reliability"}
    assert Evaluation.from_dict(earlier).reliability == ()
