"""Delimited lines to records of fields, one at a time, with the exact line of each and of each that does not parse."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from textgraft.data.tables.encodings import undecoded

NO_DELIMITER = "\x1f"  # the delimiter of a table with one column: ASCII's unit separator, which text does not have
MOST_CHARACTERS = 1 << 24
MOST_LINES = 10_000
_REASONS = {  # by what Python's csv says
    "unexpected end": "a quote is opened and never closed",
    "expected after": "a quoted field goes on after its closing quote",
    "new-line": "it has a carriage return outside quotes",
}


@dataclass(frozen=True)
class Dialect:
    """The character between fields, and whether ``"`` encloses fields (doubled inside them)."""

    delimiter: str
    quoting: bool


class Record(NamedTuple):
    """The fields of a record and its 1-based first line; or, with ``reason``, why it does not parse."""

    line: int
    fields: list[str]
    reason: str = ""


class Lines:
    """Numbered lines of a file that remember those of the current record, to go back when it does not parse.

    A record must end within ``most_lines`` and ``MOST_CHARACTERS``, so that one quote without its fellow does not
    swallow the rest of a file.
    """

    def __init__(self, lines: Iterable[str], *, checked: bool = False, most_lines: int = MOST_LINES) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self._checked = checked
        self._most = most_lines
        self.read = 0

    @property
    def first(self) -> int:
        """The number of the current record's first line."""
        return self.read - len(self._record) + 1

    def begin(self) -> None:
        """The next line begins a record."""
        self._record = []

    def rewind(self) -> None:
        """Goes back to the line after the current record's first line."""
        self._again.extendleft(reversed(self._record[1:]))
        self.read -= len(self._record) - 1
        self._record = []

    def __iter__(self) -> Iterator[str]:
        characters = 0
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self.read += 1
            self._record.append(line)
            characters = len(line) + (characters if len(self._record) > 1 else 0)
            if "\0" in line:
                raise csv.Error("it has a null byte")
            if self._checked and undecoded(line):
                raise csv.Error("it has bytes that are not valid in the file's encoding")
            if len(self._record) > self._most or characters > MOST_CHARACTERS:
                raise csv.Error(
                    f"a quote is opened and not closed within {self._most:,} lines"
                    if len(self._record) > 1
                    else f"it is longer than {MOST_CHARACTERS:,} characters"
                )
            yield line


def records(lines: Lines, dialect: Dialect) -> Iterator[Record]:
    """The records of ``lines``; blank lines are none.

    After a record that does not parse, reading goes on with the line after its first.
    """
    # The module's own limit is for the whole process and too low for long documents; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MOST_CHARACTERS))
    while True:
        bare = (line.rstrip("\r\n") for line in lines)
        plain = (line.split(dialect.delimiter) if line else [] for line in bare)
        parser = csv.reader(lines, delimiter=dialect.delimiter, strict=True) if dialect.quoting else plain
        try:
            for fields in parser:
                if fields:
                    yield Record(lines.first, fields)
                lines.begin()
            return
        except csv.Error as error:
            reason = next((ours for theirs, ours in _REASONS.items() if theirs in str(error)), str(error))
            yield Record(lines.first, [], reason)
            lines.rewind()
