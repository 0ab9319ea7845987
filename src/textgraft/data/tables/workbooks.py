"""Excel and OpenDocument workbooks, and SQLite databases: files that hold several tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain, islice

from textgraft.data.tables.chunks import Chunk, Reading
from textgraft.data.tables.header import column_names, has_header
from textgraft.data.tables.sources import SourceFile
from textgraft.errors import DataError, did_you_mean, listed
from textgraft.extras import library
from textgraft.labels import is_missing


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
        rows = (row for row in book.get_sheet_by_name(name).iter_rows() if not all(map(is_missing, row)))
        sample = list(islice(rows, 1_000))
        if not sample:
            reading.report.remarks.append(f"{file.name} is empty.")
            return
        header = reading.options.header
        if header is None:
            header = has_header([[str(cell) for cell in row] for row in sample], reading.expect)
        names = column_names(sample[0] if header else None, len(sample[0]), file.name)
        if header and len(sample) == 1:
            reading.report.remarks.append(f"{file.name} has a header ({', '.join(names)}) and no rows.")
        records = chain(sample[1:] if header else sample, rows)
        yield from reading.chunks(file.name, names, enumerate(records, start=1))


def read_sqlite(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of one table or view, in the order in which the database gives them.

    Raises:
        DataError: there are several tables and none is named, or the named one is not there.
    """
    with closing(sqlite3.connect(f"{file.path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        answer = database.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        )
        tables = [name for (name,) in answer]
        quoted = _chosen(file.name, "table", reading.options.table, tables).replace('"', '""')
        rows = database.execute(f'SELECT * FROM "{quoted}"')
        names = column_names([column[0] for column in rows.description], 0, file.name)
        yield from reading.chunks(file.name, names, enumerate(rows, start=1))


def _chosen(file: str, kind: str, wanted: str | None, names: Sequence[str]) -> str:
    if wanted is not None:
        if wanted in names:
            return wanted
        raise DataError(
            f"{file} has no {kind} {wanted!r}; it has {listed(map(repr, names), 12)}.{did_you_mean(wanted, names)}"
        )
    if not names:
        raise DataError(f"{file} has no {kind}.")
    if len(names) > 1:
        raise DataError(f"{file} has {len(names)} {kind}s ({listed(names, 12)}); say which with --{kind} ({kind}=).")
    return names[0]
