"""Cells that are objects (of JSON, structs and maps of Arrow, dictionaries in frames), and the way into them.

``review.body`` is the field ``body`` of the objects in the column ``review``. A column that has this very name wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from textgraft.errors import DataError, listed
from textgraft.labels import is_missing
from textgraft.unicode import quoted

Columns = Mapping[str, Sequence[Any]]

_LOOK = 100  # cells whose fields are looked for
_ABSENT: Any = object()
_PLAIN = frozenset((str, int, float, bool, type(None)))


def fields_of(cell: Any) -> Mapping[Any, Any] | None:
    """The fields of a cell that is an object or a map of Arrow, which comes as pairs; None of all else."""
    if isinstance(cell, Mapping):
        return cell
    if isinstance(cell, list) and cell and all(isinstance(pair, tuple) and len(pair) == 2 for pair in cell):
        return dict(cell)
    return None


def reached(columns: Columns, wanted: Iterable[str]) -> dict[str, list[Any]]:
    """The values at those wanted names that are paths into the objects of a column; a missing part is None.

    A path that no row has is left out.
    """
    found: dict[str, list[Any]] = {}
    for name in wanted:
        parts = name.split(".")
        for n in range(len(parts) - 1, 0, -1):
            column = columns.get(".".join(parts[:n]))
            if name in columns or column is None:
                continue
            values = [_at(cell, parts[n:]) for cell in column]
            if any(value is not _ABSENT for value in values):
                found[name] = [None if value is _ABSENT else value for value in values]
                break
    return found


def paths(columns: Columns) -> list[str]:
    """The paths to all that stands in the objects of columns and is no object itself, by the first cells."""
    found: dict[str, None] = {}
    for name, values in columns.items():
        if _PLAIN.issuperset(map(type, values)):
            continue
        filled = (value for value in values if not is_missing(value))
        for _, value in zip(range(_LOOK), filled, strict=False):
            found |= dict.fromkeys(_leaves(name, value))
    return [name for name in found if name not in columns]


def check_plain(columns: Columns, wanted: Iterable[str], option: str) -> None:
    """Raises DataError for a wanted column whose first cells are objects; it names the paths into them."""
    for name in wanted:
        filled = [value for value in columns[name][:_LOOK] if not is_missing(value)]
        if any(fields_of(value) is not None for value in filled):
            raise DataError(f"Column {quoted(name)} holds objects. {say_path(paths({name: columns[name]}), option)}")


def say_path(inside: Sequence[str], option: str) -> str:
    """A sentence that says which paths there are."""
    if not inside:
        return "They have no fields."
    shown = repr(inside[0]) if " " in inside[0] else inside[0]
    say = f"--{option} {shown} ({option}={quoted(inside[0])})"
    if len(inside) == 1:
        return f"In them is {quoted(inside[0])}: say {say}."
    return f"In them are {listed(map(quoted, inside), 12)}: say, for instance, {say}."


def _at(cell: Any, parts: Sequence[str]) -> Any:
    """What stands at a path in a cell; a name of a field may have dots in it, and the longest one is taken."""
    if not parts:
        return cell
    fields = fields_of(cell)
    if fields is not None:
        for n in range(len(parts), 0, -1):
            name = ".".join(parts[:n])
            if name in fields and (value := _at(fields[name], parts[n:])) is not _ABSENT:
                return value
    return _ABSENT


def _leaves(path: str, value: Any) -> Iterator[str]:
    fields = fields_of(value)
    if fields is None:
        yield path
        return
    for name, inner in fields.items():
        if isinstance(name, str):
            yield from _leaves(f"{path}.{name}", inner)
