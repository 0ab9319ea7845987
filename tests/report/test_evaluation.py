from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from textgraft.evaluation import Evaluation, Interval, evaluate_probabilities
from textgraft.evaluation.seen import SeenRows
from textgraft.report import Section
from textgraft.report.evaluation import (
    confused,
    evaluation_report,
    further_notes,
    headline,
    metric_name,
    metrics,
    notes,
    per_label,
    rows_behind,
    seen_rows,
    weakest,
)
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
    assert text.startswith("ngrams on 60 rows\nAccuracy 0.")
    assert "\nMetrics (95 % intervals)\n" in text
    assert "Confusion (rows: true, columns: predicted)" in text
    assert "Keep in mind\nLeak: half of it was seen." in text
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
    evaluation = evaluated(MULTI, 12)
    assert any(note.startswith("micro-F1 is known no better than from") for note in notes(evaluation))
    assert "f1_micro" not in as_text(evaluation_report("m", evaluation))


def test_weak_spots_are_sentences_about_the_worst_labels_and_the_most_confused() -> None:
    truth = np.array([0] * 20 + [1] * 20 + [2] * 20)
    given = np.array([1] * 12 + [0] * 8 + [1] * 20 + [2] * 20)
    evaluation = evaluate_probabilities(np.eye(3, dtype=np.float32)[given], truth, SINGLE)
    (worst,) = weakest(evaluation)
    assert worst.startswith("The lowest F1: a 0.571")
    assert ", b " in worst
    assert ", c " not in worst
    assert list(confused(evaluation)) == ["12 of 20 rows of a are taken for b."]


def told(**changes: object) -> str:
    """What is said first of 1,000 rows, 900 of which are right, where always the first label gives 500."""
    truth = np.arange(1000) % 2
    given = np.where(np.arange(1000) < 900, truth, 1 - truth)
    found = evaluate_probabilities(np.eye(2, dtype=np.float32)[given], truth, Task(("no", "yes")), **TOLD)
    return headline(replace(found, **changes))  # type: ignore[arg-type]


TOLD = {"labels_of_training": [5, 4]}


def test_what_is_said_first_answers_how_good_how_sure_on_how_many_rows_and_against_what_floor() -> None:
    interval = r"\[0\.8\d\d, 0\.9\d\d\]"
    assert re.fullmatch(rf"Accuracy 0\.900 {interval} on 1,000 rows; always saying no reaches 0\.500\.", told())
    text = as_text(evaluation_report("m on x.csv", evaluated(SINGLE)))
    assert text.split("\n")[1] == headline(evaluated(SINGLE))


def test_rows_that_it_was_not_trained_on_are_called_so() -> None:
    assert "on 1,000 rows that it was not trained on; always" in told(seen=SeenRows(0, 0, 1000))
    assert "not trained on" not in told()


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (
            (200, 0, 1000),
            "200 of these rows (20.0%) stand in its training data; on the 800 others accuracy is 0.8",
        ),
        ((1, 0, 1000), "1 of these rows (0.1%) stands in its training data; on the 999 others accuracy"),
        ((1000, 0, 1000), "All 1,000 of these rows stand in its training data, so nothing here tells how good"),
        ((0, 300, 1000), "300 of these rows (30.0%) stand in the validation data by which it was chosen; on the 700"),
        ((5, 9, 1000), "5 of these rows (0.5%) stand in its training data and 9 (0.9%) in the validation data"),
        (
            (50, 0, 100),
            "Of the 100 rows of which that is known, 50 (50.0%) stand in its training data; on the 50",
        ),
        ((999, 0, 1000), "999 of these rows (99.9%) stand in its training data; on the other one accuracy is 0.8"),
    ],
)
def test_rows_that_it_had_been_given_are_counted_and_the_others_have_a_figure(
    seen: tuple[int, int, int], sentence: str
) -> None:
    rest = None if sum(seen[:2]) == seen[2] else Interval(0.8, 0.7, 0.9)
    said = told(seen=SeenRows(*seen, rest))
    assert f". {sentence}" in said
    assert "not trained on" not in said


def test_of_nothing_seen_there_is_no_sentence() -> None:
    assert seen_rows(evaluated(SINGLE)) == ""


@pytest.mark.parametrize(
    ("value", "low", "high", "clause"),
    [
        (0.52, 0.45, 0.59, ", which is not measurably better than always saying no (0.500)."),
        (0.2, 0.1, 0.3, ", which is worse than always saying no (0.500)."),
        (0.9, 0.8, 1.0, "; always saying no reaches 0.500."),
    ],
)
def test_a_figure_that_is_not_above_the_floor_says_so(value: float, low: float, high: float, clause: str) -> None:
    figures = {"accuracy": Interval(value, low, high)}
    assert clause in told(metrics=figures)


