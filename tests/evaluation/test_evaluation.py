from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from textgraft.errors import DataError, SettingError
from textgraft.evaluation import Evaluation, Metric, evaluate_predictions, evaluate_probabilities
from textgraft.evaluation.evaluation import metric_interval
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.paired import compare_predictions

from .problems import multi_label, names, single_label


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_json_round_trip(problem: Any) -> None:
    task, p, y = problem(60, 3, 4)
    y[y == 2] = 0  # a label without rows, so that something is undefined
    counts = y.sum(axis=0) if task.multi_label else np.bincount(y, minlength=3)
    first = evaluate_probabilities(p, y, task, labels_of_training=counts, training_rows=60)
    text = json.dumps(first.to_dict(), allow_nan=False)
    again = Evaluation.from_dict(json.loads(text))
    assert json.dumps(again.to_dict()) == text
    assert again.task == task
    assert again.metrics["accuracy"] == first.metrics["accuracy"]


def test_json_has_the_documented_form() -> None:
    task, p, y = single_label(60, 3)
    found = evaluate_probabilities(p, y, task, labels_of_training=[1, 2, 3]).to_dict()
    assert {"n", "metrics", "per_label", "confusion", "majority"} <= set(found)
    assert set(found["metrics"]["accuracy"]) == {"value", "low", "high"}
    assert set(found["majority"]["metrics"]) == set(found["metrics"])
    assert {"accuracy", "f1_macro", "f1_micro", "f1_weighted"} <= set(found["metrics"])
    assert isinstance(found["per_label"]["label 0"]["support"], int)


def test_a_file_that_is_no_evaluation_is_refused() -> None:
    with pytest.raises(DataError, match="not an evaluation as textgraft writes it"):
        Evaluation.from_dict({"task": {"labels": ["a"]}})


def test_the_floor_always_gives_the_most_frequent_training_label() -> None:
    task, p, y = single_label(400, 3)
    floor = evaluate_probabilities(p, y, task, labels_of_training=[10, 70, 20]).floor
    assert floor["accuracy"].value == pytest.approx((y == 1).mean())
    assert floor["roc_auc"].value == 0.5
    assert floor["log_loss"].value == pytest.approx(-np.log(np.array([0.1, 0.7, 0.2]))[y].mean(), rel=1e-5)


def test_the_floor_of_a_multi_label_task_gives_the_labels_of_at_least_half_the_rows() -> None:
    task, p, y = multi_label(400, 3)
    found = evaluate_probabilities(p, y, task, labels_of_training=[49, 50, 90], training_rows=100)
    assert found.floor["accuracy"].value == pytest.approx((y == [False, True, True]).all(axis=1).mean())
    assert "majority" in str(found)


def test_without_training_counts_there_is_no_floor() -> None:
    task, p, y = single_label(50, 3)
    found = evaluate_probabilities(p, y, task)
    assert found.floor == {}
    assert found.to_dict()["majority"] == {"metrics": {}}
    assert str(found).startswith("accuracy 0.")


def test_a_classifier_no_better_than_the_floor_is_said() -> None:
    task, p, y = single_label(400, 3, signal=0)
    counts = np.bincount(y, minlength=3)
    notes = evaluate_probabilities(p, y, task, labels_of_training=counts).notes
    assert any("not measurably above the floor" in note for note in notes)


def test_a_label_absent_from_the_truth_is_said_and_left_out_of_the_averages() -> None:
    from sklearn.metrics import roc_auc_score

    task, p, y = single_label(300, 4)
    keep = y != 2
    found = evaluate_probabilities(p[keep], y[keep], task)
    assert any("No evaluated row carries 'label 2'" in note for note in found.notes)
    figures = found.to_dict()["per_label"]["label 2"]
    assert figures["roc_auc"]["value"] is None
    assert figures["recall"]["value"] == 0
    others = [roc_auc_score(y[keep] == j, p[keep, j]) for j in (0, 1, 3)]
    assert found.metrics["roc_auc"].value == pytest.approx(np.mean(others))


def test_a_perfect_score_may_still_be_chance() -> None:
    y = np.arange(60) % 2
    figure = evaluate_probabilities(np.eye(2)[y], y, names(2)).metrics["accuracy"]
    assert (figure.value, figure.high) == (1, 1)
    assert figure.low == pytest.approx(1 - 3 / 60, abs=0.002)  # the rule of three


def test_few_and_rare_rows_are_said() -> None:
    task, p, y = single_label(30, 3, 5)
    notes = " ".join(evaluate_probabilities(p, y, task).notes)
    assert "Only 30 rows were evaluated" in notes
    assert "is known no better than from" in notes
    assert "Fewer than 10 rows carry" in notes


