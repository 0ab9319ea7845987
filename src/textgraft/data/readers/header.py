"""Whether the first row of a table names its columns, and what they are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from textgraft.data.readers import names
from textgraft.data.readers.chunks import Chunk, Report
from textgraft.data.readers.evidence import bits_for_names
from textgraft.errors import DataError, listed
from textgraft.labels import is_missing
from textgraft.unicode import quoted

Verdict = Literal["names", "row", "unclear"]

CLEAR = 3.5  # bits: 11 to 1
_MOST_TWINS = 10  # names that several columns share, of which each is said
_BLANKS = re.compile(r"\s+")
_POSITION = re.compile(r"column\d+")


def first_row(rows: Sequence[Sequence[str]], expect: Sequence[str] = (), *, listing: bool = False) -> Verdict:
    """What the first of some rows is; ``"unclear"`` where it cannot be told.

    Args:
        rows: cells without blanks at their ends, equally many in most rows.
        expect: names that the table is expected to have.
        listing: the table is a plain list, one text a line: nothing but a name that is exactly right is one there.
    """
    if len(rows[0]) == 1:
        return _first_text(rows[0][0], [row[0] for row in rows[1:] if row], expect, listing)
    bits = bits_of(rows, expect)
    familiar = any(names.is_known(cell) or names.is_spelled_as_name(cell) or cell in expect for cell in rows[0])
    least = CLEAR if familiar else CLEAR + 1.5  # a short text with a rare label looks like names that nobody knows
    return "names" if bits >= least else "row" if bits <= -CLEAR else "unclear"


def bits_of(rows: Sequence[Sequence[str]], expect: Sequence[str] = ()) -> float:
    """The evidence of all columns and of what is expected; rows that repeat the first are none."""
    below = [row for row in rows[1:] if not names.are_same(row, rows[0])]
    if 4 * len(below) < len(rows):  # most are alike: rows, not names that stand again
        below = list(rows[1:])
    before = 1.0 if not expect else -4.0 if all(map(is_position, expect)) else -1.0
    return before + bits_for_names([rows[0], *below], expect)


def _first_text(cell: str, others: Sequence[str], expect: Sequence[str], listing: bool) -> Verdict:
    """Of a table with one column: a text is rather taken for a name nowhere than lost."""
    if cell in expect or (cell in (("text", "texts") if expect else names.TEXT) and cell not in others):
        return "names"
    if listing:
        return "row"
    if names.is_shared(cell, expect):
        return "names"
    if " " in cell or not cell:
        is_question = cell.endswith("?") and len(others) > 1 and not any(other.endswith("?") for other in others)
        return "unclear" if is_question else "row"
    unlike = all(len(other.split()) > 2 or len(other) >= 3 * len(cell) for other in others)
    if names.is_text_name(cell) or names.is_spelled_as_name(cell):
        return "names" if unlike else "unclear"
    return "unclear" if unlike and len(others) > 2 and cell.isalpha() else "row"


def is_position(name: str) -> bool:
    """Whether a name is one that a column without a name is given."""
    return _POSITION.fullmatch(name) is not None


def column_names(first: Sequence[str] | None, width: int, file: str, report: Report | None = None) -> list[str]:
    """The names of a header row, or ``column1`` and so on; a nameless column is named by its place.

    Columns that share a name are told apart as ``notes``, ``notes (2)``; the report says so, and what names they share.

    Raises:
        DataError: columns share a name, and there is no report to say so.
    """
    cells = [""] * width if first is None else [_BLANKS.sub(_one_line, clean(cell)) for cell in first]
    found = [cell or f"column{i}" for i, cell in enumerate(cells, start=1)]
    taken = set(found)
    if len(taken) == len(found):
        return found
    if report is None:
        twice = (quoted(name) for name, count in Counter(found).items() if count > 1)
        raise DataError(f"{file} has more than one column named {listed(twice)}; rename them.")
    seen: dict[str, list[int]] = {}
    numbers: dict[str, int] = {}
    for i, name in enumerate(found):
        seen.setdefault(name, []).append(i)
        if len(seen[name]) > 1:
            number = numbers.get(name, 2)
            while f"{name} ({number})" in taken:
                number += 1
            found[i] = f"{name} ({number})"
            taken.add(found[i])
            numbers[name] = number + 1
    twins = {name: places for name, places in seen.items() if len(places) > 1}
    for name, places in twins.items():
        where = listed((place + 1 for place in places), 6)
        called = [found[place] for place in places]
        clause = f"{file} has {len(places)} columns named {quoted(name)} (columns {where})"
        report.twins[name] = clause, called
        if len(report.twins) <= _MOST_TWINS:
            report.remarks.append(f"{clause}; they are called {listed(map(quoted, called), 6)}.")
    if len(twins) > _MOST_TWINS:
        report.remarks.append(f"{file} has {len(twins):,} names in all that several columns share; they are numbered.")
    return found


def clean(cell: object) -> str:
    """A cell as text, without what has no width or is blank at its ends; whole numbers have no point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if type(cell) is str and cell.isalnum():  # most are
        return cell
    return str(cell).strip().strip("\ufeff\u200b").strip()


def check_twins(
    wanted: Sequence[str], twins: Mapping[str, tuple[str, list[str]]], columns: Mapping[str, Sequence[object]]
) -> None:
    """Raises DataError for a wanted name that several columns share (see ``Report``), if more than one holds values."""
    for name in wanted:
        clause, called = twins.get(name, ("", []))
        if any(not is_missing(cell) for other in called[1:] for cell in columns.get(other, ())):
            raise DataError(f"{clause}, and it is not clear which one is meant. Rename the others in the file.")


def without_names(chunk: Chunk, report: Report) -> Chunk:
    """The chunk without the rows in which every cell holds the name of its column, as joined files leave them."""
    first = next(iter(chunk.columns), "")
    if len(chunk.columns) < 2:
        return chunk
    cells, key, most = chunk.columns[first], names.normal(first), len(first) + 3
    found = [i for i, cell in enumerate(cells) if type(cell) is str and len(cell) <= most and names.normal(cell) == key]
    again = {i for i in found if all(_is_name_of(column[i], name) for name, column in chunk.columns.items())}
    if not again:
        return chunk
    report.again(chunk.file, "row", [chunk.numbers[i] for i in sorted(again)])
    left = [i for i in range(len(chunk)) if i not in again]
    columns = {name: [column[i] for i in left] for name, column in chunk.columns.items()}
    return Chunk(columns, chunk.file, [chunk.numbers[i] for i in left])


def _is_name_of(cell: object, name: str) -> bool:
    return isinstance(cell, str) and names.normal(cell) == names.normal(name)


def _one_line(blanks: re.Match[str]) -> str:
    return " " if "\n" in blanks[0] or "\r" in blanks[0] else blanks[0]
