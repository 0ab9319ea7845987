"""Columns and tables of any library as Python's own values.

A library is recognised by what its objects answer to, so that none is imported for the asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHORT = frozenset(("float16", "float32", "float", "halffloat"))  # the last two are PyArrow's names


@dataclass(frozen=True)
class Wide:
    """A table or matrix: (n, k) values or more, and the names of its columns where it has any."""

    values: NDArray[Any]
    names: tuple[str, ...] | None = None

    @property
    def column(self) -> list[Any] | None:
        """The values of the only column; None if there are several."""
        return [plain(item) for item in self.values[:, 0].tolist()] if self.values.shape[1:] == (1,) else None


def wide_of(given: Any) -> Wide | None:
    """The values of a frame, a table, or an array or tensor of two dimensions or more; None for all else."""
    if hasattr(given, "collect_schema") and hasattr(given, "collect"):  # a polars LazyFrame
        given = given.collect()
    if hasattr(given, "toarray"):  # a sparse matrix
        given = given.toarray()
    if hasattr(given, "detach") and given.ndim > 1:
        given = _of_tensor(given)
    if isinstance(given, np.ndarray):
        return Wide(np.asarray(given)) if given.ndim > 1 else None
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        names, columns = list(given.columns), [given.iloc[:, i] for i in range(len(given.columns))]
    elif hasattr(given, "get_columns"):
        names, columns = given.columns, given.get_columns()
    elif hasattr(given, "column_names") and hasattr(given, "column"):
        names, columns = given.column_names, [given.column(i) for i in range(len(given.column_names))]
    else:
        return None
    values = np.empty((len(columns[0]) if columns else 0, len(columns)), dtype=object)
    for i, column in enumerate(columns):
        values[:, i] = _objects(cells(column))
    return Wide(values, tuple(map(str, names)))


def cells(column: Any) -> list[Any]:
    """The values of a column; None where its library says that one is missing.

    Floats of few bits stay NumPy's, so that they are written with as many digits as they have.

    Raises:
        TypeError: it cannot be iterated.
    """
    if hasattr(column, "detach"):
        column = _of_tensor(column)
    short = str(getattr(column, "dtype", getattr(column, "type", ""))).lower() in _SHORT
    if hasattr(column, "isna") and hasattr(column, "to_numpy"):  # pandas
        absent = np.asarray(column.isna())
        values = _objects(column.to_numpy()) if short else column.to_numpy(object, copy=True)
        values[absent] = None
        return list(values)
    if isinstance(column, np.ndarray):
        if column.dtype.kind in "mM":  # those of nanoseconds would come as numbers
            column = column.astype(f"{column.dtype.kind}8[us]")
        return list(column) if short and not isinstance(column, np.ma.MaskedArray) else list(column.tolist())
    for name in ("to_pylist", "to_list"):  # PyArrow's and polars'
        if hasattr(column, name):
            values = getattr(column, name)()
            return [None if value is None else np.float32(value) for value in values] if short else list(values)
    return list(column)


def plain(item: Any) -> Any:
    """An item as an object of Python or NumPy.

    It may be a scalar of PyArrow or torch, a moment in nanoseconds, or a member of an Enum that is a string or number.
    """
    if type(item) in (str, int, float, bool, list, tuple):
        return item
    if isinstance(item, Enum) and isinstance(item, (str, int, float)):
        return item.value
    if hasattr(item, "as_py"):
        return item.as_py()
    if isinstance(item, np.datetime64):
        return item.astype("M8[us]").item()
    if hasattr(item, "detach") and item.ndim == 0:
        return _of_tensor(item)[()]
    return item[()] if isinstance(item, np.ndarray) and item.ndim == 0 else item


def brief(value: Any) -> str:
    """A value for a message, on one line and not too long."""
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _of_tensor(tensor: Any) -> NDArray[Any]:
    dense = tensor.detach().cpu().to_dense()
    if dense.is_floating_point() and dense.element_size() < 4:  # NumPy has no bfloat16
        dense = dense.float()
    return np.asarray(dense.numpy())


def _objects(values: Any) -> NDArray[Any]:
    """(n,) objects, whatever has a length among them."""
    made = np.empty(len(values), dtype=object)
    made[:] = list(values)
    return made