@pytest.mark.parametrize(("p", "y", "multi"), [([[0.3, 0.7]], [1], False), ([[0.3, 0.7]], [[True, False]], True)])
def test_one_row_is_evaluated_and_its_rankings_are_undefined(p: Any, y: Any, multi: bool) -> None:
    found = evaluate_probabilities(p, y, names(2, multi=multi)).to_dict()
    assert found["n"] == 1
    assert found["metrics"]["accuracy"]["value"] == (0 if multi else 1)
    assert found["per_label"]["label 0"]["roc_auc"]["value"] is None
    assert "Only 1 row was evaluated" in found["notes"][0]


def test_one_label_of_a_multi_label_task_is_enough() -> None:
    task, p, y = multi_label(100, 1)
    found = evaluate_probabilities(p, y, task).metrics
    assert found["f1_macro"].value == found["f1_micro"].value > 0.5
    assert found["roc_auc_macro"].value == pytest.approx(found["roc_auc_micro"].value)


GOOD = np.full((4, 2), 0.5)


@pytest.mark.parametrize(
    ("p", "y", "multi", "message"),
    [
        (np.zeros((0, 2)), [], False, "nothing to evaluate"),
        (np.full((4, 3), 1 / 3), [0, 1, 0, 1], False, "one column for each of the 2 labels.*shape \\(4, 3\\)"),
        (np.full(4, 0.5), [0, 1, 0, 1], False, "shape \\(4,\\)"),
        ([[0.5, 0.5], [np.nan, 0.5]], [0, 1], False, "between 0 and 1; row 1 of 2 is \\[nan, 0.5\\]"),
        ([[2.5, -1.5], [0.5, 0.5]], [0, 1], False, "Logits must go through a softmax"),
        ([[0.9, 0.9], [0.5, 0.5]], [0, 1], False, "must sum to 1 in each row; row 0"),
        (GOOD, [0, 1, 0], False, "must have shape \\(4,\\).*got \\(3,\\)"),
        (GOOD, [0, 1, 0, 2], False, "integers from 0 to 1.*got \\[0, 1, 2\\]"),
        (GOOD, ["a", "b", "a", "b"], False, "Task.encode"),
        (GOOD, [0, 1, 0, 1], True, "multi-label task must have shape \\(4, 2\\)"),
        (GOOD, [[0, 2]] * 4, True, "true/false or 0/1"),
    ],
)
def test_impossible_input_is_refused_in_a_sentence(p: Any, y: Any, multi: bool, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate_probabilities(p, y, names(2, multi=multi))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": [0.5, 0.5, 0.5]}, "one for each of the 2 labels"),
        ({"thresholds": float("nan")}, "thresholds must be one number"),
        ({"resamples": 10}, "at least 100; got 10"),
        ({"seed": -1}, "seed must be an integer of at least 0; got -1"),
        ({"labels_of_training": [1, 2, 3], "training_rows": 6}, "training rows of each of the 2 labels"),
        ({"labels_of_training": [0, 0], "training_rows": 6}, "training rows of each of the 2 labels"),
        ({"labels_of_training": [3, 4]}, "needs training_rows"),
        ({"labels_of_training": [3, 40], "training_rows": 6}, "got 6 with 40 rows"),
    ],
)
def test_options_that_cannot_be_used_are_refused_in_a_sentence(options: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        evaluate_probabilities(GOOD, np.zeros((4, 2), bool), names(2, multi=True), **options)


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_rows_that_are_worth_less_have_wider_intervals_and_larger_p_values(problem: Any) -> None:
    task, p, y = problem(150, 3)
    whole = check_predictions(p, y, task)
    less = replace(whole, worth=0.5)
    before, after = (evaluate_predictions(each, resamples=500).metrics for each in (whole, less))
    assert {name: figure.value for name, figure in before.items()} == {name: f.value for name, f in after.items()}
    wider = [after[name].high - after[name].low > before[name].high - before[name].low for name in before]
    assert np.mean(wider) > 0.9
    other = p * np.random.default_rng(5).uniform(0.8, 1, p.shape).astype(np.float32)
    other = other if task.multi_label else other / other.sum(axis=1, keepdims=True)
    tests = [
        compare_predictions(each, replace(each, probabilities=other), Metric.read("log_loss", task), resamples=500)
        for each in (whole, less)
    ]
    assert tests[0].difference.value == tests[1].difference.value
    assert tests[0].p_value < tests[1].p_value


@pytest.mark.parametrize(
    ("problem", "name"),
    [
        *(
            (problem, name)
            for problem in (single_label, multi_label)
            for name in ("f1_macro", "log_loss", "f1:label 0")
        ),
        (single_label, "accuracy"),
        (single_label, "ece"),
    ],
)
def test_one_metric_alone_has_the_interval_that_it_has_among_all(problem: Any, name: str) -> None:
    task, p, y = problem(300, 3)
    found = check_predictions(p, y, task)
    among = evaluate_predictions(found, metric=name).metrics[name]
    alone = metric_interval(found, Metric.read(name, task))
    assert alone.value == among.value
    assert (alone.low, alone.high) == pytest.approx((among.low, among.high), abs=0.03)
