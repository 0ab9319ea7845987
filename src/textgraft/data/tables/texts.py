"""The texts of a table: from its columns to strings, and as a stream of texts to predict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textgraft.data.tables.chunks import Chunk, ReadOptions
from textgraft.data.tables.columns import find_text
from textgraft.data.tables.header import check_twins, is_position
from textgraft.data.tables.reading import ChunkStream, open_chunks
from textgraft.dataset import Columns
from textgraft.errors import BadRow, DataError, did_you_mean, listed
from textgraft.labels import is_missing
from textgraft.unicode import whole

Names = str | Sequence[str]


class TextStream(Iterator[tuple[list[str], Chunk]]):
    """Texts to predict with the chunk that each came in, to be iterated once.

    Attributes:
        columns: the text columns, once the first chunk is read.
    """

    def __init__(self, chunks: ChunkStream, wanted: tuple[str, ...], exclude: tuple[str, ...], asked: bool) -> None:
        self._chunks = chunks
        self._wanted, self._exclude, self._asked = wanted, exclude, asked
        self._notes: tuple[str, ...] = ()
        self.columns: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the reading so far."""
        return (*self._notes, *self._chunks.notes)

    @property
    def bad_rows(self) -> tuple[BadRow, ...]:
        """The rows met so far that do not parse (the first 10,000)."""
        return self._chunks.bad_rows

    def __next__(self) -> tuple[list[str], Chunk]:
        chunk = next(self._chunks)
        if not self.columns:
            self.columns = self._choose(chunk)
            check_twins(self.columns, self._chunks.twins, chunk.columns)
        return join_texts(chunk.columns, self.columns, len(chunk)), chunk

    def _choose(self, chunk: Chunk) -> tuple[str, ...]:
        columns, self._notes = located(self._wanted, chunk.columns)
        if columns:
            return columns
        if self._asked:
            check_columns(self._wanted, chunk.columns)
        text = find_text(chunk.columns, self._exclude)
        self._notes = (f"Text: {quoted(text.columns)} ({text.why}).",)
        return text.columns


def read_texts(
    source: Any,
    columns: Columns | Names | None = None,
    *,
    options: ReadOptions | None = None,
    rows_per_chunk: int = 4096,
) -> TextStream:
    """Streams the texts of a table, in order and in flat memory.

    Args:
        source: as for ``read_table``; labels are not needed.
        columns: the text columns by name; or the columns that a model was trained on, whose text columns are taken if
            the table has them all and else found anew. None finds them.
        options: how to read the file.
        rows_per_chunk: the most texts at a time.

    Returns:
        An iterator of (texts, chunk) with equally many texts and rows; a missing text is ``""``.

    Raises:
        DataError: as ``read_table``, while iterating.
    """
    if isinstance(columns, Columns):
        wanted, exclude, asked = columns.text, columns.label, False
    else:
        wanted, exclude, asked = as_names(columns), (), columns is not None
    chunks = open_chunks(source, options, rows_per_chunk=rows_per_chunk, expect=(*wanted, *exclude))
    return TextStream(chunks, wanted, exclude, asked)


def join_texts(columns: Mapping[str, list[Any]], wanted: Sequence[str], n: int | None = None) -> list[str]:
    """The texts of the wanted columns, joined by a line end; a missing part is passed over."""
    parts = [[_as_text(value) for value in columns[name]] for name in wanted if name in columns]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return [""] * (n or 0)
    return ["\n".join(part for part in row if part) for row in zip(*parts, strict=True)]


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, (list, tuple)):  # words that were parted already
        return " ".join(map(str, value))
    return "" if is_missing(value) else str(value)


def as_names(given: Names | None) -> tuple[str, ...]:
    """One name or several as a tuple."""
    return (given,) if isinstance(given, str) else () if given is None else tuple(given)


def check_columns(wanted: Sequence[str], columns: Mapping[str, Any]) -> None:
    """Raises DataError for a column that is not there, with the nearest names and all that are."""
    for name in wanted:
        if name not in columns:
            raise DataError(
                f"There is no column {name!r}.{did_you_mean(name, columns)} The columns are "
                f"{listed(map(repr, columns), 20)}."
            )


def located(wanted: Sequence[str], columns: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The wanted columns, by name or at the places that names such as ``column2`` say, and notes; nothing if one lacks.

    A table may have a header where the one that it is to be read like had none.
    """
    if all(name in columns for name in wanted):
        return tuple(wanted), ()
    names = list(columns)
    places = [int(name.removeprefix("column")) for name in wanted if is_position(name)]
    if len(places) < len(wanted) or not 1 <= min(places) <= max(places) <= len(names):
        return (), ()
    taken = tuple(names[place - 1] for place in places)
    return taken, (f"Columns {quoted(wanted)} are taken by their place: {quoted(taken)}.",)


def is_headless(columns: Mapping[str, Any]) -> bool:
    """Whether all columns are named by their place."""
    return all(name == f"column{i}" for i, name in enumerate(columns, start=1))


def quoted(names: Sequence[str]) -> str:
    """Names in quotes, for a message."""
    return listed(map(repr, names), 12)
