"""``--metric`` on the command line: every form, and one line for what cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .commands import refused, said, textgraft


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("metric") / "t.csv"
    rows = [
        f"{'good' if i % 3 else 'bad'} film number {i} {'a' * (i % 7)},{'yes' if i % 3 else 'no'}" for i in range(120)
    ]
    path.write_text("text,label\n" + "\n".join(rows))
    (path.parent / "costs.csv").write_text("true,no,yes\nno,0,9\nyes,1,0\n")
    (path.parent / "other.csv").write_text("true,no,yess\nno,0,9\nyes,1,0\n")
    (path.parent / "negative.csv").write_text("true,no,yes\nno,0,9\nyes,-1,0\n")
    return path


@pytest.mark.parametrize(
    ("metric", "name", "shown"),
    [
        ("macro-F1", "f1_macro", "macro-F1"),
        ("recall:no@0.5", "recall:no@0.5", "recall of no (at a precision of 0.5)"),
        ("costs.csv", "mean_cost", "mean cost"),
    ],
)
def test_training_and_evaluating_show_the_metric_first(table: Path, metric: str, name: str, shown: str) -> None:
    given, out = table.parent / metric if metric.endswith(".csv") else metric, table.parent / f"{name[:6]}-model"
    assert shown in said("train", table, "--method", "ngrams", "--metric", given, "--out", out)
    content = json.loads(said("evaluate", out, table, "--json"))
    assert content["headline"] == name
    assert {"value", "low", "high"} == content["metrics"][name].keys()
    assert json.loads(said("evaluate", out, table, "--json", "--metric", "f1:yes"))["headline"] == "f1:yes"
    assert "a label that the task does not have" in refused("evaluate", out, table, "--metric", "f1:maybe")


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("f1:nope", "'f1:nope' is of a label that the task does not have; the labels are no, yes. Did you mean 'no'?"),
        ("f1_samples", "'f1_samples' is not a metric of a single-label task"),
        ("recall:no@1.5", "must be above 0 and at most 1"),
        ("f1:", "write f1:LABEL"),
        ("acuracy", "Did you mean 'accuracy'"),
        ("gone.csv", "There is no file"),
        (
            "other.csv",
            "The cost matrix has a column for 'yess', which is no label; the labels are no, yes. Did you mean",
        ),
        (
            "negative.csv",
            "negative.csv, row 3 (true 'yes'), predicted 'no': a cost must be a number of 0 or more; got '-1'",
        ),
    ],
)
def test_a_metric_that_cannot_be_used_is_one_line(table: Path, tmp_path: Path, metric: str, sentence: str) -> None:
    given = table.parent / metric if metric.endswith(".csv") else metric
    assert sentence in refused("train", table, "--method", "ngrams", "--metric", given, "--out", tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_the_help_says_in_which_forms_a_metric_is_given() -> None:
    shown = " ".join(textgraft("train", "--help").stdout.replace("│", " ").split())
    assert "recall:LABEL@0.9 (at a precision)" in shown
