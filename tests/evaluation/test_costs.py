"""Cost matrices: every form that they come in, and a sentence for what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from textgraft.errors import SettingError
from textgraft.evaluation.costs import cost_matrix, named_costs
from textgraft.task import Task

TASK = Task(("0", "1", "a, b"))
MATRIX = [[0, 1, 2], [3, 0, 4], [5.5, 6, 0.5]]
NAMED = {true: dict(zip(TASK.labels, row, strict=True)) for true, row in zip(TASK.labels, MATRIX, strict=True)}
CSV = 'true,"a, b",0,1\n1,4,3,0\n"a, b",0.5,5.5,6\n\n0,2,0,1\n'


def written(folder: Path, text: str, name: str = "costs.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "given",
    [
        NAMED,
        {0: {0: 0, 1: 1, "a, b": 2}, np.int64(1): {1.0: 0, "0": 3, "a, b": 4}, "a, b": {0: 5.5, 1: 6, "a, b": 0.5}},
        MATRIX,
        np.array(MATRIX),
        pd.DataFrame(MATRIX, [0, 1, "a, b"], [0, 1, "a, b"]),
        pd.DataFrame({"true": [0, 1, "a, b"]} | {name: np.array(MATRIX)[:, j] for j, name in enumerate(TASK.labels)}),
        pl.DataFrame(
            {"true": ["0", "1", "a, b"]} | {name: np.array(MATRIX)[:, j] for j, name in enumerate(TASK.labels)}
        ),
    ],
)
def test_costs_are_the_same_in_every_form(given: Any) -> None:
    np.testing.assert_array_equal(cost_matrix(named_costs(given), TASK), MATRIX)


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        "\ufeff" + CSV.replace("\n", "\r\n"),
        CSV.replace('"a, b"', "a+ b").replace(",", ";").replace(".", ",").replace("+", ","),
        CSV.replace('"a, b"', "a+ b").replace(",", "\t").replace("+", ","),
    ],
)
def test_a_file_may_have_any_order_line_ends_and_separators(tmp_path: Path, text: str) -> None:
    np.testing.assert_array_equal(cost_matrix(named_costs(written(tmp_path, text)), TASK), MATRIX)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (CSV.replace("5.5", "-1"), r"costs.csv, row 3 \(true 'a, b'\), predicted '0': a cost must be a number of 0 or"),
        (CSV.replace("5.5", "much"), "a number of 0 or more; got 'much'"),
        (CSV.replace("5.5", ""), "got nothing"),
        (CSV.replace("5.5", "inf"), "got 'inf'"),
        (CSV.replace(",5.5", ""), r"row 3 \(true 'a, b'\) has 2 costs, and there are 3 columns"),
        (CSV.replace("\n1,", "\n0,"), "The cost matrix has two rows for '0'"),
        (CSV.replace(",0,1\n", ",0,0\n"), "The cost matrix has two columns for '0'"),
        ("true,a,b\na,2,2\nb,1,1\n", "costs the same whatever is predicted"),
        ("true,a,b\n", "costs.csv holds no cost matrix"),
        ("", "costs.csv holds no cost matrix"),
        ('true,a,b\na,"1,2\n', "costs.csv cannot be read"),
        ("true,,b\na,0,1\nb,1,0", "does not say for which label"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_row_and_value(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        named_costs(written(tmp_path, text))


def test_bytes_that_are_no_text_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingError, match="cannot be read"):
        named_costs(tmp_path / "costs.csv")
    for place in (tmp_path, tmp_path / "none.csv", Path("/dev/zero")):
        with pytest.raises(SettingError, match="There is no file"):
            named_costs(place)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c.pop("1"), "has no row for '1'; it needs a row and a column for each of the 3 labels"),
        (lambda c: [row.pop("1") for row in c.values()], "has no column for '1'"),
        (lambda c: c.update({"2": c.pop("1")}), "has a row for '2', which is no label; the labels are 0, 1, a, b"),
        (lambda c: [row.update({"A, b": row.pop("a, b")}) for row in c.values()], "column for 'A, b'.*mean 'a, b'"),
    ],
)
def test_costs_of_other_labels_are_refused(change: Any, sentence: str) -> None:
    costs = {true: dict(row) for true, row in NAMED.items()}
    change(costs)
    with pytest.raises(SettingError, match=sentence):
        cost_matrix(named_costs(costs), TASK)


@pytest.mark.parametrize(
    "given",
    [{}, {"a": 1}, [[0, 1]], [[0]], [["a", "b"], [1, 2]], 7, [[0, -1], [1, 0]], [[0, np.nan], [1, 0]], [[1, 1]] * 2],
)
def test_what_is_no_matrix_of_costs_is_refused(given: Any) -> None:
    with pytest.raises(SettingError, match="cost"):
        named_costs(given)


def test_a_matrix_without_names_must_have_as_many_labels_as_the_task() -> None:
    with pytest.raises(SettingError, match=r"for 2 labels, and the task has 3 \(0, 1, a, b\)"):
        cost_matrix(named_costs([[0, 1], [1, 0]]), TASK)
