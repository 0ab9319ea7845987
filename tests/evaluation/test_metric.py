"""The metric that matters: how it is written, what it is of which rows, and what a report says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as m

from textgraft.decision import Decision
from textgraft.errors import SettingError
from textgraft.evaluation import Evaluation, evaluate_probabilities
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.metric import Metric, check_metric
from textgraft.evaluation.metrics import metric_names
from textgraft.evaluation.names import metric_name
from textgraft.task import Task

from .problems import multi_label, single_label

TASK = Task(("ham", "me@home", "spam: bad", "1"))
SEVERAL = Task(TASK.labels, multi_label=True)
COSTS = {true: {given: float(true != given) for given in TASK.labels} for true in TASK.labels}


@pytest.mark.parametrize("task", [TASK, SEVERAL])
def test_every_metric_is_read_by_the_name_it_has_and_by_the_one_that_is_shown(task: Task) -> None:
    for name in metric_names(task):
        for written in (name, metric_name(name), metric_name(name).upper(), name.replace("_", "-")):
            assert str(Metric.read(written, task)) == name


@pytest.mark.parametrize(
    ("written", "kept", "called"),
    [
        ("f1:ham", "f1:ham", "F1 of ham"),
        ("F1: spam: bad", "f1:spam: bad", "F1 of 'spam: bad'"),
        ("ROC-AUC:1.0", "roc_auc:1", "ROC-AUC of 1"),
        ("Average precision:ham", "average_precision:ham", "average precision of ham"),
        ("recall:ham@.9", "recall:ham@0.9", "recall of ham (at a precision of 0.9)"),
        ("recall:me@home@0.5", "recall:me@home@0.5", "recall of 'me@home' (at a precision of 0.5)"),
        ("recall:me@home", "recall:me@home", "recall of 'me@home'"),
        (None, "accuracy", "accuracy"),
        (COSTS, "mean_cost", "mean cost"),
    ],
)
def test_a_metric_is_read_shown_and_kept_as_json(written: Any, kept: str, called: str) -> None:
    metric = Metric.read(written, TASK)
    assert (str(metric), metric.called) == (kept, called)
    again = Metric.read(metric.plain(), TASK)
    assert (str(again), again.called) == (kept, called)
    if metric.costs is not None:
        np.testing.assert_array_equal(again.costs, metric.costs)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("f1:", "'f1:' does not say of which label; write f1:LABEL"),
        ("f1", "'f1' does not say of which labels: write f1:LABEL for one, or one of f1_macro"),
        ("recall@0.9", "does not say of which label; write recall:LABEL@0.9"),
        ("recall:ham@1.5", r"must be above 0 and at most 1, as in recall:LABEL@0.9; got 1.5\."),
        ("recall:ham@0", "must be above 0"),
        ("makro-f1", r"metric must be one of accuracy, .*; got 'makro-f1'\. Did you mean 'macro-F1'"),
        ("f2:ham", "'f2:ham' is no metric of a label; .*Did you mean 'f1'"),
        ("nothing.csv", "There is no file nothing.csv with a cost matrix"),
        (3, "metric must be a name or costs; got 3"),
    ],
)
def test_what_is_no_metric_of_any_task_is_refused_before_the_labels_are_known(written: Any, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        check_metric(written)


@pytest.mark.parametrize(
    ("written", "task", "sentence"),
    [
        ("f1:Ham", TASK, r"is of a label that the task does not have; .*Did you mean 'ham'"),
        ("recall:hm@0.9", TASK, "Did you mean 'ham'"),
        ("f1_samples", TASK, "'f1_samples' is not a metric of a single-label task"),
        ("balanced_accuracy", SEVERAL, "is not a metric of a multi-label task"),
        ("average precision", SEVERAL, "Did you mean 'average_precision_micro' or 'average_precision_macro'"),
        (COSTS, SEVERAL, "A cost matrix is for a task with one label per text"),
    ],
)
def test_a_metric_of_other_labels_or_tasks_is_refused(written: Any, task: Task, sentence: str) -> None:
    check_metric(written)
    with pytest.raises(SettingError, match=sentence):
        Metric.read(written, task)


def highest_recall(truth: np.ndarray, scores: np.ndarray, precision: float) -> float:
    reached = [truth[scores >= cut].sum() for cut in np.unique(scores) if truth[scores >= cut].mean() >= precision]
    return float(max(reached, default=0) / truth.sum())


@pytest.mark.parametrize("problem", [single_label, multi_label])
@pytest.mark.parametrize(("n", "digits"), [(40, 1), (3000, 7)])
def test_values_are_those_of_scikit_learn_and_weights_are_repetitions(problem: Any, n: int, digits: int) -> None:
    task, p, y = problem(n, 3, digits=digits)
    truth = y[:, 1] if task.multi_label else y == 1
    predicted = p[:, 1] >= 0.5 if task.multi_label else p.argmax(axis=1) == 1
    expected = {
        "f1:label 1": m.f1_score(truth, predicted),
        "precision:label 1": m.precision_score(truth, predicted),
        "recall:label 1": m.recall_score(truth, predicted),
        "roc_auc:label 1": m.roc_auc_score(truth, p[:, 1]),
        "average_precision:label 1": m.average_precision_score(truth, p[:, 1]),
        "recall:label 1@0.6": highest_recall(truth, p[:, 1], 0.6),
        "recall:label 1@1": highest_recall(truth, p[:, 1], 1),
    }
    times = np.random.default_rng(1).integers(1, 4, n)
    for name in [*expected, "log_loss", "f1_macro", "ece"]:
        metric = Metric.read(name, task)
        if name in expected:
            assert metric.value(p, y) == pytest.approx(expected[name], abs=1e-6)
        repeated = metric.value(np.repeat(p, times, 0), np.repeat(y, times, 0))
        tolerance = (
            2e-3 if "@" in name or "precision:" in name or "auc" in name else 1e-6
        )  # rankings of many groups are smoothed
        assert metric.value(p, y, None, times.astype(float)) == pytest.approx(repeated, abs=tolerance)
        if metric.is_listed:
            evaluation = evaluate_probabilities(p, y, task, metric=name, resamples=100)
            assert evaluation.metrics[name].value == pytest.approx(metric.value(p, y), abs=1e-6)


def test_the_recall_at_a_precision_that_is_never_reached_is_0_and_of_no_rows_undefined() -> None:
    task = Task(("a", "b"))
    p = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4]])
    assert Metric.read("recall:b@0.6", task).value(p, np.array([0, 1, 0])) == 0
    assert np.isnan(Metric.read("recall:b@0.6", task).value(p, np.array([0, 0, 0])))


def test_an_export_of_predictions_by_costs_does_not_change_the_calibration_error() -> None:
    task, p, y = single_label(300, 3)
    costs = np.array([[0, 9, 9], [1, 0, 1], [1, 1, 0]], float)
    usual, cheap = (
        evaluate_probabilities(p, y, task, thresholds=each, resamples=100)
        for each in (None, Decision(Decision.usual(task).thresholds, costs))
    )
    assert usual.metrics["ece"].value == cheap.metrics["ece"].value
    assert usual.metrics["accuracy"] != cheap.metrics["accuracy"]


@pytest.mark.parametrize("problem", [single_label, multi_label])
@pytest.mark.parametrize("name", ["f1:label 0", "recall:label 2@0.7", "log_loss", "f1_macro"])
def test_the_headline_is_the_metric_with_an_interval_a_floor_and_notes(problem: Any, name: str) -> None:
    task, p, y = problem(150, 3)
    counts = (y.sum(axis=0) if task.multi_label else np.bincount(y)).tolist()
    evaluation = evaluate_probabilities(
        p, y, task, metric=name, labels_of_training=counts, training_rows=150, resamples=100
    )
    assert evaluation.headline == name
    figure = evaluation.metrics[name]
    assert figure.low <= figure.value <= figure.high
    assert name in evaluation.floor
    assert str(evaluation).startswith(f"{name} {figure} on 150 rows, majority ")
    if name.startswith("f1:"):
        assert figure == evaluation.per_label["label 0"]["f1"]
    again = Evaluation.from_dict(evaluation.to_dict())
    assert (again.headline, again.metrics, again.notes) == (name, evaluation.metrics, evaluation.notes)


def test_the_floor_of_a_mean_cost_is_the_constant_label_that_is_cheapest() -> None:
    task, y = Task(("well", "ill")), np.array([0] * 90 + [1] * 10)
    p = np.tile([0.9, 0.1], (100, 1))
    costs = [[0, 1], [50, 0]]  # to overlook one who is ill
    evaluation = evaluate_probabilities(p, y, task, metric=costs, labels_of_training=[90, 10], resamples=100)
    assert evaluation.metrics["mean_cost"].value == pytest.approx(5)
    assert evaluation.floor["mean_cost"].value == pytest.approx(0.9)
    assert any("mean_cost" in note and "not measurably below the floor" in note for note in evaluation.notes)


@given(st.integers(0, 10_000), st.floats(0.05, 1))
def test_the_recall_at_a_precision_is_exact_whatever_the_ties(seed: int, precision: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    scores, truth = rng.integers(0, 12, n) / 12, rng.random(n) < 0.4
    truth[0] = True
    p = np.stack((1 - scores, scores), axis=1)
    metric = Metric.read(f"recall:b@{precision:g}", Task(("a", "b")))
    assert metric.precision is not None
    assert metric.value(p, truth.astype(np.int64)) == pytest.approx(highest_recall(truth, scores, metric.precision))


def test_the_best_cut_of_very_many_is_among_those_that_are_looked_at() -> None:
    rng = np.random.default_rng(0)
    scores = rng.permutation(20_000) / 20_000
    truth = rng.random(20_000) < scores
    p = np.stack((1 - scores, scores), axis=1)
    for precision in (0.6, 0.83, 0.95):
        value = Metric.read(f"recall:b@{precision}", Task(("a", "b"))).value(p, truth.astype(np.int64))
        assert value == pytest.approx(highest_recall_sorted(truth, scores, precision))


def highest_recall_sorted(truth: np.ndarray, scores: np.ndarray, precision: float) -> float:
    hits = np.cumsum(truth[np.argsort(-scores)])
    return float(hits[hits >= precision * np.arange(1, len(hits) + 1)].max() / truth.sum())


def test_the_mean_cost_of_ten_rows_is_as_by_hand(tmp_path: Path) -> None:
    task = Task(("ham", "spam", "urgent"))
    table = tmp_path / "costs.csv"
    table.write_text("true,spam,urgent,ham\nurgent,5,0,2\nham,3,1,0\nspam,0,1.5,1\n")
    true = ["ham", "ham", "ham", "ham", "spam", "spam", "spam", "urgent", "urgent", "urgent"]
    said = ["ham", "ham", "spam", "urgent", "spam", "ham", "urgent", "urgent", "ham", "spam"]
    # 0 + 0 + 3 + 1 + 0 + 1 + 1.5 + 0 + 2 + 5 = 13.5
    y = task.encode(true)
    p = np.eye(3)[task.encode(said)]
    metric = Metric.read(str(table), task)
    assert metric.value(p, y, Decision.usual(task)) == pytest.approx(1.35)
    assert evaluate_probabilities(p, y, task, metric=table, resamples=100).metrics["mean_cost"].value == pytest.approx(
        1.35
    )
    # A text that is ham with 0.5, spam with 0.3, urgent with 0.2: as ham it costs 0.3 * 1 + 0.2 * 2 = 0.7, as spam
    # 0.5 * 3 + 0.2 * 5 = 2.5, as urgent 0.5 * 1 + 0.3 * 1.5 = 0.95; with 0.35, 0.25, 0.4: 1.05, 3.05, 0.725.
    p = np.array([[0.5, 0.3, 0.2], [0.35, 0.25, 0.4]])
    assert task.decode(metric.decision().targets(p, task)) == ["ham", "urgent"]
    assert check_predictions(p, np.array([0, 0]), task, metric.decision()).predicted.tolist() == [0, 2]
