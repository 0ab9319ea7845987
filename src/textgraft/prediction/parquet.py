"""Predictions as Parquet, a file that says at its end what is in it, so that nothing can be added to half of one.

What may be gone on with is written as messages of Arrow, which stand one behind the other (the IPC streaming format,
arrow.apache.org/docs/format/Columnar.html), and becomes Parquet when all are there. Both ways give the same bytes, for
row groups have a fixed number of rows, wherever a run was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from textgraft.errors import DataError
from textgraft.prediction.streaming import Prediction

if TYPE_CHECKING:
    import pyarrow

ROWS = 8_192  # of a row group
Columns = Callable[[Prediction], Mapping[str, Sequence[Any]]]


class Direct:
    """A Parquet file written as predictions come; the types of its columns are those of the first of them."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self._columns, self._groups = columns, _RowGroups(path)
        self._schema: pyarrow.Schema | None = None

    def write(self, prediction: Prediction) -> None:  # noqa: D102
        batch = _batch(prediction, self._columns(prediction), self._schema)
        self._schema = batch.schema
        self._groups.add(batch)

    def flush(self) -> None:
        """It is not gone on with."""

    def close(self) -> None:  # noqa: D102
        self._groups.close()


class Messages:
    """A file of Arrow's messages; ``as_parquet`` makes Parquet of it.

    Args:
        path: of the file, which has those of an interrupted run, or nothing.
        file: the same, where it is to go on.
        columns: of predictions, by name.
    """

    close: Callable[[], None]
    flush: Callable[[], None]

    def __init__(self, path: Path, file: BinaryIO, columns: Columns) -> None:
        import pyarrow as pa

        self._path, self._file, self._columns = path, file, columns
        self._schema: pyarrow.Schema | None = None
        if file.tell():
            with pa.OSFile(str(path)) as begun, pa.ipc.open_stream(begun) as stream:
                self._schema = stream.schema
        self.flush = self.close = file.flush

    def write(self, prediction: Prediction) -> None:  # noqa: D102
        batch = _batch(prediction, self._columns(prediction), self._schema)
        if self._schema is None:
            self._schema = batch.schema
            self._file.write(batch.schema.serialize())
        self._file.write(batch.serialize())

    def as_parquet(self, path: Path) -> None:
        """Writes what has been written so far as Parquet."""
        import pyarrow as pa

        groups = _RowGroups(path)
        if self._schema is not None:
            with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as stream:
                for batch in stream:
                    groups.add(batch)
        groups.close()


class _RowGroups:
    """A Parquet file of row groups of ``ROWS`` rows, whatever the batches are that it is given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None
        self._held: list[pyarrow.RecordBatch] = []

    def add(self, batch: pyarrow.RecordBatch) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, batch.schema)
        self._held.append(batch)
        while sum(held.num_rows for held in self._held) >= ROWS:
            table = pa.Table.from_batches(self._held)
            self._writer.write_table(table.slice(0, ROWS).combine_chunks())
            self._held = table.slice(ROWS).to_batches()

    def close(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            empty = {"row": pa.int64(), "text": pa.string(), "label": pa.string(), "probability": pa.float64()}
            pq.write_table(pa.schema(list(empty.items())).empty_table(), self._path)
            return
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held).combine_chunks())
        self._writer.close()


def _batch(
    prediction: Prediction, columns: Mapping[str, Sequence[Any]], schema: pyarrow.Schema | None
) -> pyarrow.RecordBatch:
    """Predictions as a batch; raises DataError where a column has another type than in ``schema``."""
    import pyarrow as pa

    if schema is None:
        schema = pa.schema([(name, _type(values)) for name, values in columns.items()])
    try:
        arrays = [pa.array(list(values), type=schema.field(name).type) for name, values in columns.items()]
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"A kept column changes its type between rows {prediction.numbers[0]:,} and {prediction.numbers[-1]:,} of "
            f"{prediction.file} ({error}); Parquet columns have one type. Write CSV or JSON Lines, or keep other "
            "columns."
        ) from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _type(values: Sequence[Any]) -> pyarrow.DataType:
    """The type of a column; one that is all empty so far, or of several types, is one of strings."""
    import pyarrow as pa

    try:
        kind = pa.array(list(values)).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()
    return pa.string() if pa.types.is_null(kind) else kind
