"""Whether the first row of a table names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import fmean

from textgraft.data.tables.names import is_identifier, is_known
from textgraft.errors import DataError

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_POSITION = re.compile(r"column\d+")


def has_header(rows: Sequence[Sequence[str]], expect: Sequence[str] = ()) -> bool:
    """Whether the first of some rows is a header.

    Names that the caller expects decide. Else the first row must look like names (distinct, short, not numbers), and
    either hold a name that tables of texts have, or differ from what stands below it.
    """
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    if any(name in first for name in expect):
        return True
    named = [cell for cell in first if cell]
    if not named or len(set(named)) < len(named) or any(len(cell) > 64 or "\n" in cell for cell in named):
        return False
    if any(_NUMBER.fullmatch(cell) for cell in named):
        return named == [str(i) for i in range(len(named))] and bool(rest)
    below = [[row[i].strip() for row in rest if len(row) > i] for i in range(len(first))]
    if any(cell and cell in column for cell, column in zip(first, below, strict=True)):
        return False
    if any(is_known(cell) or (len(first) > 1 and " " not in cell and is_identifier(cell)) for cell in named):
        return True
    if expect and all(is_position(name) for name in expect):
        return False
    return len(first) > 1 and sum(map(_vote, first, below)) > 0


def is_position(name: str) -> bool:
    """Whether a name is one that a column without a name is given."""
    return _POSITION.fullmatch(name) is not None


def column_names(first: Sequence[str] | None, width: int, file: str) -> list[str]:
    """The names of a header row, or ``column1`` and so on; a nameless column is named by its place.

    Raises:
        DataError: two columns have the same name.
    """
    cells = [""] * width if first is None else [str(cell).strip() for cell in first]
    names = [cell or f"column{i}" for i, cell in enumerate(cells, start=1)]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DataError(
            f"{file} has more than one column named {', '.join(map(repr, twice))}; rename them, or read it without "
            f"a header: --no-header (header=False)."
        )
    return names


def _vote(cell: str, below: Sequence[str]) -> int:
    """1 if a cell differs from its column as a name does from values, -1 if it is one of its kind, else 0."""
    values = [value for value in below if value]
    if not values or not cell:
        return 0
    if all(_NUMBER.fullmatch(value) for value in values):
        return 2  # and the cell is no number
    mean = fmean(map(len, values))
    if mean >= 20:
        return 1 if len(cell) < 0.3 * mean and len(cell.split()) <= 3 else -1
    return int(len(values) >= 8 and len(set(values)) <= len(values) / 3)
