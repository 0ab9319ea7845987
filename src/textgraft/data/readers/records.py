"""Delimited lines to records of fields, one at a time, with the exact line of each and of each that does not parse."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from textgraft.data.readers.encodings import LONGEST, undecoded

NO_DELIMITER = "\x1f"  # the delimiter of a table with one column: ASCII's unit separator, which text does not have
MOST_CHARACTERS = LONGEST  # of a record
MOST_LINES = 10_000
_PAIR = re.compile(r"\\(.?)", re.DOTALL)
_NO_QUOTE = re.compile(r'\\(?!")')
_LETTERS = {"t": "\t", "n": "\n", "r": "\r"}
_REASONS = {  # by what Python's csv says
    "unexpected end": "a quote is opened and never closed",
    "expected after": "a quoted field goes on after its closing quote",
    "new-line": "it has a carriage return outside quotes",
}


Escape = Literal["", "doubled", "quotes", "letters"]
Blanks = Literal["", "after", "around"]


@dataclass(frozen=True)
class Dialect:
    """The character between fields, and how fields hold it.

    Attributes:
        delimiter: the character between fields.
        quoting: whether ``"`` encloses fields (doubled inside them).
        escape: what a backslash does. Nothing; ``"doubled"``: it makes a quote, delimiter, line end or backslash part
            of the field; ``"quotes"``: a quote only, and is else a character; ``"letters"``: as doubled, and with a
            letter stands for a tab or line end.
        blanks: whether blanks ``"after"`` delimiters, or ``"around"`` them, are no part of the fields.
    """

    delimiter: str
    quoting: bool
    escape: Escape = ""
    blanks: Blanks = ""


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

    read: int

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
        parser = _parser(lines, dialect)
        try:
            for fields in parser:
                if fields:
                    bare = [field.strip() for field in fields] if dialect.blanks == "around" else fields
                    yield Record(lines.first, bare)
                lines.begin()
            return
        except csv.Error as error:
            reason = next((ours for theirs, ours in _REASONS.items() if theirs in str(error)), str(error))
            yield Record(lines.first, [], reason)
            lines.rewind()


def _parser(lines: Lines, dialect: Dialect) -> Iterator[list[str]]:
    if not dialect.quoting and not dialect.escape:
        bare = (line.rstrip("\r\n") for line in lines)
        return (line.split(dialect.delimiter) if line else [] for line in bare)
    as_written: Iterable[str] = lines
    if dialect.escape:
        as_written = map(partial(_escaped, dialect=dialect), as_written)
    if dialect.blanks:
        as_written = map(_closer(dialect.delimiter), as_written)
    return csv.reader(
        as_written,
        delimiter=dialect.delimiter,
        escapechar="\\" if dialect.escape else None,
        quoting=csv.QUOTE_MINIMAL if dialect.quoting else csv.QUOTE_NONE,
        skipinitialspace=bool(dialect.blanks),
        strict=True,
    )


def _closer(delimiter: str) -> Callable[[str], str]:
    """Takes blanks between a closing quote and a delimiter out of a line."""
    mark = re.escape(delimiter)
    quotes = re.compile(rf'((?:^|[{mark}])[ ]*)?(?<!")("+)[ ]+(?=[{mark}\r\n]|$)')

    def closed(found: re.Match[str]) -> str:
        start, run = found.groups()  # at the start of a field one quote opens it; each two are one of its own
        return found[0] if len(run) % 2 == (start is not None) else f"{start or ''}{run}"

    return lambda line: quotes.sub(closed, line) if '" ' in line else line


def _escaped(line: str, dialect: Dialect) -> str:
    """A line whose backslashes that are characters are doubled, so that `csv` keeps them."""
    if "\\" not in line:
        return line
    if dialect.escape == "quotes":
        return _NO_QUOTE.sub(r"\\\\", line)
    kept = f'"\\\r\n{dialect.delimiter}'
    letters = _LETTERS if dialect.escape == "letters" else {}

    def pair(found: re.Match[str]) -> str:
        second = found[1]
        return "\\" + (second if second in kept else letters.get(second, "\\" + second))

    return _PAIR.sub(pair, line)
