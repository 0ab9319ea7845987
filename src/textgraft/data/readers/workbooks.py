"""Excel and OpenDocument workbooks, and SQLite databases: files that hold several tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

from textgraft.data.readers.chunks import Chunk, Reading
from textgraft.data.readers.header import column_names
from textgraft.data.readers.top import Records, Top, find_top
from textgraft.data.sources.files import SourceFile
from textgraft.errors import DataError, did_you_mean, listed
from textgraft.extras import library
from textgraft.labels import is_missing
from textgraft.unicode import quoted


def read_excel(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of one sheet; a row without any value is none.

    Raises:
        DataError: several sheets have rows and none is named, or the named one is not there.
        MissingExtraError: the extra ``formats`` is not installed.
    """
    python_calamine = library("python_calamine", "Reading workbooks", "formats")
    try:
        book = python_calamine.load_workbook(str(file.path))
    except Exception as error:  # the library raises its own kinds and plain ones
        raise DataError(f"{file.name} cannot be read as a workbook: {error}.") from error
    with closing(book):
        name, sheets = reading.options.sheet, book.sheet_names
        filled = [sheet for sheet in sheets if name is None and book.get_sheet_by_name(sheet).total_height]
        name = _chosen(file.name, "sheet", name, filled or sheets)
        sheet = book.get_sheet_by_name(name).iter_rows()
        rows = ((line, row) for line, row in enumerate(sheet, start=1) if not all(map(is_missing, row)))
        sample = list(islice(rows, 1_000))
        if not sample:
            reading.report.remarks.append(f"{file.name} is empty.")
            return
        top = find_top(Records(sample, file.name, "row {} of the sheet"), reading)
        if len(top.lines) == len(sample):
            reading.report.remarks.append(f"{file.name} has a header ({', '.join(top.names)}) and no rows.")
        yield from reading.chunks(file.name, top.names, _rows(chain(sample, rows), file, reading, top))


def read_sqlite(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of one table or view, in the order in which the database gives them.

    Raises:
        DataError: there are several tables and none is named, or the named one is not there.
    """
    with closing(sqlite3.connect(f"{file.path.absolute().as_uri()}?{_as_it_is(file.path)}", uri=True)) as database:
        answer = database.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        )
        tables = [name for (name,) in answer]
        escaped = _chosen(file.name, "table", reading.options.table, tables).replace('"', '""')
        rows = database.execute(f'SELECT * FROM "{escaped}"')
        names = column_names([column[0] for column in rows.description], 0, file.name, reading.report)
        yield from reading.chunks(file.name, names, enumerate(rows, start=1))


def _as_it_is(path: Path) -> str:
    """How a database is opened so that nothing is written, beside it neither.

    SQLite makes a log beside one in WAL mode that has none, and leaves it there, unless it is told that nobody writes.
    """
    with path.open("rb") as stream:
        logs = stream.read(20)[18:] == b"\2\2"
    return "immutable=1" if logs and not path.with_name(f"{path.name}-wal").exists() else "mode=ro"


def _rows(
    records: Iterable[tuple[int, list[Any]]], file: SourceFile, reading: Reading, top: Top
) -> Iterator[tuple[int, list[Any]]]:
    """The rows below the top, numbered from 1."""
    number = 0
    again: list[int] = []
    for line, row in records:
        if line in top.lines:
            continue
        number += 1
        if top.stands_again(row, f"{file.name} row {line} of the sheet"):
            again.append(line)
        else:
            yield number, row
    reading.report.again(file.name, "row of the sheet", again)


def _chosen(file: str, kind: str, wanted: str | None, names: Sequence[str]) -> str:
    if wanted is not None:
        if wanted in names:
            return wanted
        raise DataError(
            f"{file} has no {kind} {quoted(wanted)}; it has "
            f"{listed(map(quoted, names), 12)}.{did_you_mean(wanted, names)}"
        )
    if not names:
        raise DataError(f"{file} has no {kind}.")
    if len(names) > 1:
        raise DataError(f"{file} has {len(names)} {kind}s ({listed(names, 12)}); say which with --{kind} ({kind}=).")
    return names[0]
