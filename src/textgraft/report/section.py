"""A section of a report: a title, a table, sentences; nothing of how it is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
        title: what it is about; may be empty.
        columns: the names of the table's columns; empty where there is no table.
        rows: one cell for each column.
        sentences: below the table.
        numbers: the indices of the columns that hold numbers.
    """

    title: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    sentences: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
