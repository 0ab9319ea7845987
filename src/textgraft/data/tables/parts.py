"""The split column of a table: which one it is, and which part each row belongs to; none is ignored in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.data.readers import names
from textgraft.data.sources.part_names import is_unlabelled, part_of
from textgraft.data.tables.keys import parse_parts
from textgraft.dataset import Rows
from textgraft.errors import DataError, listed
from textgraft.labels import is_missing
from textgraft.unicode import quoted

_SAMPLE = 1_000  # rows that show whether a column under another name says the parts
_FEW = 20  # different values of such a column at most


@dataclass(frozen=True)
class Parts:
    """What a split column says.

    Attributes:
        of_row: (n,) part of each row that stays, or None where nothing says it.
        stays: (n,) which rows of the table stay, or None for all of them; those of texts without labels do not.
        notes: what is to be said.
    """

    of_row: NDArray[np.str_] | None = None
    stays: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


def read_parts(
    columns: Mapping[str, Sequence[Any]],
    rows: Rows,
    split: str | Literal[False] | None,
    *,
    taken: Collection[str],
    divided_by: str = "",
    is_part: bool = False,
) -> Parts:
    """The parts of the rows; a column that is not asked for is taken if it is named or filled as a split column.

    Args:
        columns: of the table.
        rows: where the rows came from.
        split: the column that is asked for; False takes none.
        taken: columns that are texts or labels.
        divided_by: the option that asks for another division, such as ``"--group"``.
        is_part: whether the table is a part of something already, such as a test table; it is not divided then.

    Raises:
        DataError: a row of the column names no part, two columns say different ones, or another division is asked for.
    """
    if split is False:
        return Parts()
    if split is not None:
        return _parsed(columns[split], split, rows, ())
    found, notes = _find(columns, taken)
    if not found:
        return Parts(notes=tuple(notes))
    name, *others = found
    parts = _parsed(columns[name], name, rows, tuple(notes))
    for other in others:
        again = _parsed(columns[other], other, rows, ())
        if _as_list(parts.of_row) != _as_list(again.of_row) or _as_list(parts.stays) != _as_list(again.stays):
            raise DataError(
                f"Columns {quoted(name)} and {quoted(other)} both say which split a row belongs to, and not the same. "
                "Say which with --split (split=), or leave both aside with --no-split (split=False)."
            )
    assert parts.of_row is not None
    sizes = Counter(parts.of_row.tolist())
    said = ", ".join(f"{part} {sizes[part]:,}" for part in sorted(sizes))
    if is_part:
        note = f"Column {quoted(name)} says which split a row belongs to ({said}); all of these rows are read."
        return Parts(None, parts.stays, (*parts.notes, *([note] if len(sizes) > 1 else [])))
    if len(sizes) == 1:
        return Parts(
            None, parts.stays, (*parts.notes, f"Column {quoted(name)} says {said} and no other; it divides nothing.")
        )
    if divided_by:
        raise DataError(
            f"Column {quoted(name)} says which split a row belongs to ({said}), and {divided_by} asks for another "
            f"division. Divide as the column says with --split {name} (split={quoted(name)}), or leave it aside with "
            "--no-split (split=False)."
        )
    note = f"Column {quoted(name)} says which split a row belongs to ({said}); it is used."
    return Parts(parts.of_row, parts.stays, (*parts.notes, note))


def _find(columns: Mapping[str, Sequence[Any]], taken: Collection[str]) -> tuple[list[str], list[str]]:
    """The columns that say train, and notes about those that are only named so."""
    found, notes = [], []
    for name, values in columns.items():
        if name in taken or not (names.is_split(name) or _says_parts(values)):
            continue
        cells = Counter("" if is_missing(value) else str(value).strip() for value in values)
        if any(part_of(value) == "train" for value in cells):
            found.append(name)
        elif said := [quoted(value) for value, _ in cells.most_common() if value]:
            parts = {part for value in cells if (part := part_of(value))}
            only = f"says {parts.pop()} in every row" if len(parts) == 1 == len(cells) else f"holds {listed(said)}"
            notes.append(f"Column {quoted(name)} {only} and never train; it divides nothing.")
    return found, notes


def _as_list(values: NDArray[Any] | None) -> list[Any] | None:
    return None if values is None else values.tolist()


def _says_parts(values: Sequence[Any]) -> bool:
    """Whether a column, whatever its name, says train and another part in most rows."""
    sample = Counter(value for value in values[:: max(1, len(values) // _SAMPLE)] if isinstance(value, str))
    if not sample or len(sample) > _FEW:
        return False
    named = {value: part for value in sample if (part := part_of(value))}
    parts = set(named.values())
    return "train" in parts and len(parts) > 1 and 2 * sum(sample[value] for value in named) > sample.total()


def _parsed(values: Sequence[Any], name: str, rows: Rows, notes: tuple[str, ...]) -> Parts:
    """The parts that one column says; rows of texts without labels do not stay."""
    apart = {value for value in set(map(str, values)) if is_unlabelled(value)}
    if not apart:
        return Parts(parse_parts(values, name, rows), None, notes)
    stays = np.array([str(value) not in apart for value in values])
    count = int((~stays).sum())
    if count == len(values):
        raise DataError(
            f"Column {quoted(name)} says {listed(sorted(apart))} in every row: there are no labelled texts."
        )
    note = (
        f"{count:,} {'row is' if count == 1 else 'rows are'} left out: column {quoted(name)} says "
        f"{listed(sorted(apart))} there, texts without labels ({rows.names(np.flatnonzero(~stays), 3)})."
    )
    kept = [value for value, stay in zip(values, stays.tolist(), strict=True) if stay]
    return Parts(parse_parts(kept, name, rows.select(np.flatnonzero(stays))), stays, (*notes, note))
