"""What Python callers hand over (lists, arrays, Series, frames, generators) as texts, labels and a Dataset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.cells import Wide, brief, cells, plain, wide_of
from textgraft.dataset import Dataset, Rows, Splits
from textgraft.errors import DataError, listed
from textgraft.label_sets import LabelSets
from textgraft.labels import is_missing, label_names
from textgraft.task import Task
from textgraft.unicode import quoted, quoted_path, whole
from textgraft.wording import counted

Labels = Iterable[Any]
Data = Dataset | Iterable[Any]
"""A Dataset; or n texts; or n (text, label) pairs; or a tuple of texts and labels."""

Place = Callable[[int], str]

_NUMBER = (int, float, np.number, Decimal, Fraction)
_OWN: Final = ("strings", "numbers", "true and false")  # labels that are answered as they were given


@dataclass(frozen=True)
class Given:
    """What ``fit`` was given.

    Attributes:
        data: the texts with their labels; its notes say what is to be known about how these were read.
        classes: (k,) labels in the caller's own types, in the order of the task.
        form: whether several labels per text came as names or as a 0/1 matrix.
    """

    data: Dataset
    classes: NDArray[Any]
    form: Literal["names", "indicator"] = "names"


def as_texts(texts: Iterable[Any]) -> list[str]:
    """A list of str from what holds n texts: bytes are decoded as UTF-8.

    Raises:
        DataError: it holds no column of texts, or an item that is not a string; the message names the item.
    """
    wide = wide_of(texts)
    items = _items(texts, "Texts") if wide is None else wide.column
    if items is None:
        raise DataError("Texts must come as one list; got a table or matrix. Take its text column: frame['text'].")
    return [whole(item) if type(item) is str else _text(item, i) for i, item in enumerate(items)]


def as_dataset(
    data: Data | Splits,
    labels: Labels | None = None,
    *,
    who: str,
    task: Task | None = None,
    merged: Collection[str] = (),
) -> Dataset:
    """The Dataset of what ``who`` was given (see ``as_given``), in ``task`` (see ``Dataset.with_task``)."""
    given = as_given(data, labels, who=who, task=task).data
    return given if task is None else given.with_task(task, merged)


def as_given(data: Data | Splits, labels: Labels | None = None, *, who: str, task: Task | None = None) -> Given:
    """Texts and labels in any form as a Dataset, and the labels in the caller's own types.

    Args:
        data: a Dataset; or n texts; or, without ``labels``, n (text, label) pairs or a tuple of texts and labels.
        labels: n labels: one each; or, for a multi-label task, an (n, k) 0/1 matrix or frame, or a collection each.
        who: the function that was given them, for messages.
        task: the labels that are expected, which say what the columns of a matrix without names are.

    Raises:
        DataError: it is none of these, texts and labels do not go together, or a label cannot be used; the message
            names the item.
    """
    if isinstance(data, Splits):
        raise DataError(f"{who} takes one part of the splits; give it splits.train, splits.valid or splits.test.")
    if isinstance(data, Dataset):
        if labels is not None:
            raise DataError(f"A Dataset carries its labels; give {who} either a Dataset or texts and labels.")
        return Given(data, np.array(data.task.labels, dtype=object))
    texts, labels = _parted(data, who) if labels is None else (data, labels)
    items, wide = as_texts(texts), wide_of(labels)
    column = _items(labels, "Labels") if wide is None else []
    n = len(column) if wide is None else len(wide.values)
    if len(items) != n:
        raise DataError(
            f"There must be as many labels as texts; got {counted(len(items), 'text')} and {counted(n, 'label')}."
        )
    if not items:
        raise DataError(f"{who} needs at least two texts; got none.")
    if wide is None and any(map(_is_collection, column)):
        rows = [_row(item, i) for i, item in enumerate(column)]
        if not _is_matrix(rows, task):
            return _from_collections(items, rows)
        wide = Wide(np.array(rows))
    if wide is None:
        return _from_values(items, column, getattr(labels, "dtype", None))
    if (only := wide.column) is None or (task and task.multi_label):
        return _from_matrix(items, wide, task)
    note = "The labels are a table of one column, which is read as one label per text."
    return _from_values(items, only, wide.values.dtype, (note,))


def label_array(labels: Labels) -> NDArray[Any]:
    """(n,) label names, None where one is missing; or, of a matrix, its values."""
    wide = wide_of(labels)
    column = _items(labels, "Labels") if wide is None else wide.column
    return wide.values if wide and column is None else np.array(label_names(column or [], _label_place), dtype=object)


def _items(given: Any, what: str) -> list[Any]:
    """The items of what has one dimension."""
    wrong = f"{what} must come as a list; got"
    if isinstance(given, (str, bytes)):
        raise DataError(f"{wrong} one string. Put it in brackets: [{what[:-1].lower()}].")
    if isinstance(given, Mapping):
        raise DataError(f"{wrong} a dictionary. Give its values; a dictionary of columns is read by read_table.")
    if isinstance(given, (set, frozenset)):
        raise DataError(f"{wrong} a set, whose items have no order. Give them as a list.")
    if getattr(given, "nlevels", 1) > 1 or getattr(getattr(given, "dtype", None), "names", None):
        raise DataError(f"{wrong} records of several fields. Take one field of them.")
    if getattr(given, "ndim", 1) == 0 or not (isinstance(given, Iterable) or hasattr(given, "__getitem__")):
        raise DataError(f"{wrong} {brief(given)} of type {type(given).__name__}.")
    return [plain(item) for item in cells(given)]


def _text(item: Any, i: int) -> str:
    if isinstance(item, str):  # of a class of its own
        return whole(str.__str__(item))
    if isinstance(item, bytes):
        try:
            return item.decode()
        except UnicodeDecodeError:
            raise DataError(f"Texts must be strings; item {i} is {brief(item)}, which is not UTF-8.") from None
    mend = "Fill it in, or take it out with its label." if is_missing(item) else ""
    raise DataError(f"Texts must be strings; item {i} is {brief(item)} of type {type(item).__name__}. {mend}".rstrip())


def _parted(data: Any, who: str) -> tuple[Any, Any]:
    """The texts and the labels of pairs, or of a tuple of the two."""
    tables = "a file or a frame is read by textgraft.read_table(...), which gives a Dataset"
    needs = f"{who} needs labels: give it texts and as many labels, (text, label) pairs, or a Dataset; {tables}."
    if isinstance(data, (str, Path, Mapping)) or hasattr(data, "columns") or hasattr(data, "column_names"):
        what = f"the path {quoted_path(data)}" if isinstance(data, (str, Path)) else f"a {type(data).__name__}"
        raise DataError(f"{who} takes texts and labels, not {what}; {tables}.")
    if isinstance(data, tuple) and len(data) == 2 and not any(isinstance(part, (str, bytes)) for part in data):
        if all(isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str) for part in data):
            raise DataError(
                f"{brief(data)} may be two (text, label) pairs, or two texts and their labels. Give pairs as a list: "
                f"[(text, label), (text, label)]; or texts and labels as lists: ([text, text], [label, label])."
            )
        return data
    if data is None or not (isinstance(data, Iterable) or hasattr(data, "__getitem__")) or getattr(data, "ndim", 1) > 2:
        raise DataError(f"{needs[:-1]}. It was given {brief(data)} of type {type(data).__name__}.")
    items = data.tolist() if getattr(data, "ndim", 1) == 2 else cells(data)
    single = next((i for i, item in enumerate(items) if not isinstance(item, (tuple, list)) or len(item) != 2), None)
    if single is None:
        return [text for text, _ in items], [label for _, label in items]
    if single == 0:
        raise DataError(needs)
    raise DataError(f"{who} was given (text, label) pairs, but item {single} is {brief(items[single])}.")


def _from_values(texts: list[str], values: list[Any], dtype: Any, notes: tuple[str, ...] = ()) -> Given:
    """One label per text."""
    names = label_names(values, _label_place)
    missing = [i for i, name in enumerate(names) if name is None]
    if missing:
        one = len(missing) == 1
        verb, where = ("label is", "at item") if one else ("labels are", "the first at item")
        raise DataError(
            f"{len(missing):,} {verb} missing, {where} {missing[0]}; take {'this text' if one else 'these texts'} out."
        )
    labels, classes, said = _classes([name or "" for name in names], values, _label_place)
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf" and classes.dtype.kind in "biuf" and dtype.itemsize <= 8:
        classes = classes.astype(dtype)
    task = Task(labels)
    data = Dataset(texts, task.encode(names), task, Rows.numbered(len(texts)), notes=(*notes, *said))
    return Given(data, classes)


def _from_collections(texts: list[str], rows: list[list[Any]]) -> Given:
    """Any number of labels per text."""
    place = [i for i, row in enumerate(rows) for _ in row]
    flat = [value for row in rows for value in row]

    def where(k: int) -> str:
        return f"Item {place[k]} of the labels"

    names = label_names(flat, where)
    for k, name in enumerate(names):
        if name is None:
            raise DataError(
                f"{where(k)} is {brief(rows[place[k]])}, which holds a missing label. Take it out; a text without "
                f"labels has []."
            )
    remaining = iter(names)
    named = [list(islice(remaining, len(row))) for row in rows]
    for i, row in enumerate(rows):
        if len(set(named[i])) < len(row) and any(isinstance(value, (_NUMBER, np.bool_)) for value in row):
            raise DataError(
                f"Item {i} of the labels is {brief(row)}, which repeats a number. If these are 0 and 1 for each "
                f"label, all rows must be equally long."
            )
    labels, classes, said = _classes([name or "" for name in names], flat, where)
    task = Task(labels, multi_label=True)
    return Given(Dataset(texts, task.encode(named), task, Rows.numbered(len(texts)), notes=said), classes)


def _from_matrix(texts: list[str], wide: Wide, task: Task | None) -> Given:
    """A column of 0 and 1 per label."""
    values = wide.values
    if values.ndim > 2 or not values.shape[1]:
        raise DataError(f"A label matrix must have a row per text and a column per label; got shape {values.shape}.")
    if values.dtype.kind in "biuf":
        right = (values == 0) | (values == 1)
    else:
        right = np.array([[_is_bit(value) for value in row] for row in values.tolist()])
    if not right.all():
        i, j = (int(place) for place in np.argwhere(~right)[0])
        column = j if wide.names is None else quoted(wide.names[j])
        wrong = values[i : i + 1, j].tolist()[0]
        raise DataError(
            f"A label matrix must hold 0 and 1 only, a column per label; item {i} has {brief(wrong)} in column "
            f"{column}."
        )
    k = values.shape[1]
    names, notes = wide.names, tuple[str, ...]()
    classes: NDArray[Any] = np.arange(k)
    if names is not None:
        names = tuple(name or "" for name in label_names(names, lambda j: f"The name of label column {j}"))
        if "" in names or len(set(names)) < k:
            raise DataError(
                f"The columns of a label matrix need different names; got {listed(map(quoted, names), 12)}."
            )
        classes = np.array(names, dtype=object)
    elif task is not None:
        if not task.multi_label or k != len(task):
            takes = "as many columns" if task.multi_label else "one label per text"
            raise DataError(
                f"The label matrix has {counted(k, 'column')}; a {task.kind} task of {counted(len(task), 'label')} "
                f"({listed(task.labels)}) takes {takes}."
            )
        names = task.labels
        if names != tuple(map(str, range(k))):
            notes = (f"The columns of the label matrix are taken in the order of the model's labels: {listed(names)}.",)
    else:
        names = tuple(map(str, range(k)))
    targets = LabelSets.of(values)
    return Given(
        Dataset(texts, targets, Task(names, multi_label=True), Rows.numbered(len(texts)), notes=notes),
        classes,
        "indicator",
    )


def _classes(
    names: Sequence[str], values: Sequence[Any], place: Place
) -> tuple[tuple[str, ...], NDArray[Any], tuple[str, ...]]:
    """The distinct names; the labels themselves, in the same order; and what is to be said about them.

    The labels stay the caller's own, sorted as ``np.unique`` does, where they are strings, numbers, or true and
    false, and one to one with their names; else they are the names.
    """
    kind = _one_kind(values, place)
    spelt: dict[str, list[Any]] = {}
    for name, value in dict.fromkeys(zip(names, values, strict=True)):
        spelt.setdefault(name, []).append(value)
    by_name = tuple(sorted(spelt))
    if several := [f"{listed(map(quoted, of))} are {quoted(name)}" for name, of in spelt.items() if len(of) > 1]:
        return by_name, _array(by_name), (f"Labels that are one: {listed(several)}.",)
    if kind not in _OWN:
        said = (f"Labels that are {kind} are answered by their names, such as {quoted(by_name[0])}.",)
        return by_name, _array(by_name), said
    ordered = tuple(sorted(spelt, key=lambda name: _comparable(spelt[name][0])))
    own = [spelt[name][0] for name in ordered]
    kept = _array([whole(str.__str__(value)) for value in own] if kind == "strings" else own)
    if kind == "numbers" and kept.dtype.kind == "O":  # such as Decimal, or larger than 64 bits: no file would hold them
        return by_name, _array(by_name), ()
    return ordered, kept, ()


def _comparable(value: Any) -> Any:
    """A label as Python's own; NumPy's numbers do not compare with those of ``decimal``."""
    return value.item() if isinstance(value, np.generic) else value


def _one_kind(values: Sequence[Any], place: Place) -> str:
    """What the labels are; raises DataError if they are of several kinds."""
    first: dict[str, int] = {}
    for kind, value in {type(value): value for value in reversed(values)}.items():
        named = _kind(kind)
        at = next(i for i, other in enumerate(values) if other is value)
        first[named] = min(at, first.get(named, at))
    if len(first) > 1:
        (one, i), (other, j) = sorted(first.items(), key=lambda item: item[1])[:2]
        raise DataError(
            f"Labels must be all {one} or all {other}; got both: {brief(values[i])} and {brief(values[j])} "
            f"({place(j).lower()}). Turn them into strings."
        )
    return next(iter(first), "strings")


def _kind(kind: type) -> str:
    if issubclass(kind, Enum):
        return "members of an Enum"
    if issubclass(kind, (bool, np.bool_)):
        return "true and false"
    if issubclass(kind, str):
        return "strings"
    if issubclass(kind, bytes):
        return "bytes"
    return "numbers" if issubclass(kind, _NUMBER) else "dates"


def _array(values: Sequence[Any]) -> NDArray[Any]:
    """An array of numbers or strings that holds the very same values; else, one of objects."""
    made = np.array(values)
    exact = made.dtype.kind in "biuU" or (made.dtype.kind == "f" and made.dtype.itemsize <= 8)
    if exact and made.tolist() == list(values) and (made.dtype.kind != "f" or np.isfinite(made).all()):
        return made
    return np.array(values, dtype=object)


def _row(item: Any, i: int) -> list[Any]:
    """The labels of one text among lists of labels."""
    if _is_collection(item) and getattr(item, "ndim", 1) == 1:
        return [plain(value) for value in cells(item)]
    hint = f"[{brief(item)}]"
    mend = f"Write {hint} for one label." if not is_missing(item) else "Write [] for a text without labels."
    raise DataError(f"The labels are lists, but item {i} is {brief(item)}. {mend}")


def _is_collection(item: Any) -> bool:
    return isinstance(item, Iterable) and not isinstance(item, (str, bytes, Mapping)) and getattr(item, "ndim", 1) != 0


def _is_matrix(rows: list[list[Any]], task: Task | None) -> bool:
    """Whether equally many 0 and 1 in each row are a 0/1 matrix."""
    sizes = {len(row) for row in rows}
    if len(sizes) > 1 or sizes == {0}:
        return False
    bits = all(_is_bit(value) for row in rows for value in row)
    if not bits and any(isinstance(value, (float, np.floating)) and value % 1 for row in rows for value in row):
        raise DataError(
            f"Labels come as names, whole numbers, or a matrix of 0 and 1; item 0 is {brief(rows[0])}. Of "
            f"probabilities take those above a threshold."
        )
    if bits and sizes == {1} and not (task and task.multi_label):
        raise DataError(
            f"Each item of the labels is a list of one 0 or 1, such as {brief(rows[0])}: one label per text, or a list "
            f"of labels. Give numbers without brackets for one label per text, or names for lists of labels."
        )
    return bits and sizes != {1}


def _is_bit(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.bool_)) and value in (0, 1)


def _label_place(i: int) -> str:
    return f"Item {i} of the labels"
