"""Delimited text: CSV, TSV and their kin, in flat memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import dropwhile

from textgraft.data.readers.chunks import Chunk, Reading, first_rows
from textgraft.data.readers.dialect import find_dialect, said_delimiter
from textgraft.data.readers.encodings import find_decoding, open_text
from textgraft.data.readers.habits import NULL, find_habits, habit_remarks
from textgraft.data.readers.records import Lines, Record, records
from textgraft.data.readers.top import Records, Top, find_top
from textgraft.data.sources.files import SourceFile
from textgraft.errors import listed
from textgraft.unicode import quoted

_SAMPLE = 1_000  # rows that tell a header


def read_delimited(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of a delimited text file.

    Raises:
        DataError: columns with the same name, or an encoding that cannot be.
    """
    decoding = find_decoding(file, reading)
    with open_text(file, decoding, newline="") as text:
        head = text.read(1 << 16)
    newline = "\r" if "\r" in head and "\n" not in head else "\n"  # a stray carriage return ends no line
    options = reading.options
    marked = said_delimiter(head)
    if marked:
        said = quoted(f"sep={marked}")
        reading.report.remarks.append(f"The first line of {file.name} ({said}) says the delimiter and is no row.")
    delimiter = options.delimiter or marked or None
    with open_text(file, decoding, newline) as text:
        dialect = find_dialect(_below(text, marked), suffix=file.suffix, delimiter=delimiter, quoting=options.quoting)
    with open_text(file, decoding, newline) as text:
        dialect = find_habits(_below(text, marked), dialect, delimiter=delimiter, quoting=options.quoting)
    with open_text(file, decoding, newline) as text:
        parsed = records(Lines(text, checked=decoding.checked), dialect)
        sample = [(record.line, record.fields) for record in first_rows(parsed, _SAMPLE, text) if not record.reason]
    if not sample:
        reading.report.remarks.append(f"{file.name} is empty.")
    top = _top(sample, file, reading, marked=bool(marked))
    reading.report.remarks += habit_remarks(dialect, file.name)
    if not dialect.quoting and not dialect.escape and options.quoting is None:
        reading.report.remarks.append(
            f"Quotes in {file.name} are read as characters, for they do not come in pairs around fields; "
            f"say --quoting (quoting=True) if they should enclose fields."
        )
    with open_text(file, decoding, newline) as text:
        parsed = records(Lines(text, checked=decoding.checked), dialect)
        yield from reading.chunks(file.name, top.names, _rows(parsed, file, reading, top), text)


def _below(lines: Iterable[str], marked: str | None) -> Iterable[str]:
    """The lines of a table below the one that says its delimiter, if one does."""
    return dropwhile(lambda line: said_delimiter(line) or not line.strip(), lines) if marked else lines


def _top(sample: list[tuple[int, list[str]]], file: SourceFile, reading: Reading, *, marked: bool) -> Top:
    """The top of the table; its names where it has no rows."""
    if not sample:
        return Top(["column1"])
    listing = file.suffix in ("", ".txt")
    records = Records(sample, file.name, "line {}", listing=listing)
    top = find_top(records, reading, marked=marked)
    if len(top.lines) == len(sample) and top.above:
        reading.report.remarks.append(f"{file.name} has a header ({', '.join(top.names)}) and no rows.")
    return top


def _rows(parsed: Iterator[Record], file: SourceFile, reading: Reading, top: Top) -> Iterator[tuple[int, list[str]]]:
    """Rows with a field for each name, numbered from the first below the top; others are reported.

    A row that is left out has its number, so that those after it keep theirs.
    """
    number, nulls, width = 0, 0, len(top.names)
    last = max(top.lines, default=0)
    again: list[int] = []
    blank: list[int] = []
    for line, fields, reason in parsed:
        if line <= last and line in top.lines:
            continue
        if top.stands_again(fields, f"{file.name} line {line}"):
            number += 1
            again.append(line)
        elif not reason and len(fields) > 1 and not fields[0] and not any(fields):
            number += 1
            blank.append(line)
        elif len(fields) == width:
            number += 1
            if NULL in fields:
                nulls += fields.count(NULL)
            yield number, ["" if field == NULL else field for field in fields] if NULL in fields else fields
        elif reason or len(fields) > 1 or fields[0].strip():
            number += 1
            count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            reading.report.bad(file.name, line, reason or f"it has {count} where {width} are expected")
    reading.report.again(file.name, "line", again)
    if blank:
        count = f"{len(blank):,} lines of {file.name} hold" if len(blank) > 1 else f"1 line of {file.name} holds"
        where = listed((f"line {line}" for line in blank), 6)
        reading.report.remarks.append(f"{count} delimiters alone ({where}), left out.")
    if nulls:
        count = f"{nulls:,} cells of {file.name} are" if nulls > 1 else f"1 cell of {file.name} is"
        reading.report.remarks.append(f"{count} {NULL}, as MySQL and PostgreSQL write NULL; read as missing.")
