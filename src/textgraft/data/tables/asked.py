"""Columns that are asked for by name: from what was written to the names that the table has."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from textgraft.data.readers.header import is_position
from textgraft.data.tables.paths import paths
from textgraft.errors import DataError, did_you_mean, listed
from textgraft.unicode import quoted, whole

Names = str | Sequence[str]


class CommaNames(tuple[str, ...]):
    """Names as the command line has them: each is a column's name, commas and all, or several with commas between."""

    __slots__ = ()


def as_names(given: Names | None) -> tuple[str, ...]:
    """One name or several as a tuple."""
    names = (given,) if isinstance(given, str) else () if given is None else tuple(given)
    written = map(whole, names)
    return CommaNames(written) if isinstance(given, CommaNames) else tuple(written)


def expected(wanted: Sequence[str]) -> tuple[str, ...]:
    """All that may be a column's name in what was written, to tell a header by."""
    if not isinstance(wanted, CommaNames):
        return tuple(wanted)
    parts = [part for value in wanted for part in _parts(value)]
    whole = [] if all(map(is_position, parts)) else wanted
    return tuple(dict.fromkeys((*whole, *parts)))


def asked(wanted: Sequence[str], columns: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that some names mean; a name that means none stays as it is, for ``check_columns`` to refuse.

    A name means the column of that name, or else the only one that differs from it in blanks or in the Unicode form
    alone. Of ``CommaNames`` a value that names no column is cut at commas, so that each piece names one.

    Raises:
        DataError: a value can be cut into names of columns in two ways.
    """
    if not isinstance(wanted, CommaNames):
        return tuple(_column(name, columns) or name for name in wanted)
    found: list[str] = []
    for value in wanted:
        found += _cut(value, columns)
    return CommaNames(dict.fromkeys(found))


def check_columns(wanted: Sequence[str], columns: Mapping[str, Any], *, file: str = "", purpose: str = "") -> None:
    """Raises DataError for a column that is not there, with the nearest names and all that are.

    Args:
        wanted: names, as ``asked`` gives them.
        columns: of the table.
        file: that lacks the column, where that is to be said.
        purpose: what the column is for, as in ``" to keep"``.
    """
    inside = paths(columns) if any(name not in columns for name in wanted) else []
    objects = f" In their objects are {listed(map(quoted, inside), 12)}." if inside else ""
    for name in wanted:
        if name not in columns:
            parts = _parts(name) if isinstance(wanted, CommaNames) else []
            lacking = [part for part in parts if _column(part, columns) is None]
            also = ""
            if len(parts) > 1 and lacking:
                are = "are not there either" if len(lacking) > 1 else "is not there either"
                also = f"; separated at its commas, {listed(map(quoted, lacking))} {are}"
            nearest = [did_you_mean(near, _like(near, columns, inside)) for near in (name, *lacking)]
            if len(lacking) < len(parts):  # several names were meant, for some are there
                del nearest[:1]
            hint = next(filter(None, nearest), "")
            raise DataError(
                f"{f'{file} has' if file else 'There is'} no column {quoted(name)}{purpose}{also}.{hint} The columns "
                f"are {listed(map(quoted, columns), 20)}.{objects}"
            )


def _like(name: str, columns: Mapping[str, Any], inside: list[str]) -> list[str]:
    """What a name may have been meant for: a path that ends in it, else any column or path."""
    return [path for path in inside if path.endswith(f".{name}")] or [*columns, *inside]


def _column(name: str, columns: Mapping[str, Any]) -> str | None:
    if name in columns:
        return name
    same = _form(name)
    found = [column for column in columns if _form(column) == same] if same else []
    return found[0] if len(found) == 1 else None


def _form(name: str) -> str:
    """What two names have in common that nobody can tell apart, or that a shell cannot write."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _cut(value: str, columns: Mapping[str, Any]) -> Sequence[str]:
    if (column := _column(value, columns)) is not None:
        return [column]
    ways = _ways(value, columns)
    if len(ways) > 1:
        shown = " or ".join(" and ".join(map(quoted, way)) for way in ways)
        raise DataError(
            f"{quoted(value)} can mean the columns {shown}: give the option once for each column (in Python a list of "
            "names)."
        )
    if ways:
        return ways[0]
    parts = _parts(value)
    return parts if parts and all(map(is_position, parts)) else [value]


def _ways(value: str, columns: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The first two ways to cut a value at commas into names of columns; blank pieces are passed over."""
    pieces = value.split(",")
    most = 1 + max((column.count(",") for column in columns), default=0)
    ways: defaultdict[int, list[tuple[str, ...]]] = defaultdict(list, {len(pieces): [()]})  # of the pieces from i on
    for i in reversed(range(len(pieces))):
        if not pieces[i].strip():
            ways[i] = list(ways[i + 1])
        for end in range(i + 1, min(i + most, len(pieces)) + 1):
            if ways[end] and (column := _column(",".join(pieces[i:end]), columns)) is not None:
                ways[i] += [(column, *rest) for rest in ways[end]]
        ways[i] = list(dict.fromkeys(ways[i]))[:2]
    return [way for way in ways[0] if way]
