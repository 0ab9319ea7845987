"""A report as plain data: sections with a title, a table and sentences; nothing of how they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from textgraft.unicode import said, shown

MOST_COLUMNS = 60  # that are shown
MOST_SENTENCES = 100
MOST_IN_CELL = 400  # characters
MOST_IN_TITLE = 600
MOST_IN_COMMAND = 8_000
MOST_MARKED = 5_000  # characters of a text with marks


@dataclass(frozen=True)
class Section:
    """One part of a report. Its strings can be shown: control characters and half characters in them are escaped, what
    is longer than people read is shortened, and so are tables; what is left out of them is counted.

    Attributes:
        title: what it is about; may be empty.
        columns: the names of the table's columns; empty where there is no table.
        rows: one cell for each column.
        sentences: below the table; several are a list.
        numbers: the indices of the columns that hold numbers.
        commands: below the sentences, to be pasted into a shell or into Python as they are.
        marked: a text in pieces, above the table, with how much each is marked: from -1 (against) to 1 (for).
    """

    title: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    sentences: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    commands: tuple[str, ...] = ()
    marked: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        sentences = [*map(said, self.sentences[:MOST_SENTENCES])]
        for left, what in (
            (len(self.columns) - MOST_COLUMNS, "columns"),
            (len(self.sentences) - MOST_SENTENCES, "sentences"),
        ):
            sentences += [f"and {left:,} more {what}."] if left > 0 else []
        for name, value in {
            "title": said(self.title, MOST_IN_TITLE),
            "columns": _cells(self.columns),
            "rows": tuple(map(_cells, self.rows)),
            "sentences": tuple(sentences),
            "commands": tuple(map(_command, self.commands)),
            "marked": tuple(_marked(self.marked)),
        }.items():
            object.__setattr__(self, name, value)

    @property
    def is_conclusion(self) -> bool:
        """Whether it is one sentence and nothing else: what the report comes to."""
        return (
            not self.title and not self.columns and not self.commands and not self.marked and len(self.sentences) == 1
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show below its title."""
        return not (self.columns or self.sentences or self.commands or self.marked)

    def first(self, most: int) -> Section:
        """The same with at most so many rows; a last sentence says how many more there are."""
        if len(self.rows) <= most:
            return self
        more = f"and {len(self.rows) - most:,} more."
        return replace(self, rows=self.rows[:most], sentences=(*self.sentences, more))


@dataclass(frozen=True)
class Report:
    """Sections under one title, in reading order."""

    title: str
    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", said(self.title, MOST_IN_TITLE))


def _cells(strings: tuple[str, ...]) -> tuple[str, ...]:
    if len(strings) > MOST_COLUMNS:
        strings = (*strings[: MOST_COLUMNS - 1], strings[-1])  # a text stands in the last one
    return tuple(said(string, MOST_IN_CELL).replace("\n", " ").replace("\t", " ") for string in strings)


def _marked(pieces: tuple[tuple[str, float], ...]) -> Iterator[tuple[str, float]]:
    """Pieces that can be shown, as far as people read."""
    left = MOST_MARKED
    for piece, mark in pieces:
        if len(piece) > left:
            rest = sum(len(other) for other, _ in pieces) - MOST_MARKED
            yield shown(piece[:left]) + f"… ({rest:,} more characters)", mark
            return
        left -= len(piece)
        yield shown(piece), mark


def _command(command: str) -> str:
    if len(command) > MOST_IN_COMMAND:  # a part of it would do something else
        return f"# a command of {len(command):,} characters, which is too long to be shown"
    return shown(command)
