"""How several labels stand in the cells of one column: as lists, as 0/1 vectors, or as names with a delimiter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, NoReturn

from textgraft.data.readers import names
from textgraft.data.tables.lists import NotAListError, is_list, looks_like_list, parse_list
from textgraft.dataset import LabelShape, Rows
from textgraft.errors import DataError
from textgraft.labels import is_missing, label_name
from textgraft.unicode import quoted

DELIMITERS: Final = ";|,\n"
TRUTH: Final = {"0": False, "1": True, "false": False, "true": True}
ONE_NAME: Final = "--single-label (single_label=True)"
_VECTOR = re.compile(r"(?:[01](?:\.0*)?|true|false)(?:[,;|\s]+(?:[01](?:\.0*)?|true|false))+", re.IGNORECASE)
_BETWEEN = re.compile(r"[,;|\s]+")


class Shape(NamedTuple):
    """How labels stand in the cells, and what divides them there."""

    shape: LabelShape
    delimiter: str = ""


class LabelCells:
    """The cells of a label column, with the lists that are in them.

    Attributes:
        column: its name.
        values: n cells.
        rows: where they came from.
    """

    column: str
    rows: Rows
    values: Sequence[Any]

    def __init__(self, column: str, values: Sequence[Any], rows: Rows) -> None:
        self.column, self.values, self.rows = column, values, rows
        self.no_lists: dict[str, str] = {}  # texts that only look like lists, and why they are none

    @cached_property
    def texts(self) -> Counter[str]:
        """The filled cells that are text, and how many rows have each."""
        counts = Counter(value for value in self.values if type(value) is str)
        stripped: Counter[str] = Counter()
        for text, n in counts.items():
            stripped[text.strip()] += n
        del stripped[""]
        return stripped

    @cached_property
    def written(self) -> dict[str, list[Any] | dict[Any, Any]]:
        """The lists that are written as text."""
        lists: dict[str, list[Any] | dict[Any, Any]] = {}
        for text in filter(looks_like_list, self.texts):
            try:
                lists[text] = parse_list(text)
            except NotAListError as reason:
                self.no_lists[text] = str(reason)
        return lists

    def items(self, i: int) -> list[Any] | Mapping[Any, Any] | None:
        """The items of the list in a cell, or the names and values of a dictionary; None where it holds none."""
        value = self.values[i]
        if isinstance(value, str):
            return self.written.get(value.strip())
        if not is_list(value):
            return None
        if isinstance(value, (set, frozenset)):
            return sorted(value, key=str)
        return value if isinstance(value, Mapping) else value.tolist() if hasattr(value, "tolist") else list(value)

    def is_blank(self, i: int) -> bool:
        """Whether nothing is in a cell."""
        value = self.values[i]
        return not value.strip() if isinstance(value, str) else is_missing(value)

    def refuse(self, i: int, why: str) -> NoReturn:
        """Raises DataError about one cell."""
        value = self.values[i]
        said = quoted(value if isinstance(value, str) else str(value))
        said = said if len(said) <= 62 else f"{said[:60]}..."
        raise DataError(f"Label column {quoted(self.column)} has {said} in {self.rows.name(i)}, {why}")


def are_flags(values: Sequence[Any]) -> bool:
    """Whether all objects among some cells name labels with 0 or 1 each."""
    objects = [value for value in values if isinstance(value, Mapping)]
    return bool(objects) and all(truth_of(item) is not None for value in objects for item in value.values())


def find_shape(cells: LabelCells, delimiter: str | None, before: LabelShape | None) -> Shape:
    """How labels stand in a column.

    Args:
        cells: the column.
        delimiter: what divides names, if that is known.
        before: how they stand in the table that this one is read like.

    Raises:
        DataError: some cells are lists and others are not, or are lists that cannot be read.
    """
    numeric = before in (None, "vector")  # numbers in lists of names are names, as they were before
    if cells.written or any(map(is_list, cells.values)):
        plain = [i for i in range(len(cells.values)) if not cells.is_blank(i) and cells.items(i) is None]
        if not plain:
            return Shape("vector" if numeric and _are_vectors(cells) else "list")
        if not delimiter or any(map(is_list, cells.values)):
            reason = cells.no_lists.get(str(cells.values[plain[0]]).strip())
            clause = f"; {reason}" if reason else ""
            cells.refuse(
                plain[0],
                f"which is not a list such as ['joy', 'love'] as in other rows{clause}. Write all as lists; or, where "
                f"each cell is one name, say {ONE_NAME}.",
            )
    if delimiter:
        return Shape("delimited", delimiter)
    _refuse_unread(cells)
    if numeric and (mark := _vector_mark(cells, strict=before is None)):
        return Shape("vector", mark)
    strict = names.whole(cells.column) not in names.PLURAL
    for mark in DELIMITERS:
        if _divides(cells.texts, mark, strict):
            return Shape("delimited", mark)
    return Shape("name")


def truth_of(item: Any) -> bool | None:
    """What 0 or 1, or false or true, says; None for anything else."""
    if isinstance(item, (bool, int, float)):
        return item == 1 if item in (0, 1) else None
    return TRUTH.get(label_name(item) or "")


def split(text: str, mark: str) -> list[str]:
    """The names in a cell; without a mark it is one."""
    parts = text.split(mark) if mark else [text]
    return [part for part in (part.strip() for part in parts) if part]


def split_vector(text: str) -> list[str]:
    """The values of a vector that is written without brackets."""
    return _BETWEEN.split(text.strip())


def _refuse_unread(cells: LabelCells) -> None:
    """Raises DataError for what looks like a list of several and cannot be read as one."""
    if not cells.no_lists:
        return
    for i, value in enumerate(cells.values):
        text = value.strip() if isinstance(value, str) else ""
        reason = cells.no_lists.get(text)
        if reason is not None and (reason.startswith("it is short") or re.search(r"""[,;|'"]""", text)):
            why = f"which looks like a list but cannot be read{f': {reason}' if reason else ''}."
            cells.refuse(
                i, f"{why} Write lists such as ['joy', 'love']; or, where each cell is one name, say {ONE_NAME}."
            )


def _are_vectors(cells: LabelCells) -> bool:
    """Whether all lists are 0/1 values, one per label: dictionaries, or equally many numbers from two on."""
    listed = [(i, items) for i in range(len(cells.values)) if (items := cells.items(i)) is not None]
    if named := [i for i, items in listed if isinstance(items, Mapping) and items]:
        other = next((i for i, items in listed if not isinstance(items, Mapping)), None)
        if other is not None:
            cells.refuse(other, f"and names with values in {cells.rows.name(named[0])}. Write all in one way.")
        return True
    sizes = {len(items) for _, items in listed}
    if len(sizes) != 1 or min(sizes) < 2:
        return False
    if not all(hasattr(kind, "__float__") for kind in {type(item) for _, items in listed for item in items}):
        return False
    distinct = {item for _, items in listed for item in items}
    if any(map(is_missing, distinct)):
        return False
    if not all(float(item).is_integer() for item in distinct):
        i = next(i for i, items in listed if not all(float(item).is_integer() for item in items))
        cells.refuse(i, "a list of scores. Write the names of the labels, or 1 for each that holds and else 0.")
    return distinct <= {0, 1}


def _vector_mark(cells: LabelCells, *, strict: bool) -> str:
    """What divides 0/1 vectors without brackets; ``strict`` asks for a 1 at each place, which 1,0 as a number lacks."""
    texts = cells.texts
    if not texts or not all(map(_VECTOR.fullmatch, texts)):
        return ""
    vectors = [[TRUTH.get(str(label_name(part)), False) for part in split_vector(text)] for text in texts]
    if len({len(vector) for vector in vectors}) > 1:
        return ""
    if strict and not all(map(any, zip(*vectors, strict=True))):
        return ""
    between = _BETWEEN.search(next(iter(texts)))
    assert between is not None  # the expression has one
    return between[0].strip() or " "


def _divides(texts: Counter[str], mark: str, strict: bool) -> bool:
    """Whether cells are several labels each: their parts recur in other cells and are fewer than these.

    ``strict`` asks it of nearly all parts, else of half of them; a name such as ``rock; pop`` fails, for neither part
    stands anywhere else. A mark at the ends of cells divides nothing there, so that it divides in others.
    """
    divided = {text: split(text, mark) for text in texts}
    several = {text: parts for text, parts in divided.items() if len(parts) > 1}
    if not several:
        return False
    if mark != "," and any(text.endswith(mark) for text in texts):
        return True
    where = Counter(part for parts in divided.values() for part in set(parts))
    total = sum(texts[text] * len(parts) for text, parts in several.items())
    recurring = sum(texts[text] * sum(where[part] > 1 for part in parts) for text, parts in several.items())
    return len(where) < len(divided) and recurring >= (0.9 if strict else 0.5) * total
