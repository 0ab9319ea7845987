"""Cost matrices: what it costs to predict a label where another one, or the same, is true."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.cells import cells, wide_of
from textgraft.errors import DataError, SettingError, did_you_mean, listed
from textgraft.labels import alike, label_name
from textgraft.task import Task
from textgraft.unicode import quoted

Costs = dict[str, dict[str, float]]
"""The cost by the true and then by the predicted label."""

MOST_BYTES = 1 << 26  # of a file; of 2,000 labels it has less
FORM = (
    "A cost matrix is a CSV file with the true label in the first column and one column for each predicted label, or "
    "in Python {true: {predicted: cost}}, a frame of that form, or an array in the order of the labels"
)


def named_costs(given: Any) -> Costs | NDArray[np.float64]:
    """Costs as they were given, checked as far as that is possible without the labels.

    Args:
        given: a path of a CSV file; a mapping of mappings; a frame with the true labels in its index, or in its first
            column where it has one column more than rows; or k rows of k numbers.

    Returns:
        Costs by name, or (k, k) where they have no names.

    Raises:
        SettingError: they cannot be read, a cost is no number of 0 or more, a label is there twice, or whatever is
            predicted costs the same.
    """
    if isinstance(given, (str, os.PathLike)):
        name, (columns, rows) = Path(given).name, _read(Path(given))
        return _by_name(columns, rows, lambda i, true: f"{name}, row {i + 2} (true {quoted(true)})")
    if isinstance(given, Mapping):
        if not given or not all(isinstance(row, Mapping) for row in given.values()):
            raise SettingError(f"metric must be a name or costs; got {quoted(given)}. {FORM}.")
        by_name = [
            (true, dict(zip(_names([*row], "column"), row.values(), strict=True))) for true, row in given.items()
        ]
        names = list(dict.fromkeys(name for _, row in by_name for name in row))
        matrix_rows = [(true, [row.get(name) for name in names]) for true, row in by_name]
        return _by_name(names, matrix_rows, lambda _, true: f"The costs where {quoted(true)} is true")
    wide = wide_of(given)
    if wide is not None and wide.names is not None:
        columns, values = list(wide.names), wide.values.tolist()
        if len(columns) == len(values) + 1:
            rows = [(row[0], row[1:]) for row in values]
            columns = columns[1:]
        else:
            rows = list(zip(cells(getattr(given, "index", columns)), values, strict=False))
        return _by_name(columns, rows, lambda _, true: f"The costs where {quoted(true)} is true")
    try:
        matrix = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise SettingError(f"metric must be a name or costs; got {quoted(given)}. {FORM}.")
    if not (np.isfinite(matrix) & (matrix >= 0)).all():
        wrong = matrix[~(np.isfinite(matrix) & (matrix >= 0))][0]
        raise SettingError(f"A cost must be a number of 0 or more; got {wrong:g}.")
    _check_choice(matrix)
    return matrix


def cost_matrix(costs: Costs | NDArray[np.float64], task: Task) -> NDArray[np.float64]:
    """(k, k) costs, true labels in rows and predicted ones in columns, in the order of the task.

    Raises:
        SettingError: the task has several labels per text, or they are costs of other labels.
    """
    if task.multi_label:
        raise SettingError(
            "A cost matrix is for a task with one label per text, and this one is multi-label; choose by one of its "
            "metrics, such as f1_macro or f1:LABEL."
        )
    k = len(task)
    if isinstance(costs, np.ndarray):
        if costs.shape != (k, k):
            raise SettingError(
                f"The cost matrix is for {len(costs)} labels, and the task has {k} ({listed(task.labels, 12)}); "
                "give a row and a column for each, in this order."
            )
        return costs
    matrix = np.full((k, k), np.nan)
    columns = _places(next(iter(costs.values())), task, "column")
    for true, i in zip(costs, _places(costs, task, "row"), strict=True):
        matrix[i, columns] = list(costs[true].values())
    for what, missing in (("row", np.isnan(matrix).all(axis=1)), ("column", np.isnan(matrix).all(axis=0))):
        if missing.any():
            names = listed(quoted(task.labels[i]) for i in np.flatnonzero(missing))
            raise SettingError(
                f"The cost matrix has no {what} for {names}; it needs a row and a column for each of the {k} labels, "
                f"{listed(task.labels, 12)}."
            )
    return matrix


def _places(names: Iterable[str], task: Task, what: str) -> list[int]:
    """Where the labels of the rows or of the columns stand in the task."""
    found: list[int] = []
    for name in names:
        label = alike(name, task.labels, ())
        if label is None:
            raise SettingError(
                f"The cost matrix has a {what} for {quoted(name)}, which is no label; the labels are "
                f"{listed(task.labels, 12)}.{did_you_mean(name, task.labels)}"
            )
        found.append(task.labels.index(label))
    return found


def _by_name(columns: Sequence[Any], rows: Sequence[tuple[Any, Sequence[Any]]], place: Any) -> Costs:
    """Costs from the names of the columns and the rows; ``place`` says in which row, for messages."""
    predicted = _names(columns, "column")
    costs = {}
    for i, (true, row) in enumerate(
        zip(_names([true for true, _ in rows], "row"), (row for _, row in rows), strict=True)
    ):
        if len(row) != len(predicted):
            raise SettingError(
                f"{place(i, true)} has {len(row)} costs, and there are {len(predicted)} columns of predicted labels."
            )
        costs[true] = {name: _cost(cell, place(i, true), name) for name, cell in zip(predicted, row, strict=True)}
    _check_choice(np.array([list(row.values()) for row in costs.values()]))
    return costs


def _names(given: Sequence[Any], what: str) -> list[str]:
    names: list[str] = []
    for each in given:
        try:
            name = label_name(each)
        except DataError as error:
            raise SettingError(f"A {what} of the cost matrix is for no label: {error}") from None
        if name is None:
            raise SettingError(f"A {what} of the cost matrix does not say for which label it is. {FORM}.")
        if name in names:
            raise SettingError(f"The cost matrix has two {what}s for {quoted(name)}.")
        names.append(name)
    if not names:
        raise SettingError(f"The cost matrix has no {what}s. {FORM}.")
    return names


def _cost(cell: Any, place: str, column: str) -> float:
    try:
        cost = math.nan if cell is None or isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError):
        cost = math.nan
    if not 0 <= cost < math.inf:
        got = "nothing" if cell is None or cell == "" else quoted(cell)
        raise SettingError(f"{place}, predicted {quoted(column)}: a cost must be a number of 0 or more; got {got}.")
    return cost


def _check_choice(matrix: NDArray[np.float64]) -> None:
    if (matrix == matrix[:, :1]).all():
        raise SettingError(
            "By this cost matrix each label costs the same whatever is predicted, so there is nothing to choose by; "
            "give a higher cost where the predicted label is not the true one."
        )


def _read(path: Path) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The names of the columns, and the rows with their names, of a CSV file."""
    if not path.is_file():
        raise SettingError(f"There is no file {path} with a cost matrix. {FORM}.")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingError(f"{path} has {path.stat().st_size:,} bytes; a cost matrix has at most {MOST_BYTES:,}.")
        text = path.read_text("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        lines = [line for line in csv.reader(text.splitlines(), delimiter=separator, strict=True) if any(line)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError(f"The cost matrix {path} cannot be read: {error}.") from None
    if len(lines) < 2:
        raise SettingError(f"{path} holds no cost matrix. {FORM}.")
    decimal = "," if separator == "," else "."  # where cells are not divided by commas, one within is a decimal one
    rows = [(line[0], [cell.strip().replace(",", decimal) for cell in line[1:]]) for line in lines[1:]]
    return lines[0][1:], rows
