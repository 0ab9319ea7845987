"""Predictions as bytes: CSV, TSV, JSON Lines or Parquet, chunk by chunk."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from textgraft.errors import DataError
from textgraft.prediction.streaming import Prediction
from textgraft.task import Task

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Layout:
    """Which columns are written.

    Attributes:
        task: of the model.
        every: the probability of every label too.
        with_file: the file of each row too, for when there are several.
    """

    task: Task
    every: bool = False
    with_file: bool = False

    def columns(self, prediction: Prediction) -> dict[str, Sequence[Any]]:
        """The columns of one chunk by name: (file,) row, those of the input, text, label, probability, each label."""
        columns: dict[str, Sequence[Any]] = {}
        if self.with_file:
            columns["file"] = [prediction.file] * len(prediction.texts)
        columns["row"] = list(prediction.numbers)
        predicted = {
            "text": prediction.texts,
            "label": prediction.labels
            if not self.task.multi_label
            else [";".join(names) for names in prediction.labels],
            "probability": _rounded(prediction.probability),
        }
        if self.every:
            for j, label in enumerate(self.task.labels):
                predicted[f"p({label})"] = _rounded(prediction.probabilities[:, j])
        # A column of the input that is called like one of ours stays, under another name.
        taken = columns.keys() | predicted.keys()
        columns |= {f"input.{name}" if name in taken else name: values for name, values in prediction.kept.items()}
        return columns | predicted


class Writer(Protocol):
    """Takes predictions in order."""

    def write(self, prediction: Prediction) -> None:
        """Writes the rows of one chunk."""

    def flush(self) -> None:
        """Hands on what is held back."""

    def close(self) -> None:
        """Writes what is left; the file is whole then."""


class DelimitedWriter:
    """CSV, or TSV, with a header."""

    def __init__(self, file: TextIO, layout: Layout, form: str = "csv", *, header_written: bool = False) -> None:
        self._file = file
        self._rows = csv.writer(file, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
        self._layout = layout
        self._header_written = header_written

    def write(self, prediction: Prediction) -> None:
        """See ``Writer``."""
        columns = self._layout.columns(prediction)
        if not self._header_written:
            self._rows.writerow(columns)
            self._header_written = True
        self._rows.writerows(zip(*columns.values(), strict=True))

    def flush(self) -> None:
        """See ``Writer``."""
        self._file.flush()

    def close(self) -> None:
        """See ``Writer``."""
        self._file.flush()


class LinesWriter:
    """JSON Lines; labels of a multi-label task as a list, all probabilities as an object."""

    def __init__(self, file: TextIO, layout: Layout) -> None:
        self._file = file
        self._layout = layout

    def write(self, prediction: Prediction) -> None:
        """See ``Writer``."""
        task = self._layout.task
        columns = Layout(task, with_file=self._layout.with_file).columns(prediction)
        for i, row in enumerate(zip(*columns.values(), strict=True)):
            item = dict(zip(columns, row, strict=True))
            if task.multi_label:
                del item["label"]
                item["labels"] = list(prediction.labels[i])
            if self._layout.every:
                shares = _rounded(prediction.probabilities[i])
                item["probabilities"] = dict(zip(task.labels, shares, strict=True))
            self._file.write(json.dumps(_plain(item), ensure_ascii=False, default=str) + "\n")

    def flush(self) -> None:
        """See ``Writer``."""
        self._file.flush()

    def close(self) -> None:
        """See ``Writer``."""
        self._file.flush()


class ParquetWriter:
    """Parquet, a row group per chunk; the types are those of the first chunk."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._writer: Any = None

    def write(self, prediction: Prediction) -> None:
        """See ``Writer``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = self._layout.columns(prediction)
        if self._writer is None:
            table: pyarrow.Table = pa.table({name: _arrow(values) for name, values in columns.items()})
            self._writer = pq.ParquetWriter(self._path, table.schema)
        schema = self._writer.schema
        try:
            arrays = [pa.array(list(values), type=schema.field(name).type) for name, values in columns.items()]
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"A kept column changes its type between rows {prediction.numbers[0]:,} and "
                f"{prediction.numbers[-1]:,} of {prediction.file} ({error}); Parquet columns have one type. Write CSV "
                "or JSON Lines, or keep other columns."
            ) from None
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

    def flush(self) -> None:
        """See ``Writer``."""

    def close(self) -> None:
        """See ``Writer``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            empty = {"row": pa.int64(), "text": pa.string(), "label": pa.string(), "probability": pa.float64()}
            pq.write_table(pa.schema(list(empty.items())).empty_table(), self._path)
        else:
            self._writer.close()


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """The item without NaN, which is no JSON."""
    return {name: None if value != value else value for name, value in item.items()}  # noqa: PLR0124


def _arrow(values: Sequence[Any]) -> pyarrow.Array:
    """An Arrow array; a column that is all empty so far, or of several types, is one of strings."""
    import pyarrow as pa

    try:
        array = pa.array(list(values))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values])
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def _rounded(values: Any) -> list[float]:
    """Six digits: what float32 holds, without its tail."""
    return [round(float(value), 6) for value in values]
