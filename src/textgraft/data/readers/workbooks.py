"""Excel and OpenDocument workbooks, and SQLite databases: files that hold several tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from textgraft.data.readers.chunks import Chunk, Reading
from textgraft.data.readers.encodings import LONGEST
from textgraft.data.readers.header import column_names
from textgraft.data.readers.top import Records, Top, find_top
from textgraft.data.readers.workbook_size import check_workbook
from textgraft.data.sources.files import SourceFile, damage_named
from textgraft.data.sources.meters import Meter
from textgraft.errors import DataError, did_you_mean, listed
from textgraft.extras import library
from textgraft.labels import is_missing
from textgraft.limits import STEPS
from textgraft.unicode import quoted

_OBJECT = 50  # bytes of a string besides its characters
_STEPS_PER_BYTE = 100  # a table needs less than one for each


def read_excel(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of one sheet; a row without any value is none.

    Raises:
        DataError: several sheets have rows and none is named, or the named one is not there.
        MissingExtraError: the extra ``formats`` is not installed.
    """
    python_calamine = library("python_calamine", "Reading workbooks", "formats")
    with file.path.open("rb") as stream:
        if stream.read(2) == b"PK":
            with damage_named(file):
                check_workbook(file)
    with _damage_said(file):
        book = python_calamine.load_workbook(str(file.path))
    with closing(book):
        name, sheets = reading.options.sheet, book.sheet_names
        filled: list[str] = []
        if name is None:
            with _damage_said(file):
                filled = [sheet for sheet in sheets if book.get_sheet_by_name(sheet).total_height]
        name = _chosen(file.name, "sheet", name, filled or sheets)
        sheet = enumerate(_sheet_rows(book, name, file), start=1)
        rows = ((line, row) for line, row in sheet if not all(map(is_missing, row)))
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
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * LONGEST)  # bytes of a cell or a row
        steps = _Steps(STEPS.most + _STEPS_PER_BYTE * file.path.stat().st_size)
        database.set_progress_handler(steps.taken, _Steps.AT_ONCE)
        database.set_authorizer(_only_reads)
        try:
            answer = database.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY "
                "rowid"
            )
            tables = [name for (name,) in answer]
            table = _chosen(file.name, "table", reading.options.table, tables)
            escaped = table.replace('"', '""')
            rows = database.execute(f'SELECT * FROM "{escaped}"')
            names = column_names([column[0] for column in rows.description], 0, file.name, reading.report)
            meter = file.meter()
            yield from reading.chunks(file.name, names, _weighed(enumerate(rows, start=1), meter), meter)
        except sqlite3.DatabaseError as error:
            raise _refusal(error, file, steps) from None


class _Steps:
    """Counts what SQLite does for a table: a view, or a damaged page that leads to itself, may have no end."""

    AT_ONCE = 1_000_000

    def __init__(self, most: int) -> None:
        self._most, self.exceeded, self._done = most, False, 0

    def taken(self) -> bool:
        """Whether SQLite is to stop, as it asks now and then."""
        self._done += self.AT_ONCE
        self.exceeded = self._done > self._most
        return self.exceeded


def _only_reads(action: int, *_: Any) -> int:
    allowed = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _refusal(error: sqlite3.DatabaseError, file: SourceFile, steps: _Steps) -> DataError:
    """What is wrong with a database, by what SQLite says of it."""
    said = str(error)
    if steps.exceeded:
        return DataError(
            f"{file.name} cannot be read: its table or view takes more than {STEPS.most:,} steps of SQLite, and "
            f"{_STEPS_PER_BYTE:,} for each byte of the file. If it ends, {STEPS.variable}=NUMBER raises that; or save "
            f"the rows of the view as a table."
        )
    if "not authorized" in said or "prohibited" in said:
        return DataError(
            f"{file.name} cannot be read: its view does more than read ({said}); a view that calls itself may have no "
            f"end. Save its rows as a table (CREATE TABLE ... AS SELECT * FROM ...)."
        )
    if "too big" in said:
        return DataError(
            f"{file.name} cannot be read: a row of it has more than {4 * LONGEST:,} bytes, the most that are read."
        )
    return DataError(f"{file.name} cannot be read, it may be damaged: {said}.")


def _weighed(rows: Iterable[tuple[int, Sequence[Any]]], meter: Meter) -> Iterator[tuple[int, Sequence[Any]]]:
    for number, row in rows:
        meter.add(_OBJECT * len(row) + sum(len(cell) for cell in row if isinstance(cell, (str, bytes))))
        yield number, row


def _sheet_rows(book: Any, name: str, file: SourceFile) -> Iterator[list[Any]]:
    with _damage_said(file):
        rows = book.get_sheet_by_name(name).iter_rows()
    while True:
        with _damage_said(file):
            row = next(rows, None)
        if row is None:
            return
        yield row


@contextmanager
def _damage_said(file: SourceFile) -> Iterator[None]:
    """Raises DataError for anything that the library of workbooks raises in the block: its own kinds and plain ones."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":  # of Rust, and no Exception
            said = str(error).strip().rstrip(".") or type(error).__name__
            raise DataError(f"{file.name} cannot be read as a workbook: {said}.") from error
        raise


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
