"""A report as plain data: sections with a title, a table and sentences; nothing of how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
        title: what it is about; may be empty.
        columns: the names of the table's columns; empty where there is no table.
        rows: one cell for each column.
        sentences: below the table; several are a list.
        numbers: the indices of the columns that hold numbers.
    """

    title: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    sentences: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    @property
    def is_conclusion(self) -> bool:
        """Whether it is one sentence and nothing else: what the report comes to."""
        return not self.title and not self.columns and len(self.sentences) == 1

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show below its title."""
        return not self.columns and not self.sentences

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
