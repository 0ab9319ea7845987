from __future__ import annotations

import numpy as np
import pytest

from textgraft.evaluation import Evaluation, evaluate_probabilities
from textgraft.report import Section
from textgraft.report.evaluation import confused, evaluation_report, metric_name, metrics, weakest
from textgraft.report.terminal import as_text
from textgraft.task import Task

SINGLE = Task(("a", "b", "c"))
MULTI = Task(("a", "b", "c"), multi_label=True)


def evaluated(task: Task, n: int = 60) -> Evaluation:
    rng = np.random.default_rng(0)
    if task.multi_label:
        targets = rng.random((n, 3)) < 0.4
        probabilities = np.clip(0.5 * targets + 0.6 * rng.random((n, 3)), 0, 1).astype(np.float32)
        return evaluate_probabilities(probabilities, targets, task, labels_of_training=[9, 8, 7], training_rows=20)
    single = rng.integers(0, 3, n)
    weights = rng.random((n, 3)) + np.eye(3)[single] * 0.5
    probabilities = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return evaluate_probabilities(probabilities, single, task, labels_of_training=[9, 8, 7])


def column(section: Section, i: int) -> list[str]:
    return [row[i] for row in section.rows]


def test_the_metrics_that_matter_most_come_first_and_alone() -> None:
    assert column(metrics(evaluated(SINGLE)), 0) == ["accuracy", "macro-F1", "log loss", "calibration error"]
    multi = ["micro-F1", "macro-F1", "subset accuracy", "log loss", "calibration error"]
    assert column(metrics(evaluated(MULTI)), 0) == multi


@pytest.mark.parametrize("task", [SINGLE, MULTI])
def test_every_metric_is_named_once_as_in_json_with_its_figures(task: Task) -> None:
    evaluation = evaluated(task)
    section = metrics(evaluation, every=True)
    assert column(section, 0)[:4] == column(metrics(evaluation), 0)[:4]
    assert len(set(column(section, 0))) == len(section.rows)
    names = [name for cell in column(section, 3) for name in cell.split(", ")]
    assert sorted(names) == sorted(evaluation.metrics)
    for _, value, floor, in_json in section.rows:
        for name in in_json.split(", "):
            assert value == str(evaluation.metrics[name])
            assert floor == f"{evaluation.floor[name].value:.3f}"


@pytest.mark.parametrize("task", [SINGLE, MULTI])
def test_figures_that_are_shown_once_are_equal_by_definition(task: Task) -> None:
    for n in (5, 60, 301):
        evaluation = evaluated(task, n)
        shared = column(metrics(evaluation, every=True), 3)
        assert all(len({evaluation.metrics[name] for name in cell.split(", ")}) == 1 for cell in shared)
        assert any(", " in cell for cell in shared)


def test_names_are_for_people() -> None:
    names = ("f1_weighted", "f1_samples", "average_precision_macro", "roc_auc", "ece", "balanced_accuracy")
    shown = ["F1 (weighted)", "F1 (per text)", "average precision (macro)", "ROC-AUC", "calibration error"]
    assert [metric_name(name) for name in names] == [*shown, "balanced accuracy"]


def test_a_report_has_labels_confusion_leaks_and_notes() -> None:
    text = as_text(evaluation_report("ngrams on 60 rows", evaluated(SINGLE), ["half of it was seen."]))
    assert text.startswith("ngrams on 60 rows\nMetrics (95 % intervals)\n")
    assert "Confusion (rows: true, columns: predicted)" in text
    assert "• Leak: half of it was seen." in text
    assert "Only 60 rows were evaluated" in text
    assert "ROC-AUC" not in text.split("Keep in mind")[0]
    assert "ROC-AUC" in as_text(evaluation_report("", evaluated(SINGLE), every_metric=True)).split("Keep in mind")[0]


def test_of_many_labels_the_first_are_shown_and_the_rest_counted() -> None:
    task = Task(tuple(f"label {i:02}" for i in range(40)))
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(40), 80).astype(np.float32)
    text = as_text(evaluation_report("many", evaluate_probabilities(probabilities, np.arange(80) % 40, task)))
    assert "label 29" in text
    assert "label 30 " not in text
    assert "and 10 more." in text
    assert "Confusion" not in text


def test_notes_of_several_labels_name_the_metric_as_the_table_does() -> None:
    text = as_text(evaluation_report("m", evaluated(MULTI, 12)))
    assert "micro-F1 is known no better than from" in text
    assert "f1_micro" not in text


def test_weak_spots_are_sentences_about_the_worst_labels_and_the_most_confused() -> None:
    truth = np.array([0] * 20 + [1] * 20 + [2] * 20)
    given = np.array([1] * 12 + [0] * 8 + [1] * 20 + [2] * 20)
    evaluation = evaluate_probabilities(np.eye(3, dtype=np.float32)[given], truth, SINGLE)
    (worst,) = weakest(evaluation)
    assert worst.startswith("The lowest F1: a 0.571")
    assert ", b " in worst
    assert ", c " not in worst
    assert list(confused(evaluation)) == ["12 of 20 rows of a are taken for b."]
