"""The texts of a table: from its columns to strings, and as a stream of texts to predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from textgraft.cells import brief
from textgraft.data.readers.chunk_stream import ChunkStream, open_chunks
from textgraft.data.readers.chunks import Chunk
from textgraft.data.readers.header import check_twins, is_position
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.asked import Names, as_names, asked, check_columns, expected
from textgraft.data.tables.columns import find_text
from textgraft.data.tables.paths import fields_of, paths, reached, say_path
from textgraft.dataset import Columns
from textgraft.errors import BadRow, DataError, listed
from textgraft.labels import is_missing, label_name
from textgraft.unicode import quoted, whole

Place = Callable[[int], str]


class TextStream(Iterator[tuple[list[str], Chunk]]):
    """Texts to predict with the chunk that each came in, to be iterated once.

    Attributes:
        columns: the text columns, once the first chunk is read.
    """

    def __init__(self, chunks: ChunkStream, wanted: tuple[str, ...], exclude: tuple[str, ...], decided: bool) -> None:
        self._chunks = chunks
        self._wanted, self._exclude, self._decided = wanted, exclude, decided
        self._notes: tuple[str, ...] = ()
        self._cells = TextCells()
        self.columns: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the reading so far."""
        return (*self._notes, *self._chunks.notes, *self._cells.notes)

    @property
    def bad_rows(self) -> tuple[BadRow, ...]:
        """The rows met so far that do not parse (the first 10,000)."""
        return self._chunks.bad_rows

    def __next__(self) -> tuple[list[str], Chunk]:
        chunk = next(self._chunks)
        if not self.columns:
            self.columns = self._choose(chunk)
            check_twins(self.columns, self._chunks.twins, chunk.columns)
        columns = {**chunk.columns, **reached(chunk.columns, self.columns)}
        return self._cells.join(columns, self.columns, len(chunk), chunk.place), chunk

    def _choose(self, chunk: Chunk) -> tuple[str, ...]:
        table = {**chunk.columns, **reached(chunk.columns, expected(self._wanted))}
        wanted = asked(self._wanted, table)
        columns, self._notes = located(wanted, table)
        if columns:
            return columns
        if self._decided:
            check_columns(wanted, table)
        text = find_text(chunk.columns, self._exclude)
        self._notes = (f"Text: {quoted_names(text.columns)} ({text.why}).",)
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
        DataError: as ``read_table``, while iterating; also for a cell that holds no text, such as an object.
    """
    if isinstance(columns, Columns):
        wanted, exclude, decided = columns.text, columns.label, False
    else:
        wanted, exclude, decided = as_names(columns), (), columns is not None
    expect = (*expected(wanted), *exclude)
    chunks = open_chunks(source, options, rows_per_chunk=rows_per_chunk, expect=expect)
    return TextStream(chunks, wanted, exclude, decided)


class TextCells:
    """Cells of text columns to strings; ``notes`` says what was met that is no string.

    A string stays as it is, bytes are decoded as UTF-8, a list of strings is joined by blanks, and a number, a date or
    true and false among strings is written as a label is: 3 for 3.0. All else is refused.
    """

    def __init__(self) -> None:
        self._met: dict[tuple[str, str], str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each kind of cell in each column, in the order in which they were met."""
        return tuple(self._met.values())

    def join(self, columns: Mapping[str, Sequence[Any]], wanted: Sequence[str], n: int, place: Place) -> list[str]:
        """The n texts of the wanted columns, joined by a line end; a missing part is passed over.

        Args:
            columns: of n rows; a wanted one may be missing.
            wanted: the text columns.
            n: how many rows there are.
            place: says where a row is, for messages.

        Raises:
            DataError: a cell holds what is no text.
        """
        parts = [self._column(columns[name], name, place) for name in wanted if name in columns]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return [""] * n
        return ["\n".join(part for part in row if part) for row in zip(*parts, strict=True)]

    def _column(self, values: Sequence[Any], name: str, place: Place) -> list[str]:
        return [
            whole(value) if type(value) is str else self._text(value, name, i, place) for i, value in enumerate(values)
        ]

    def _text(self, value: Any, name: str, i: int, place: Place) -> str:
        if isinstance(value, str):
            return whole(str.__str__(value))
        if is_missing(value):
            return ""
        if isinstance(value, bytes):
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise DataError(f"{_holds(name, brief(value), place(i))}: bytes that are not UTF-8.") from None
        if fields_of(value) is not None:
            inside = say_path(paths({name: [value]}), "text")
            raise DataError(f"{_holds(name, 'an object', place(i))}. {inside}")
        if isinstance(value, (list, tuple, np.ndarray)):
            return self._listed(list(value), name, place(i))
        try:
            written = label_name(value) or ""
        except DataError:
            shown = f"{brief(value)} of type {type(value).__name__}"
            raise DataError(f"{_holds(name, shown, place(i))}, which is no text.") from None
        said = f"{_holds(name, brief(value), place(i))}; numbers, dates, true and false are read as written"
        self._met.setdefault((name, "value"), f"{said}{', 3.0 as 3' * isinstance(value, float)}.")
        return written

    def _listed(self, items: list[Any], name: str, where: str) -> str:
        odd = next((item for item in items if not isinstance(item, str)), None)
        if odd is not None or None in items:
            fields = fields_of(odd)
            what = f"objects ({listed(map(quoted, fields), 6)})" if fields is not None else brief(odd)
            raise DataError(
                f"{_holds(name, f'a list of {what}', where)}; only lists of strings are texts. Write the text of each "
                f"row into a column of its own."
            )
        self._met.setdefault(
            (name, "list"), f"Column {quoted(name)} holds lists of strings, which are joined by blanks."
        )
        return " ".join(whole(item) for item in items)


def _holds(name: str, what: str, where: str) -> str:
    return f"Text column {quoted(name)} holds {what} in {where}"


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
    return taken, (f"Columns {quoted_names(wanted)} are taken by their place: {quoted_names(taken)}.",)


def is_headless(columns: Mapping[str, Any]) -> bool:
    """Whether all columns are named by their place."""
    return all(name == f"column{i}" for i, name in enumerate(columns, start=1))


def quoted_names(names: Sequence[str]) -> str:
    """Names in quotes, for a message."""
    return listed(map(quoted, names), 12)
