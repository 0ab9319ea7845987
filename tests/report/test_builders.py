"""Comparisons, audits, exports and predictions as sections, made from the real thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from textgraft import MajorityClassifier, NgramClassifier, compare, given_splits, inspect
from textgraft.dataset import Dataset, Rows
from textgraft.decision import Decision
from textgraft.evaluation.parity import Parity, measure
from textgraft.ladder import Comparison
from textgraft.prediction import numbered, predict_stream
from textgraft.report.audit import audit_report
from textgraft.report.comparison import comparison_report
from textgraft.report.exports import attempts_section
from textgraft.report.predictions import predictions_section
from textgraft.report.terminal import as_text
from textgraft.task import Task

TEXTS = [f"a {'good' if i % 2 else 'bad'} film number {i}" for i in range(80)]


def dataset(task: Task) -> Dataset:
    targets = np.arange(80) % 2
    rows = Rows.numbered(80, "films.csv")
    return Dataset(TEXTS, np.eye(2, dtype=bool)[targets] if task.multi_label else targets, task, rows)


@pytest.fixture(scope="module", params=[False, True], ids=["single", "multi"])
def comparison(request: pytest.FixtureRequest) -> Comparison:
    data = dataset(Task(("bad", "good"), multi_label=request.param))
    return compare([NgramClassifier()], given_splits(data, test=data.select(range(40))))


def test_a_comparison_shows_the_main_metrics_costs_and_the_choice(comparison: Comparison) -> None:
    report = comparison_report(comparison)
    choice, table, leaks = report.sections
    task = comparison.splits.task
    main = "micro-F1" if task.multi_label else "accuracy"
    assert table.columns[:3] == ("method", f"{main} (95 % interval)", "macro-F1")
    assert table.columns[-5:] == ("train s", "texts/s", "MB", f"{main} where chosen", "p against best")
    assert table.title == "On 40 test rows; chosen and tested (p) on 80 training rows in 20 folds, twice"
    assert [row[0] for row in table.rows] == ["majority", "ngrams"]
    assert table.rows[1][-1] == "best"
    assert any(sentence.startswith("Leak: 40 of 40 test texts") for sentence in leaks.sentences)
    assert choice.sentences[0].startswith("Recommended: ngrams, the only method compared")
    assert choice.sentences[1].startswith(f"Expect {main} of 1.000 [")
    assert choice.sentences[1].endswith("That is on 40 test rows, which had no part in the choice.")
    assert str(comparison) == as_text(report)


def test_a_comparison_has_every_metric_where_asked(comparison: Comparison) -> None:
    report = comparison_report(comparison, every_metric=True)
    every = report.sections[2]
    names = [name for row in every.rows for name in row[-1].split(", ")]
    assert sorted(names) == sorted(comparison.results[0].evaluation.metrics)
    assert every.columns == ("metric", "majority", "ngrams", "in JSON")


def test_an_audit_has_a_column_per_part_and_marks_what_to_look_at() -> None:
    data = dataset(Task(("bad", "good")))
    report = audit_report("films.csv", inspect(given_splits(data, test=data.select(range(10)))))
    by_subject = {section.columns[0]: section for section in report.sections if section.columns}
    assert by_subject["labels"].columns == ("labels", "train", "test")
    assert by_subject["labels"].rows[0] == ("bad", "40 (50.0%)", "5 (50.0%)")
    assert by_subject["labels"].numbers == (1, 2)
    assert by_subject["leaks"].rows[0][:2] == ("test texts also in train", "!")
    to_do, following = report.sections[-2:]
    assert (to_do.title, following.title) == ("What to do", "Next")
    assert any("--drop-leaks" in sentence for sentence in to_do.sentences)
    assert any("drop_leaks=True" in line for line in following.commands)


@dataclass(frozen=True)
class Tried:
    recipe: str
    size: int
    parity: Parity | None
    fault: str | None


def test_attempts_of_an_export_show_what_was_measured_and_why_not() -> None:
    task = Task(("bad", "good"))
    before = np.full((4, 2), 0.5, np.float32) + np.array([0.3, -0.3], np.float32)
    parity = measure(
        before,
        before[:, ::-1],
        task,
        Decision.usual(task),
        np.array([0, 0, 1, 1]),
        speed_before=10.0,
        speed_after=2000.0,
    )
    section = attempts_section([Tried("int8", 0, None, "It broke."), Tried("fp32", 2_500_000, parity, None)], "Use it.")
    assert section.rows[0] == ("int8", "", "", "", "", "", "", "It broke.")
    recipe, difference, equal, metric, _, size, speed, verdict = section.rows[1]
    assert (recipe, difference, equal, metric) == ("fp32", "0.6000", "0.0%", "0.500 → 0.500")
    assert (size, speed, verdict) == ("2.5 MB", "10 → 2,000", "taken")
    assert section.sentences == ("Use it.",)


def test_predictions_show_the_label_and_every_probability_where_asked() -> None:
    model = MajorityClassifier().fit(TEXTS, ["good"] * 60 + ["bad"] * 20)
    rows = [row for prediction in predict_stream(model, numbered(["x [y]"])) for row in prediction.rows()]
    section = predictions_section(rows, model.task_, every_label=True)
    assert section.columns == ("label", "probability", "bad", "good", "text")
    assert section.rows == (("good", "0.750", "0.250", "0.750", "x [y]"),)
    assert predictions_section(rows, model.task_, every_label=False).rows == (("good", "0.750", "x [y]"),)
