"""Label columns to targets: one name per row, lists, delimited names, or one 0/1 column per label."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from textgraft.data.tables import names
from textgraft.dataset import LabelShape, Rows
from textgraft.errors import DataError
from textgraft.labels import is_missing, label_names, label_order
from textgraft.task import Targets, Task

_DELIMITERS = ";|,"
_TRUTH = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}


@dataclass(frozen=True)
class Labels:
    """Targets with their task, and how they stood in the table (see ``Columns``)."""

    targets: Targets
    task: Task
    shape: LabelShape
    delimiter: str = ""


def read_labels(
    columns: Mapping[str, Sequence[Any]], rows: Rows, *, shape: LabelShape | None = None, delimiter: str | None = None
) -> Labels:
    """The labels of n rows.

    Args:
        columns: one column of names, lists or delimited names; or one column of 0 and 1 per label.
        rows: where the rows came from, for messages.
        shape: how the labels stand there; None finds out.
        delimiter: what divides the names in one cell; given without a shape, cells are divided by it.

    Raises:
        DataError: a row of a single-label task without a label, a 0/1 column with another value, a list that cannot
            be read.
    """
    if len(columns) > 1 or shape == "indicator":
        return _indicators(columns, rows)
    ((column, cells),) = columns.items()
    if shape is None:
        shape, delimiter = _find_shape(column, cells, delimiter)
    if shape == "list":
        return _multi([_as_list(cell, column, rows.name(i)) for i, cell in enumerate(cells)], rows, shape)
    if shape == "delimited":
        parts = [[] if is_missing(cell) else _split(str(cell), delimiter or "") for cell in cells]
        return _multi(parts, rows, shape, delimiter or "")
    return _single(cells, column, rows)


def _single(cells: Sequence[Any], column: str, rows: Rows) -> Labels:
    if any(_is_list(cell) for cell in cells):
        raise DataError(f"Column {column!r} holds lists of labels where one label per row is expected.")
    names = label_names(cells, rows.name)
    missing = [i for i, name in enumerate(names) if name is None]
    if missing:
        verb = "row has" if len(missing) == 1 else "rows have"
        raise DataError(
            f"{len(missing):,} {verb} no label in column {column!r}: {rows.names(missing)}. Label them or take them "
            f"out of the table."
        )
    task = Task(label_order(name for name in names if name is not None))
    return Labels(task.encode(names), task, "name")


def _multi(parts: Sequence[Sequence[Any]], rows: Rows, shape: LabelShape, delimiter: str = "") -> Labels:
    row_of = [i for i, row in enumerate(parts) for _ in row]
    flat = iter(label_names([part for row in parts for part in row], lambda place: rows.name(row_of[place])))
    names = [[name for name in islice(flat, len(row)) if name is not None] for row in parts]
    task = Task(label_order(name for row in names for name in row), multi_label=True)
    return Labels(task.encode(names), task, shape, delimiter)


def _indicators(columns: Mapping[str, Sequence[Any]], rows: Rows) -> Labels:
    targets = np.zeros((len(rows), len(columns)), dtype=np.bool_)
    for place, (column, cells) in enumerate(columns.items()):
        truth = [_TRUTH.get(str(cell).strip().lower()) for cell in cells]
        if count := truth.count(None):
            wrong = truth.index(None)
            more = f" (one of {count:,} such rows)" if count > 1 else ""
            raise DataError(
                f"Label column {column!r} has the value {cells[wrong]!r} in {rows.name(wrong)}{more}; with several "
                f"label columns each must hold 0 or 1, or true or false, in every row."
            )
        targets[:, place] = truth
    return Labels(targets, Task(tuple(columns), multi_label=True), "indicator")


def _find_shape(column: str, cells: Sequence[Any], delimiter: str | None) -> tuple[LabelShape, str]:
    filled = [cell for cell in cells if not is_missing(cell)]
    if any(_is_list(cell) for cell in filled):
        return "list", ""
    texts = Counter(cell.strip() for cell in filled if isinstance(cell, str))
    if texts and all(text.startswith("[") and text.endswith("]") for text in texts):
        return "list", ""
    if delimiter:
        return "delimited", delimiter
    strict = names.whole(column) not in names.PLURAL
    delimiter = next((mark for mark in _DELIMITERS if _divides(texts, mark, strict)), "")
    return ("delimited", delimiter) if delimiter else ("name", "")


def _divides(texts: Counter[str], mark: str, strict: bool) -> bool:
    """Whether cells are several labels each: their parts recur in other cells and are fewer than these.

    ``strict`` asks it of nearly all parts, else of half of them; a name such as ``rock; pop`` fails, for neither part
    stands anywhere else.
    """
    divided = {text: _split(text, mark) for text in texts}
    several = {text: parts for text, parts in divided.items() if len(parts) > 1}
    if not several:
        return False
    where = Counter(part for parts in divided.values() for part in set(parts))
    total = sum(texts[text] * len(parts) for text, parts in several.items())
    recurring = sum(texts[text] * sum(where[part] > 1 for part in parts) for text, parts in several.items())
    return len(where) < len(divided) and recurring >= (0.9 if strict else 0.5) * total


def _split(text: str, mark: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(mark)) if part]


def _is_list(cell: Any) -> bool:
    return isinstance(cell, (list, tuple, set, frozenset)) or (hasattr(cell, "__array__") and np.ndim(cell) == 1)


def _as_list(cell: Any, column: str, row: str) -> list[Any]:
    """The labels in a cell that is a list, or is written as JSON or Python writes one."""
    if _is_list(cell):
        items = sorted(cell) if isinstance(cell, (set, frozenset)) else list(cell)
    elif is_missing(cell):
        return []
    else:
        items = _parse_list(str(cell))
        if not isinstance(items, (list, tuple)):
            raise DataError(
                f"Label column {column!r} has {str(cell)[:60]!r} in {row}, which is not a list such as "
                f"['joy', 'love'] as in other rows."
            )
        items = list(items)
    if len({str(item) for item in items}) < len(items):
        raise DataError(
            f"Label column {column!r} repeats a label in {row}: {str(items)[:60]}. If these are 0/1 values per label, "
            f"give them as one column per label."
        )
    return items


def _parse_list(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None
