"""Tables that are Python objects already: lists, and those of pandas, polars, PyArrow and `datasets`.

A library is recognised by where an object's class comes from, so that none is imported for the asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from textgraft.data.tables.chunks import Chunk
from textgraft.data.tables.header import column_names
from textgraft.data.tables.json_lines import by_column
from textgraft.errors import DataError
from textgraft.labels import is_missing

GIVEN = "the given table"


def is_source(source: Any) -> bool:
    """Whether ``source`` names files: a path, or a list of paths."""
    if isinstance(source, (str, Path)):
        return True
    return isinstance(source, (list, tuple)) and all(isinstance(item, (str, Path)) for item in source)


def object_chunks(source: Any, size: int) -> Iterator[Chunk]:
    """The rows of a Python object, numbered from 1.

    Args:
        source: a list of dictionaries or of (text, label) pairs; a dictionary of columns; a pandas or polars
            DataFrame; a PyArrow Table; a `datasets` Dataset, or a DatasetDict, whose rows get a column ``split``.
        size: the most rows of a chunk.

    Raises:
        DataError: it is none of these, or its rows differ in shape.
    """
    home = {cls.__module__.split(".")[0] for cls in type(source).__mro__}
    if isinstance(source, Mapping):
        yield from _mapping(source, size)
    elif isinstance(source, (list, tuple)):
        yield from _slices(_listed(source), size)
    elif "pandas" in home and hasattr(source, "columns"):
        yield from _slices(_pandas(source), size)
    elif "polars" in home:
        frame = source.collect() if hasattr(source, "collect") else source
        yield from _slices({name: frame[name].to_list() for name in frame.columns}, size)
    elif "pyarrow" in home and hasattr(source, "schema"):
        yield from _arrow(source, size, source.schema)
    elif "datasets" in home and hasattr(source, "with_format") and hasattr(source, "__getitem__"):
        yield from _arrow(source.with_format("arrow")[:], size, source.features.arrow_schema)
    else:
        raise DataError(
            f"A table cannot be read from an object of type {type(source).__name__}; give a path, a list of paths, "
            f"dictionaries or (text, label) pairs, a pandas or polars DataFrame, a PyArrow Table or a datasets.Dataset."
        )


def _mapping(source: Mapping[Any, Any], size: int) -> Iterator[Chunk]:
    tables = {str(name): part for name, part in source.items() if hasattr(part, "with_format")}
    if tables and len(tables) == len(source):
        for name, part in tables.items():
            for chunk in object_chunks(part, size):
                yield replace(chunk.of_part(name), file=f"{GIVEN}, split {name!r},")
        return
    columns = {str(name): _as_list(values, str(name)) for name, values in source.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name!r} has {length:,}" for name, length in lengths.items())
        raise DataError(f"The columns of a table must be equally long; {said}.")
    yield from _slices(columns, size)


def _listed(rows: Sequence[Any]) -> dict[str, list[Any]]:
    if all(isinstance(row, Mapping) for row in rows):
        return by_column([dict(row) for row in rows])
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, (list, tuple)) or len(row) != 2 or not isinstance(row[0], str):
            raise DataError(
                f"A list of rows must hold dictionaries only or (text, label) pairs only; row {number} is "
                f"{repr(row)[:60]}."
            )
    return {"text": [row[0] for row in rows], "label": [row[1] for row in rows]}


def _pandas(frame: Any) -> dict[str, list[Any]]:
    names = column_names([str(name) for name in frame.columns], 0, GIVEN)
    columns = [frame.iloc[:, i].astype(object).tolist() for i in range(len(names))]
    return {
        name: [None if is_missing(value) and value != "" else value for value in values]
        for name, values in zip(names, columns, strict=True)
    }


def _arrow(table: Any, size: int, schema: Any) -> Iterator[Chunk]:
    from textgraft.data.tables.columnar import batch_chunks  # PyArrow is only needed for those who have its tables

    batches = table.to_batches(max_chunksize=size) if hasattr(table, "to_batches") else [table]
    yield from batch_chunks(batches, schema, GIVEN)


def _slices(columns: dict[str, list[Any]], size: int) -> Iterator[Chunk]:
    n = len(next(iter(columns.values()), []))
    for start in range(0, n, size):
        stop = min(start + size, n)
        yield Chunk({name: v[start:stop] for name, v in columns.items()}, GIVEN, range(start + 1, stop + 1))


def _as_list(values: Any, name: str) -> list[Any]:
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise DataError(f"Column {name!r} of a table must be a list of values; got {repr(values)[:40]}.")
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)
