"""A report as plain data: sections with a title, a table and sentences; nothing of how they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from textgraft.unicode import shown


@dataclass(frozen=True)
class Section:
    """One part of a report. Its strings can be shown: control characters and half characters in them are escaped.

    Attributes:
        title: what it is about; may be empty.
        columns: the names of the table's columns; empty where there is no table.
        rows: one cell for each column.
        sentences: below the table; several are a list.
        numbers: the indices of the columns that hold numbers.
        commands: below the sentences, to be pasted into a shell or into Python as they are.
    """

    title: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    sentences: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    commands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("columns", "sentences", "commands"):
            object.__setattr__(self, name, _shown(getattr(self, name)))
        object.__setattr__(self, "title", shown(self.title))
        object.__setattr__(self, "rows", tuple(map(_shown, self.rows)))

    @property
    def is_conclusion(self) -> bool:
        """Whether it is one sentence and nothing else: what the report comes to."""
        return not self.title and not self.columns and not self.commands and len(self.sentences) == 1

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show below its title."""
        return not self.columns and not self.sentences and not self.commands

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
        object.__setattr__(self, "title", shown(self.title))


def _shown(strings: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(shown, strings))
