"""Tables that are Python objects already: rows, columns, and those of pandas, polars, PyArrow and `datasets`.

A library is recognised by what its objects answer to, so that none is imported for the asking.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import numpy as np

from textgraft.cells import brief, cells
from textgraft.data.readers import names
from textgraft.data.readers.chunks import GIVEN, Chunk
from textgraft.data.readers.header import column_names
from textgraft.data.readers.json_lines import by_column
from textgraft.errors import DataError
from textgraft.unicode import quoted


def object_chunks(source: Any, size: int) -> Iterator[Chunk]:
    """The rows of a Python object, numbered from 1.

    Args:
        source: rows (a list, a tuple, an array or a generator of dictionaries, named tuples, dataclasses or
            (text, label) pairs); a dictionary of columns, or of tables, whose rows get a column ``split``; a pandas or
            polars DataFrame; a PyArrow Table, RecordBatch or RecordBatchReader, or what hands out such; a `datasets`
            Dataset, IterableDataset or dictionary of these.
        size: the most rows of a chunk.

    Raises:
        DataError: it is none of these, or its rows differ in shape.
    """
    if isinstance(source, Mapping):
        yield from _mapping(source, size)
    elif hasattr(source, "iloc") and hasattr(source, "columns"):  # pandas
        yield from _slices(_pandas(source), size)
    elif hasattr(source, "collect_schema"):  # polars
        frame = source.collect() if hasattr(source, "collect") else source
        yield from _slices({name: cells(frame[name]) for name in frame.columns}, size)
    elif hasattr(source, "with_format") and hasattr(source, "features"):  # datasets
        yield from _saved(source, size)
    elif hasattr(source, "schema") and hasattr(source.schema, "metadata"):  # PyArrow
        yield from _arrow(source, size, source.schema)
    elif hasattr(source, "__arrow_c_stream__") and not any(
        hasattr(source, name) for name in ("dtype", "type")
    ):  # such as DuckDB's relations
        from textgraft.extras import import_pyarrow

        reader = import_pyarrow("Reading such a table").RecordBatchReader.from_stream(source)
        yield from _arrow(reader, size, reader.schema)
    elif isinstance(source, np.ndarray) and source.dtype.names:
        yield from _mapping({name: source[name] for name in source.dtype.names}, size)
    elif isinstance(source, (list, tuple, Iterator)) or (isinstance(source, np.ndarray) and source.ndim == 2):
        yield from _rows(source.tolist() if isinstance(source, np.ndarray) else source, size)
    else:
        raise DataError(
            f"A table cannot be read from an object of type {type(source).__name__}; give a path, a list of paths, "
            f"dictionaries or (text, label) pairs, a pandas or polars DataFrame, a PyArrow Table or a datasets.Dataset."
            f"{_column_hint(source)}"
        )


def _mapping(source: Mapping[Any, Any], size: int) -> Iterator[Chunk]:
    if source and all(map(_is_table, source.values())):
        for name, part in source.items():
            for chunk in object_chunks(part, size):
                yield replace(chunk.of_part(str(name)), file=f"{GIVEN}, split {quoted(str(name))},")
        return
    columns = {str(name): _column(values, str(name)) for name, values in source.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{quoted(name)} has {length:,}" for name, length in lengths.items())
        raise DataError(f"The columns of a table must be equally long; {said}.")
    yield from _slices(columns, size)


def _is_table(part: Any) -> bool:
    return any(hasattr(part, name) for name in ("columns", "column_names", "features"))


def _column_hint(source: Any) -> str:
    return " This is one column: give a frame that has the texts and the labels." if hasattr(source, "dtype") else ""


def _rows(rows: Iterable[Any], size: int) -> Iterator[Chunk]:
    """Chunks of rows that are all dictionaries (or records with named fields), or all pairs."""
    iterator, done = iter(rows), 0
    begun = list(islice(iterator, 1))
    if not begun:
        return
    first = begun[0]
    named = _fields(first) is not None
    if not named and _are_names(first):
        raise DataError(
            f"The first row is {brief(first)}, the names of columns and no text with its label; leave it out."
        )
    remaining = chain(begun, iterator)
    while part := list(islice(remaining, size)):
        fields = [_fields(row) if named else None for row in part]
        for number, row in enumerate(part, start=done + 1):
            pair = isinstance(row, (list, tuple)) and len(row) == 2 and isinstance(row[0], (str, bytes))
            if fields[number - done - 1] is None if named else not pair:
                raise DataError(
                    f"A list of rows must hold dictionaries only or (text, label) pairs only; row {number} is "
                    f"{brief(row)}."
                )
        if named:
            columns = by_column([dict(row) for row in fields if row is not None])
        else:
            columns = {"text": [row[0] for row in part], "label": [row[1] for row in part]}
        yield Chunk(columns, GIVEN, range(done + 1, done + len(part) + 1))
        done += len(part)


def _fields(row: Any) -> Mapping[Any, Any] | None:
    """The fields of a dictionary, a named tuple, a dataclass or a row of a database; None of all else."""
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_asdict"):
        return dict(row._asdict())
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    return {name: row[name] for name in row.keys()} if hasattr(row, "keys") else None  # noqa: SIM118 (sqlite3.Row)


def _are_names(row: Any) -> bool:
    """Whether a pair holds the names of a text and a label column, as the first row of a file does."""
    if not isinstance(row, (list, tuple)) or len(row) != 2 or not all(isinstance(cell, str) for cell in row):
        return False
    return names.whole(row[0]) in names.TEXT and names.whole(row[1]) in names.LABEL


def _pandas(frame: Any) -> dict[str, list[Any]]:
    if getattr(frame.columns, "nlevels", 1) > 1:
        shown = ", ".join(map(quoted, list(frame.columns)[:3]))
        raise DataError(
            f"The columns of the given frame have names of {frame.columns.nlevels} levels ({shown}); join them, for "
            f"instance frame.columns = ['_'.join(map(str, name)) for name in frame.columns]."
        )
    titles = column_names([str(name) for name in frame.columns], 0, GIVEN)
    return {name: cells(frame.iloc[:, i]) for i, name in enumerate(titles)}


def _saved(source: Any, size: int) -> Iterator[Chunk]:
    """The rows of a Dataset of `datasets`, or of an IterableDataset, whose rows come one by one."""
    if hasattr(source, "__getitem__"):
        yield from _arrow(source.with_format("arrow")[:], size, source.features.arrow_schema)
        return
    from textgraft.data.readers.columnar import class_names, with_names

    classes = {} if source.features is None else class_names(source.features.arrow_schema)
    for chunk in _rows(iter(source.with_format(None)), size):
        named = with_names(chunk.columns, classes, chunk.file, chunk.numbers[0])
        yield Chunk(named, chunk.file, chunk.numbers)


def _arrow(table: Any, size: int, schema: Any) -> Iterator[Chunk]:
    from textgraft.data.readers.columnar import batch_chunks  # PyArrow is only needed for those who have its tables

    if hasattr(table, "to_reader"):
        table = table.to_reader(max_chunksize=size)
    elif hasattr(table, "to_batches"):  # a dataset of PyArrow
        table = table.to_batches(batch_size=size)
    batches = [table] if hasattr(table, "num_rows") else table
    parts = (batch.slice(start, size) for batch in batches for start in range(0, batch.num_rows, size))
    yield from batch_chunks(parts, schema, GIVEN)


def _slices(columns: dict[str, list[Any]], size: int) -> Iterator[Chunk]:
    n = len(next(iter(columns.values()), []))
    for start in range(0, n, size):
        stop = min(start + size, n)
        yield Chunk({name: v[start:stop] for name, v in columns.items()}, GIVEN, range(start + 1, stop + 1))


def _column(values: Sequence[Any] | Any, name: str) -> list[Any]:
    one = isinstance(values, (str, bytes, Mapping, set, frozenset)) or getattr(values, "ndim", 1) != 1
    if one or not isinstance(values, Iterable):
        raise DataError(f"Column {quoted(name)} of a table must be a list of values; got {brief(values)}.")
    return cells(values)
