"""Delimited text: CSV, TSV and their kin, in flat memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from textgraft.data.tables.chunks import Chunk, Reading
from textgraft.data.tables.dialect import find_dialect
from textgraft.data.tables.encodings import Decoding, find_decoding, open_text
from textgraft.data.tables.habits import NULL, find_habits, habit_remarks
from textgraft.data.tables.header import column_names, has_header
from textgraft.data.tables.records import Dialect, Lines, Record, records
from textgraft.data.tables.sources import SourceFile

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
    with open_text(file, decoding, newline) as text:
        dialect = find_dialect(text, suffix=file.suffix, delimiter=options.delimiter, quoting=options.quoting)
    with open_text(file, decoding, newline) as text:
        dialect = find_habits(text, dialect, delimiter=options.delimiter, quoting=options.quoting)
    with _open(file, decoding, newline, dialect) as parsed:
        sample = [record.fields for record in islice(parsed, _SAMPLE) if not record.reason]
    if not sample:
        reading.report.remarks.append(f"{file.name} is empty.")
    header = bool(sample) and has_header(sample, reading.expect) if options.header is None else options.header
    width = len(sample[0]) if header and sample else _width(sample)
    with _open(file, decoding, newline, dialect) as parsed:
        first = next((record for record in parsed if not record.reason), None) if header else None
    names = column_names(first.fields if first else None, width, file.name)
    if header and len(sample) == 1:
        reading.report.remarks.append(f"{file.name} has a header ({', '.join(names)}) and no rows.")
    reading.report.remarks += habit_remarks(dialect, file.name)
    if not dialect.quoting and not dialect.escape and options.quoting is None:
        reading.report.remarks.append(
            f"Quotes in {file.name} are read as characters, for they do not come in pairs around fields; "
            f"say --quoting (quoting=True) if they should enclose fields."
        )
    with _open(file, decoding, newline, dialect) as parsed:
        yield from reading.chunks(file.name, names, _rows(parsed, file, reading, len(names), header))


def _rows(
    parsed: Iterator[Record], file: SourceFile, reading: Reading, width: int, header: bool
) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows of ``width`` fields; others are reported."""
    number = nulls = 0
    for line, fields, reason in parsed:
        if len(fields) == width and header:
            header = False
        elif len(fields) == width:
            number += 1
            if NULL in fields:
                nulls += fields.count(NULL)
            yield number, ["" if field == NULL else field for field in fields] if NULL in fields else fields
        elif reason or len(fields) > 1 or fields[0].strip():
            number += 1
            count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            reading.report.bad(file.name, line, reason or f"it has {count} where {width} are expected")
    if nulls:
        count = f"{nulls:,} cells of {file.name} are" if nulls > 1 else f"1 cell of {file.name} is"
        reading.report.remarks.append(f"{count} {NULL}, as MySQL and PostgreSQL write NULL; read as missing.")


@contextmanager
def _open(file: SourceFile, decoding: Decoding, newline: str, dialect: Dialect) -> Iterator[Iterator[Record]]:
    with open_text(file, decoding, newline) as text:
        yield records(Lines(text, checked=decoding.checked), dialect)


def _width(sample: list[list[str]]) -> int:
    widths = Counter(map(len, sample))
    return max(widths, key=lambda width: (widths[width], width), default=1)
