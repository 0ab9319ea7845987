"""Decisions for a metric: what they bring on new rows, and that nothing is moved without a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from textgraft.decision import Decision
from textgraft.evaluation.deciding import choose_decision
from textgraft.evaluation.metric import Metric
from textgraft.task import Task

TASK = Task(("rare", "some", "most"))
SEVERAL = Task(TASK.labels, multi_label=True)
SHARES = np.array([0.06, 0.2, 0.74])


def world(n: int, seed: int, *, multi: bool = False, signal: float = 1.6) -> tuple[Any, Any]:
    """(n, 3) calibrated probabilities and targets that are drawn from them."""
    rng = np.random.default_rng(seed)
    if multi:
        p = 1 / (1 + np.exp(-(np.log(SHARES / (1 - SHARES)) + signal * rng.normal(size=(n, 3)))))
        return p.astype(np.float32), rng.random((n, 3)) < p
    logits = np.log(SHARES) + signal * rng.normal(size=(n, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return p.astype(np.float32), (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def chosen(name: str, p: Any, y: Any, task: Task, weights: Any = None) -> tuple[Decision, str]:
    metric = Metric.read(name, task)
    return choose_decision(metric, p, y, weights, metric.decision())


@pytest.mark.parametrize("n", [40, 300])
@pytest.mark.parametrize(
    ("task", "name"),
    [
        (TASK, "f1_macro"), (TASK, "balanced_accuracy"), (TASK, "f1:rare"), (SEVERAL, "f1_macro"),
        (SEVERAL, "f1_micro"), (SEVERAL, "f1:rare"), (SEVERAL, "jaccard_macro"),
    ],
)  # fmt: skip
def test_thresholds_of_few_rows_raise_the_metric_on_new_ones(task: Task, name: str, n: int) -> None:
    metric = Metric.read(name, task)
    new = world(20_000, 99, multi=task.multi_label)
    gains = []
    for seed in range(6):
        decision, said = chosen(name, *world(n, seed, multi=task.multi_label), task)
        gains.append(metric.value(*new, decision) - metric.value(*new))
        assert metric.called in said
    assert np.mean(gains) > 0.003
    assert min(gains) > -0.02


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "roc_auc", "average_precision:rare", "recall:rare", "ece"])
def test_rankings_losses_and_what_has_no_best_cut_change_no_decision(name: str) -> None:
    decision, said = chosen(name, *world(300, 0), TASK)
    assert decision.thresholds.tolist() == [0.5] * 3
    assert said == ""


def test_nothing_is_moved_where_nothing_is_gained_or_the_labels_refute_it() -> None:
    decision, said = chosen("f1:most", *world(500, 0), TASK)
    assert decision.thresholds.tolist() == [0.5] * 3
    assert (
        said
        == "No other thresholds measurably raise F1 of most on 500 held-out rows, so labels are predicted as usual."
    )
    p, _ = world(500, 0)
    overconfident = p.argmax(axis=1)  # the most probable label is always right
    assert chosen("f1_macro", p, overconfident, TASK)[0].thresholds.tolist() == [0.5] * 3


def test_no_single_row_moves_thresholds_far() -> None:
    p, y = world(100, 3)
    of_all = chosen("f1_macro", p, y, TASK)[0].thresholds
    for row in range(0, 100, 10):
        rest = np.arange(100) != row
        np.testing.assert_allclose(chosen("f1_macro", p[rest], y[rest], TASK)[0].thresholds, of_all, atol=0.12)


def test_a_weight_of_two_is_a_row_twice() -> None:
    p, y = world(200, 4)
    times = np.random.default_rng(0).integers(1, 3, 200)
    for name in ("balanced_accuracy", "f1:rare", "recall:some@0.5"):
        weighed, _ = chosen(name, p, y, TASK, times.astype(float))
        repeated, _ = chosen(name, np.repeat(p, times, 0), np.repeat(y, times), TASK)
        np.testing.assert_allclose(weighed.thresholds, repeated.thresholds, rtol=0.05)


@pytest.mark.parametrize("task", [TASK, SEVERAL, Task(("others", "spam"))])
def test_the_threshold_of_a_precision_reaches_it_on_new_rows_and_is_as_low_as_it_can_be(task: Task) -> None:
    label = task.labels[1]

    def rows(n: int, seed: int) -> tuple[Any, Any]:
        p, y = world(n, seed, multi=task.multi_label, signal=2.5)
        if len(task) == 2:
            y, p = (y == 1).astype(np.int64), np.stack((1 - p[:, 1], p[:, 1]), axis=1)
        return p, y

    p, y = rows(20_000, 99)
    precisions, recalls = [], []
    for seed in range(12):
        decision, said = chosen(f"recall:{label}@0.8", *rows(300, seed), task)
        assert said.startswith(f"'{label}' is predicted ")
        precisions.append(Metric.read(f"precision:{label}", task).value(p, y, decision))
        recalls.append(Metric.read(f"recall:{label}", task).value(p, y, decision))
        others = [0, 2] if len(task) == 3 else [0]
        if task.multi_label:
            assert decision.thresholds[others].tolist() == [0.5] * len(others)
    assert np.mean(precisions) == pytest.approx(0.8, abs=0.03)
    assert np.mean(recalls) > 0.3


def test_a_precision_that_is_not_reached_leaves_all_as_usual() -> None:
    p, y = world(100, 0, signal=0.1)
    decision, said = chosen("recall:rare@0.99", p, y, TASK)
    assert decision.thresholds.tolist() == [0.5] * 3
    assert said == (
        "No threshold of 'rare' reaches a precision of 0.99 on 5 or more of 100 held-out rows, so labels are predicted "
        "as usual."
    )


def test_costs_need_no_rows() -> None:
    metric = Metric.read([[0, 1, 1], [1, 0, 1], [9, 1, 0]], TASK)
    decision, said = choose_decision(metric, np.zeros((0, 3)), np.zeros(0, np.int64), None, metric.decision())
    np.testing.assert_array_equal(decision.costs, metric.costs)
    assert said == "The label with the lowest expected cost is predicted, which is not always the most probable one."
