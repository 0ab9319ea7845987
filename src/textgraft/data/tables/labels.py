"""Label columns to targets: one name per row, several in a cell, 0/1 vectors, or one 0/1 column per label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.data.tables.label_cells import (
    DELIMITERS,
    ONE_NAME,
    TRUTH,
    LabelCells,
    find_shape,
    split,
    split_vector,
    truth_of,
)
from textgraft.data.tables.lists import is_list
from textgraft.dataset import LabelShape, Rows
from textgraft.errors import DataError, SettingError, listed
from textgraft.label_sets import LabelSets
from textgraft.labels import label_names, label_order, spellings, told_apart
from textgraft.task import Targets, Task, moved
from textgraft.unicode import quoted


@dataclass(frozen=True)
class Labels:
    """Targets with their task, how they stood in the table (see ``Columns``), and what is to be said about it."""

    targets: Targets
    task: Task
    shape: LabelShape
    delimiter: str = ""
    said: tuple[str, ...] = ()

    @property
    def sets(self) -> LabelSets:
        """The labels of each row, whatever the task."""
        return self.task.sets(self.targets)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(k,) rows per label."""
        return self.sets.counts


def read_labels(
    columns: Mapping[str, Sequence[Any]],
    rows: Rows,
    *,
    shape: LabelShape | None = None,
    delimiter: str | None = None,
    single: bool = False,
) -> Labels:
    """The labels of n rows.

    Args:
        columns: one column of names, of several names each or of 0/1 vectors; or one column of 0 and 1 per label.
        rows: where the rows came from, for messages.
        shape: how the labels stood in the table that this one is read like; None finds out. Where a cell may hold
            several, lists are lists in this table too, and names are divided by ``delimiter``.
        delimiter: what divides the names in one cell; given without a shape, cells are divided by it.
        single: each cell is one name, whatever is in it.

    Raises:
        DataError: a row of a single-label task without a label, a 0/1 column with another value, a list that cannot
            be read, or cells that can be read in two ways.
        SettingError: the options contradict each other.
    """
    _check_options(columns, delimiter, single=single)
    if len(columns) > 1 or shape == "indicator":
        return _indicators(columns, rows)
    ((column, values),) = columns.items()
    if single or shape == "name":
        return _single(values, column, rows)
    cells = LabelCells(column, values, rows)
    found = find_shape(cells, delimiter, shape)
    if found.shape == "vector":
        return _vectors(cells)
    if found.shape == "name" and shape is None:
        return _single(values, column, rows)
    guessed = found.shape == "delimited" and not delimiter
    return _several(cells, "list" if found.shape == "name" else found.shape, found.delimiter, guessed=guessed)


def merged(labels: Labels, within: Sequence[str], known: Sequence[str] = ()) -> Labels:
    """Labels that differ in nothing but ``within`` as one, by its most frequent spelling, and a sentence about it.

    Where one of them is among ``known``, the names of the data that these go with, that is the spelling.
    """
    names = labels.task.labels
    counts = labels.counts
    rows = dict(zip(names, counts.tolist(), strict=True))
    chosen = spellings(rows | dict.fromkeys(known, sum(rows.values()) + 1), within)
    chosen = {name: best for name, best in chosen.items() if name in rows and name != best and name not in known}
    if not chosen:
        return labels
    task = Task(tuple(dict.fromkeys(chosen.get(name, name) for name in names)), labels.task.multi_label)
    if labels.shape != "indicator":
        task = Task(label_order(task.labels), task.multi_label)
    into: dict[str, list[str]] = {}
    for name, best in chosen.items():
        into.setdefault(best, []).append(f"{told_apart(name, (best,))} ({rows[name]:,})")
    said = (f"{listed(others, 6)} into {quoted(best)} ({rows.get(best, 0):,})" for best, others in into.items())
    sentence = f"Labels merged, with the rows of each: {listed(said, 12)}."
    places = {name: i for i, name in enumerate(task.labels)}
    place = np.array([places[chosen.get(name, name)] for name in names], np.int64)
    return Labels(moved(labels.targets, place, task), task, labels.shape, labels.delimiter, (*labels.said, sentence))


def _check_options(columns: Mapping[str, Sequence[Any]], delimiter: str | None, *, single: bool) -> None:
    if delimiter == "":
        raise SettingError(
            f"--label-delimiter (label_delimiter=) must not be empty; where each cell is one name, say {ONE_NAME}."
        )
    if single and delimiter:
        raise SettingError(
            "--single-label (single_label=True) reads each cell as one name; leave it out, or --label-delimiter "
            "(label_delimiter=)."
        )
    if len(columns) > 1 and (single or delimiter):
        option = "--single-label (single_label=True)" if single else "--label-delimiter (label_delimiter=)"
        raise SettingError(
            f"{option} is about one column of names; the labels are the 0/1 columns "
            f"{listed(map(quoted, columns), 6)}. Say which holds the labels with --label (label=)."
        )


def _single(values: Sequence[Any], column: str, rows: Rows) -> Labels:
    """One name per row."""
    several = next((i for i, value in enumerate(values) if is_list(value)), None)
    if several is not None:
        raise DataError(
            f"Column {quoted(column)} holds lists of labels ({rows.name(several)}) where one label per row is expected."
        )
    found = label_names(values, rows.name)
    missing = [i for i, name in enumerate(found) if name is None]
    if missing:
        verb = "row has" if len(missing) == 1 else "rows have"
        raise DataError(
            f"{len(missing):,} {verb} no label in column {quoted(column)}: {rows.names(missing)}. Label them or take "
            "them out of the table."
        )
    task = Task(label_order(name for name in found if name is not None))
    return Labels(task.encode(found), task, "name")