@pytest.mark.parametrize(
    ("low", "high", "clause"),
    [
        (0.1, 0.3, "; knowing only how frequent each label is reaches 0.700."),
        (0.6, 0.8, ", which is not measurably better than knowing only how frequent each label is (0.700)."),
        (0.9, 1.1, ", which is worse than knowing only how frequent each label is (0.700)."),
    ],
)
def test_where_lower_is_better_the_floor_lies_above(low: float, high: float, clause: str) -> None:
    floor = {"log_loss": Interval(0.7, 0.69, 0.71)}
    said = told(headline="log_loss", metrics={"log_loss": Interval((low + high) / 2, low, high)}, floor=floor)
    assert said.startswith("Log loss ")
    assert clause in said


def test_a_floor_of_several_labels_names_what_it_says_of_each_row() -> None:
    said = headline(evaluated(MULTI))
    assert said.startswith("Micro-F1 0.")
    assert "saying no label" in said
    assert "always saying '1', a b reaches" in told(always=("1", "a b"))


def test_few_rows_are_called_few_and_no_sentence_is_said_twice() -> None:
    for task in (SINGLE, MULTI):
        evaluation = evaluated(task, 12)
        text = as_text(evaluation_report("m", evaluation))
        assert "12 rows are few: more would narrow the interval." in text
        assert "Only 12 rows" not in text
        assert "known no better" not in text
        assert set(further_notes(evaluation)) < set(notes(evaluation))


def test_undefined_figures_do_not_break_what_is_said_first() -> None:
    nan = Interval(math.nan, math.nan, math.nan)
    assert told(metrics={"accuracy": nan}) == "Accuracy undefined on 1,000 rows."
    assert told(floor={}) == re.sub(r";.*", ".", told())


def rare() -> Evaluation:
    """Label a: 40 rows, of which 5 are given it; b: 3 rows, all found, and 35 more are given it; c: nothing at all."""
    truth = np.array([0] * 40 + [1] * 3)
    given = np.array([0] * 5 + [1] * 35 + [1] * 3)
    return evaluate_probabilities(np.eye(3, dtype=np.float32)[given], truth, SINGLE)


def test_a_figure_of_a_label_says_so_where_it_rests_on_fewer_than_ten_rows() -> None:
    section = per_label(rare(), ("precision", "recall", "f1"), most=30)
    a, b, c = (row[1:] for row in section.rows)
    assert a[:2] == ("40", "5")
    assert re.fullmatch(r"~1\.0 \[\d\.\d, 1\.0\]", a[2])
    assert a[3:] == ("0.125", "0.222")
    assert b[:3] == ("3", "38", "0.079")
    assert re.fullmatch(r"~1\.0 \[\d\.\d, 1\.0\]", b[3])
    assert b[4] == "0.146"
    assert c == ("0", "0", "–", "–", "–")
    (legend,) = section.sentences
    assert legend.startswith("~ rests on fewer than 10 rows, – on none: precision counts")


def test_where_all_figures_rest_on_enough_rows_there_is_nothing_to_explain() -> None:
    section = per_label(evaluated(SINGLE, 300), ("precision", "recall", "f1"), most=30)
    assert section.sentences == ()
    assert not any("~" in cell or "[" in cell for row in section.rows for cell in row)
    with_intervals = per_label(evaluated(SINGLE, 300), ("precision",), most=30, intervals=True)
    assert all("[" in row[3] for row in with_intervals.rows)


@pytest.mark.parametrize("task", [SINGLE, MULTI])
def test_the_rows_behind_a_figure_are_those_below_its_line(task: Task) -> None:
    for n in (4, 60):
        evaluation = evaluated(task, n)
        behind, tables = rows_behind(evaluation), np.asarray(evaluation.confusion)
        for j, label in enumerate(task.labels):
            if task.multi_label:
                (_, false), (missed, hits) = tables[j]
            else:
                hits = tables[j, j]
                false, missed = tables[:, j].sum() - hits, tables[j].sum() - hits
            expected = {"precision": hits + false, "recall": hits + missed, "f1": hits + false + missed}
            assert {name: behind[name][j] for name in expected} == expected
            if expected["precision"]:
                figure = evaluation.per_label[label]["precision"]
                assert isinstance(figure, Interval)
                assert figure.value == pytest.approx(hits / expected["precision"])


@pytest.mark.parametrize(
    ("metric", "rows", "floor"),
    [
        ("f1:a", None, "always saying c"),
        ("recall:b", "3 rows of b", "always saying c"),
        ("precision:a", "5 rows of a", "always saying c"),
        ("recall:b@0.9", "3 rows of b", "knowing only how frequent each label is"),
        ("average_precision:b", "3 rows of b", "knowing only how frequent each label is"),
        ("roc_auc:a", "3 rows of a", "knowing only how frequent each label is"),
        ("f1_macro", None, "always saying c"),
        ("roc_auc_macro", None, "knowing only how frequent each label is"),
    ],
)
def test_a_headline_of_one_label_says_when_it_rests_on_few_rows(metric: str, rows: str | None, floor: str) -> None:
    figures = {metric: Interval(0.9, 0.8, 1.0)}
    found = replace(rare(), headline=metric, metrics=figures, floor={metric: Interval(0.1, 0.0, 0.2)}, always=("c",))
    said = headline(found)
    assert f"; {floor} reaches 0.100." in said
    assert (f"It rests on {rows}." in said) if rows else ("It rests on" not in said)
