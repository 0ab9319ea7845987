"""Parquet, Arrow and the folders of `datasets.save_to_disk`, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from textgraft.data.tables.chunks import Chunk, Reading
from textgraft.data.tables.header import column_names
from textgraft.data.tables.sources import SourceFile
from textgraft.errors import DataError
from textgraft.extras import import_pyarrow

Names = dict[str, list[str]]


def read_parquet(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of a Parquet file."""
    pa = import_pyarrow("Reading Parquet")
    with pa.parquet.ParquetFile(file.path) as parquet:
        batches = parquet.iter_batches(batch_size=reading.rows_per_chunk)
        yield from batch_chunks(batches, parquet.schema_arrow, file.name)


def read_arrow(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of an Arrow file, an Arrow stream or a Feather file."""
    pa = import_pyarrow("Reading Arrow files")
    with pa.memory_map(str(file.path)) as source:
        head = source.read(6)
        source.seek(0)
        if head == b"ARROW1":
            opened = pa.ipc.open_file(source)
            batches = (opened.get_batch(i) for i in range(opened.num_record_batches))
        else:
            opened = pa.ipc.open_stream(source)
            batches = iter(opened)
        n = reading.rows_per_chunk
        parts = (batch.slice(start, n) for batch in batches for start in range(0, batch.num_rows, n))
        yield from batch_chunks(parts, opened.schema, file.name)


def read_saved(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of a folder that `datasets` saved; those of a dictionary of splits get a column ``split``."""
    splits = file.path / "dataset_dict.json"
    if not splits.is_file():
        yield from _saved_files(file.name, file.path, reading)
        return
    for split in _json(splits, file.name).get("splits", []):
        for chunk in _saved_files(f"{file.name}/{split}", file.path / split, reading):
            yield chunk.of_part(split)


def batch_chunks(batches: Iterable[Any], schema: Any, file: str) -> Iterator[Chunk]:
    """Chunks of record batches; the numbers of a `datasets` ClassLabel become its names."""
    names = column_names(schema.names, len(schema.names), file)
    classes = class_names(schema)
    done = 0
    for batch in batches:
        if batch.num_rows:
            columns = {name: column.to_pylist() for name, column in zip(names, batch.columns, strict=True)}
            for name in classes.keys() & columns.keys():
                columns[name] = [_named(value, classes[name]) for value in columns[name]]
            yield Chunk(columns, file, range(done + 1, done + batch.num_rows + 1))
            done += batch.num_rows


def class_names(schema: Any) -> Names:
    """The names of the ClassLabel columns that `datasets` notes in a schema's metadata."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: names for name, feature in features.items() if (names := _feature_names(feature))}


def _named(value: Any, names: list[str]) -> Any:
    """The name of a class number, or those of a list of them; -1 is no label."""
    if isinstance(value, list):
        return [names[item] for item in value if item is not None and item >= 0]
    return None if value is None or value < 0 else names[value]


def _feature_names(feature: Any) -> list[str] | None:
    """The names of a ClassLabel or of a list of them, in the forms that `datasets` has given these."""
    if isinstance(feature, list):
        return _feature_names(feature[0]) if feature else None
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        return feature.get("names")
    return _feature_names(feature.get("feature"))


def _saved_files(name: str, folder: Path, reading: Reading) -> Iterator[Chunk]:
    state = _json(folder / "state.json", name)
    if state.get("_indices_data_files"):
        raise DataError(f"{name} was saved by an old `datasets` with an index; save it again with a newer one.")
    for data in state.get("_data_files", []):
        path = folder / data["filename"]
        if path.parent != folder or not path.is_file():
            raise DataError(f"{name} is damaged: it names {data['filename']!r}, which is not there.")
        yield from read_arrow(SourceFile(f"{name}/{data['filename']}", path, "arrow"), reading)


def _json(path: Path, name: str) -> dict[str, Any]:
    wrong = f"{name} is not a folder that `datasets` saved: {path.name}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{wrong} cannot be read ({error}).") from None
    if not isinstance(content, dict):
        raise DataError(f"{wrong} does not hold an object.")
    return content
