"""What ``fit`` and ``predict`` are given: plain lists, arrays, Series and frames as a Dataset."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import WEIGHTS_ALLOWED, Dataset, Rows, unusable_weights
from textgraft.errors import DataError
from textgraft.task import Task
from textgraft.unicode import whole

Labels = Sequence[Any] | NDArray[Any]


def as_texts(texts: Iterable[str]) -> list[str]:
    """A list of str.

    Raises:
        DataError: a single string, or an item that is not a string.
    """
    if isinstance(texts, str):
        raise DataError("Texts must come as a list; got one string. Put it in brackets: [text].")
    if getattr(texts, "ndim", 1) != 1:
        raise DataError("Texts must come as one list; got a table or matrix. Take its text column: frame['text'].")
    items = texts.tolist() if hasattr(texts, "tolist") else list(texts)
    for i, item in enumerate(items):
        if not isinstance(item, str):
            raise DataError(f"Texts must be strings; item {i} is {item!r} of type {type(item).__name__}.")
    return [whole(item) for item in items]


def as_dataset(texts: Dataset | Iterable[str], labels: Labels | None) -> tuple[Dataset, NDArray[Any]]:
    """The Dataset of what ``fit`` was given, and the (k,) labels in the caller's own types.

    Integer labels of a multi-label task mean that a 0/1 matrix was given: they are the numbers of its columns.

    Raises:
        DataError: texts and labels do not go together, or labels that cannot be used.
    """
    if isinstance(texts, Dataset):
        if labels is not None:
            raise DataError("A Dataset carries its labels; give fit either a Dataset or texts and labels.")
        return texts, np.array(texts.task.labels, dtype=object)
    if labels is None:
        raise DataError("fit needs labels: give it a Dataset, or texts and as many labels.")
    items = as_texts(texts)
    if len(items) != len(labels):
        raise DataError(f"There must be as many labels as texts; got {len(items):,} texts and {len(labels):,} labels.")
    if not items:
        raise DataError("fit needs at least two texts; got none.")
    if getattr(labels, "ndim", 1) == 2:
        return _from_matrix(items, np.asarray(labels))
    listed = list(labels)
    if isinstance(listed[0], (list, tuple, set, frozenset)):
        return _from_collections(items, [list(row) for row in listed])
    return _from_values(items, listed, np.asarray(labels))


def with_weights(data: Dataset, weights: Any) -> Dataset:
    """The data with what each row counts, (n,), as ``fit`` was given it; weights of 1 are none.

    Raises:
        DataError: they are not one number for each row, 0 or above, or the data has weights already.
    """
    if weights is not None:
        if data.weights is not None:
            raise DataError("This Dataset carries its weights; give fit either those or sample_weight.")
        items = weights.tolist() if hasattr(weights, "tolist") else weights
        items = list(items) if isinstance(items, Iterable) and not isinstance(items, (str, bytes)) else items
        if not isinstance(items, list) or len(items) != len(data):
            given = f"{len(items):,}" if isinstance(items, list) else repr(items)
            raise DataError(f"sample_weight must be {len(data):,} numbers, one for each text; got {given}.")
        numbers = np.array([_number(item) for item in items], np.float64)
        if len(wrong := unusable_weights(numbers)):
            raise DataError(
                f"What a text counts must be {WEIGHTS_ALLOWED}; item {wrong[0]} of sample_weight is "
                f"{items[wrong[0]]!r}. 0 leaves a text out."
            )
        data = replace(data, weights=numbers)
    return replace(data, weights=None) if data.weights is not None and (data.weights == 1).all() else data


def _number(item: Any) -> float:
    """A number as it was given; not a number for anything else."""
    return float(item) if isinstance(item, Real) else math.nan


def _from_values(texts: list[str], listed: list[Any], values: NDArray[Any]) -> tuple[Dataset, NDArray[Any]]:
    """One label per text."""
    missing = [i for i, label in enumerate(listed) if label is None or (isinstance(label, float) and math.isnan(label))]
    if missing:
        raise DataError(f"{len(missing):,} labels are missing, the first at item {missing[0]}; take these texts out.")
    if len({isinstance(label, str) for label in listed}) > 1:
        raise DataError("Labels must be all strings or all numbers; got both. Turn them into strings.")
    classes, targets = np.unique(values, return_inverse=True)
    task = Task(tuple(str(label) for label in classes.tolist()))
    return Dataset(texts, targets.astype(np.int64), task, Rows.numbered(len(texts))), classes


def _from_matrix(texts: list[str], values: NDArray[Any]) -> tuple[Dataset, NDArray[Any]]:
    """A column of 0 and 1 per label."""
    if not np.isin(values, (0, 1)).all():
        raise DataError("A label matrix must hold 0 and 1 only; give one column per label.")
    task = Task(tuple(str(i) for i in range(values.shape[1])), multi_label=True)
    return Dataset(texts, values.astype(np.bool_), task, Rows.numbered(len(texts))), np.arange(values.shape[1])


def _from_collections(texts: list[str], rows: list[list[Any]]) -> tuple[Dataset, NDArray[Any]]:
    """Any number of label names per text; or rows of equally many 0 and 1, which are a matrix."""
    sizes = {len(row) for row in rows}
    if len(sizes) == 1 and sizes > {0} and all(type(v) in (int, bool) and v in (0, 1) for row in rows for v in row):
        return _from_matrix(texts, np.array(rows))
    names = [[str(name) for name in row] for row in rows]
    task = Task(tuple(sorted({name for row in names for name in row})), multi_label=True)
    return Dataset(texts, task.encode(names), task, Rows.numbered(len(texts))), np.array(task.labels, dtype=object)
