"""Parquet, Arrow and the folders of `datasets.save_to_disk`, batch by batch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from textgraft.data.readers.arrow_parts import checked_parts
from textgraft.data.readers.arrow_sizes import check_arrow
from textgraft.data.readers.chunks import Chunk, Reading
from textgraft.data.readers.header import column_names
from textgraft.data.readers.parquet_pages import rows_at_once
from textgraft.data.sources.files import SourceFile
from textgraft.errors import DataError, listed
from textgraft.extras import import_pyarrow
from textgraft.unicode import quoted

Names = dict[str, list[str]]
_INDEX = re.compile(r"__index_level_\d+__")  # pandas' name for an index that has none


def read_parquet(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of a Parquet file."""
    pa = import_pyarrow("Reading Parquet")
    rows = rows_at_once(file, reading.rows_per_chunk)
    with pa.parquet.ParquetFile(file.path) as parquet:
        parts = checked_parts(parquet.iter_batches(batch_size=rows), rows, file.name, file.meter())
        yield from batch_chunks(parts, parquet.schema_arrow, file.name)


def read_arrow(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of an Arrow file, an Arrow stream or a Feather file."""
    pa = import_pyarrow("Reading Arrow files")
    check_arrow(file)
    # Read, not mapped: a file that is cut off meanwhile would end the process.
    with pa.OSFile(str(file.path)) as source:
        head = source.read(6)
        source.seek(0)
        if head == b"ARROW1":
            opened = pa.ipc.open_file(source)
            batches = (opened.get_batch(i) for i in range(opened.num_record_batches))
        else:
            opened = pa.ipc.open_stream(source)
            batches = iter(opened)
        parts = checked_parts(batches, reading.rows_per_chunk, file.name, file.meter())
        yield from batch_chunks(parts, opened.schema, file.name)


def read_saved(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of a folder that `datasets` saved; those of a dictionary of splits get a column ``split``."""
    splits = file.path / "dataset_dict.json"
    if not splits.is_file():
        yield from _saved_files(file.name, file.path, reading, file.path)
        return
    _check_inside(file.name, splits, file.path)
    names = _json(splits, file.name).get("splits", [])
    plain = isinstance(names, list) and all(isinstance(name, str) and Path(name).name == name for name in names)
    if not plain or ".." in names:
        raise DataError(f"{file.name} is damaged: {splits.name} does not name its parts.")
    for split in names:
        for chunk in _saved_files(f"{file.name}/{split}", file.path / split, reading, file.path):
            yield chunk.of_part(split)


def batch_chunks(batches: Iterable[Any], schema: Any, file: str) -> Iterator[Chunk]:
    """Chunks of record batches; the numbers of a `datasets` ClassLabel become its names.

    The index that pandas stores without a name is no column.

    Raises:
        DataError: a class number has no name.
    """
    names = column_names(schema.names, len(schema.names), file)
    kept = [i for i, name in enumerate(names) if not _INDEX.fullmatch(name)] or list(range(len(names)))
    classes = class_names(schema)
    done = 0
    for batch in batches:
        if batch.num_rows:
            columns = {names[i]: _values(batch.column(i), names[i], file) for i in kept}
            yield Chunk(with_names(columns, classes, file, done + 1), file, range(done + 1, done + batch.num_rows + 1))
            done += batch.num_rows


def _values(column: Any, name: str, file: str) -> list[Any]:
    """The values of a column; raises DataError for dates after the year 9999, time zones that nobody knows and such."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        raise
    except (ArithmeticError, ValueError, LookupError) as error:
        raise DataError(f"{file} has values in column {quoted(name)} that cannot be read: {error}.") from None
    return values


def with_names(columns: dict[str, list[Any]], classes: Names, file: str, first: int) -> dict[str, list[Any]]:
    """The columns with the names of classes in place of their numbers; see ``named_classes``."""
    named = {
        name: named_classes(columns[name], of, name, file, first) for name, of in classes.items() if name in columns
    }
    return columns | named


def class_names(schema: Any) -> Names:
    """The names of the ClassLabel columns that `datasets` notes in a schema's metadata; none if these are damaged."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: names for name, feature in features.items() if (names := feature_names(feature))}


def named_classes(values: list[Any], names: list[str], column: str, file: str, first: int) -> list[Any]:
    """Class numbers as their names, and lists of them; a number below 0 is no label, what is no number stays.

    Args:
        values: of one column.
        names: of the classes.
        column, file, first: where the values stand: their column, file and the number of the first one's row.

    Raises:
        DataError: a class has no name.
    """
    try:
        return [_named(value, names) for value in values]
    except LookupError:
        pass
    for row, value in enumerate(values, start=first):
        try:
            _named(value, names)
        except LookupError as error:
            count = f"{len(names)} name{'s' * (len(names) != 1)}, {listed(names)}"
            raise DataError(
                f"{file} row {row} has class number {error.args[0]} in column {quoted(column)}, whose ClassLabel has "
                f"{count}. Numbers count from 0. Write the table anew with all names, or without the metadata that "
                f"names the classes."
            ) from None
    raise AssertionError("a class without a name was met and is not found again")


def _named(value: Any, names: list[str]) -> Any:
    """The name of a class number, or those of a list of them; raises LookupError with a number that has none."""
    if isinstance(value, list):
        return [name for item in value if (name := _named(item, names)) is not None]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if value < 0 or value != value:  # noqa: PLR0124 (NaN differs from itself)
        return None
    if value >= len(names) or value != int(value):
        raise LookupError(value)
    return names[int(value)]


def feature_names(feature: Any) -> list[str] | None:
    """The names of a ClassLabel or of a list of them, in the forms that `datasets` has given these."""
    if isinstance(feature, list):
        return feature_names(feature[0]) if feature else None
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None
    return feature_names(feature.get("feature"))


def _saved_files(name: str, folder: Path, reading: Reading, root: Path) -> Iterator[Chunk]:
    _check_inside(name, folder / "state.json", root)
    state = _json(folder / "state.json", name)
    if state.get("_indices_data_files"):
        raise DataError(f"{name} was saved by an old `datasets` with an index; save it again with a newer one.")
    files = state.get("_data_files", [])
    for data in files if isinstance(files, list) else (files,):
        if not isinstance(data, dict) or not isinstance(data.get("filename"), str):
            raise DataError(f"{name} is damaged: state.json does not name its files.")
        path = folder / data["filename"]
        if path.parent != folder or not path.is_file():
            raise DataError(f"{name} is damaged: it names {quoted(data['filename'])}, which is not there.")
        _check_inside(name, path, root)
        yield from read_arrow(SourceFile(f"{name}/{data['filename']}", path, "arrow"), reading)


def _check_inside(name: str, path: Path, root: Path) -> None:
    """Raises DataError for a file that a link leads out of the folder that is read."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{name} cannot be read: {path.name} is a link to a file outside of it; copy that file.")


def _json(path: Path, name: str) -> dict[str, Any]:
    wrong = f"{name} is not a folder that `datasets` saved: {path.name}"
    if not path.is_file():  # a pipe would be waited for
        raise DataError(f"{wrong} is not there.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{wrong} cannot be read ({error}).") from None
    if not isinstance(content, dict):
        raise DataError(f"{wrong} does not hold an object.")
    return content