def _several(cells: LabelCells, shape: LabelShape, delimiter: str, *, guessed: bool) -> Labels:
    """Any number of names per row, in lists or divided by a delimiter."""
    parts: list[list[Any]] = []
    for i, value in enumerate(cells.values):
        items = cells.items(i)
        if items:
            if isinstance(items, Mapping):
                cells.refuse(i, "names with values and not a list of names as in the training table.")
            parts.append(list(items))
        else:
            parts.append([] if items is not None or cells.is_blank(i) else split(str(value), delimiter))
    row_of = [i for i, row in enumerate(parts) for _ in row]
    flat = iter(label_names([part for row in parts for part in row], lambda place: cells.rows.name(row_of[place])))
    found = [[name for name in islice(flat, len(row)) if name is not None] for row in parts]
    _check_repeats(cells, found)
    task = Task(label_order(name for row in found for name in row), multi_label=True)
    if not guessed:
        return Labels(task.encode(found), task, shape, delimiter)
    _check_other_marks(cells, found, task, delimiter)
    i = next(i for i, row in enumerate(parts) if len(row) > 1)
    example = repr(str(cells.values[i]).strip()[:60])
    said = f"{example} is read as {len(parts[i])} labels; {ONE_NAME} reads each cell as one name."
    return Labels(task.encode(found), task, shape, delimiter, (said,))


def _check_repeats(cells: LabelCells, found: Sequence[Sequence[str]]) -> None:
    for i, row in enumerate(found):
        distinct = set(row)
        if len(distinct) < len(row) and (cells.items(i) is not None or distinct <= TRUTH.keys()):
            cells.refuse(
                i,
                "which repeats a label. Name each label of a row once; if these are 0/1 values per label, all rows "
                "must have equally many, or give them as one column per label.",
            )


def _check_other_marks(cells: LabelCells, found: Sequence[Sequence[str]], task: Task, delimiter: str) -> None:
    """Refuses names that another delimiter would divide into labels of this column."""
    known = set(task.labels)
    for mark in DELIMITERS.replace(delimiter, ""):
        glued = {name for name in known if len(parts := split(name, mark)) > 1 and known.issuperset(parts)}
        if glued:
            i = next(i for i, row in enumerate(found) if glued.intersection(row))
            cells.refuse(
                i,
                f"where {quoted(mark)} divides names that are labels of their own, and other rows are divided by "
                f"{quoted(delimiter)}. Write one delimiter everywhere, or say which it is with --label-delimiter "
                f"(label_delimiter=).",
            )


def _vectors(cells: LabelCells) -> Labels:
    """A 0/1 value per label in each cell, named by place or by the cell; one label a row where each has a single 1."""
    if blank := [i for i in range(len(cells.values)) if cells.is_blank(i)]:
        cells.refuse(blank[0], "where other rows have 0/1 vectors. Write one, or take the row out.")
    first = cells.items(0)
    keys = list(first) if isinstance(first, Mapping) else None
    vectors: list[list[bool]] = []
    for i, value in enumerate(cells.values):
        items = cells.items(i)
        if isinstance(items, Mapping):
            if keys is None or items.keys() != set(keys):
                cells.refuse(i, f"which does not name the same labels as {cells.rows.name(0)}.")
            items = [items[key] for key in keys]
        items = split_vector(str(value)) if items is None else items
        vector = [truth_of(item) for item in items]
        if None in vector:
            cells.refuse(i, "where each label must have 0 or 1, or true or false.")
        vectors.append([bool(truth) for truth in vector])
    named = label_names(keys or range(len(vectors[0])), lambda _: cells.rows.name(0))
    matrix = np.array(vectors, dtype=np.bool_)
    task = Task(tuple(str(name) for name in named), multi_label=bool((matrix.sum(axis=1) != 1).any()))
    ones = "" if task.multi_label else ", with one 1 in each row: one label per text"
    names_said = "" if keys else f" The labels are named 0 to {len(task) - 1}, by their place."
    said = f"Each cell of {quoted(cells.column)} has a 0 or 1 for each of {len(task)} labels{ones}.{names_said}"
    return Labels(LabelSets.of(matrix) if task.multi_label else matrix.argmax(axis=1), task, "vector", said=(said,))


def _indicators(columns: Mapping[str, Sequence[Any]], rows: Rows) -> Labels:
    """A column of 0 and 1 per label."""
    targets = np.zeros((len(rows), len(columns)), dtype=np.bool_)
    for place, (column, values) in enumerate(columns.items()):
        truth = [TRUTH.get(name or "") for name in label_names(values, rows.name)]
        if count := truth.count(None):
            wrong = truth.index(None)
            more = f" (one of {count:,} such rows)" if count > 1 else ""
            raise DataError(
                f"Label column {quoted(column)} has the value {quoted(values[wrong])} in {rows.name(wrong)}{more}; "
                "with several label columns each must hold 0 or 1, or true or false, in every row."
            )
        targets[:, place] = truth
    named = dict(zip(columns, label_names(list(columns), lambda _: rows.files[0]), strict=True))
    for column, name in named.items():
        if twin := next((other for other, same in named.items() if same == name and other != column), None):
            raise DataError(
                f"The label columns {quoted(column)} and {quoted(twin)} name one label, {quoted(name)}. Rename one, or "
                "say which columns are labels with --label (label=)."
            )
    return Labels(
        LabelSets.of(targets), Task(tuple(str(name) for name in named.values()), multi_label=True), "indicator"
    )
