"""``read_table``: a table of labelled texts, from wherever it is, as a Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.data.tables import names
from textgraft.data.tables.chunks import ReadOptions
from textgraft.data.tables.columns import Found, find_label, find_text
from textgraft.data.tables.header import check_twins
from textgraft.data.tables.keys import parse_groups, parse_parts, parse_times, part_of
from textgraft.data.tables.labels import Labels, read_labels
from textgraft.data.tables.reading import ChunkStream, open_chunks
from textgraft.data.tables.texts import Names, as_names, check_columns, is_headless, join_texts, located, quoted
from textgraft.dataset import Columns, Dataset, Rows
from textgraft.errors import DataError, listed
from textgraft.progress import track


@dataclass(frozen=True)
class _Table:
    columns: dict[str, list[Any]]
    rows: Rows
    notes: tuple[str, ...]
    twins: Mapping[str, tuple[str, list[str]]]


def read_table(
    source: Any,
    text: Names | None = None,
    label: Names | None = None,
    *,
    group: str | None = None,
    time: str | None = None,
    split: str | None = None,
    like: Dataset | Columns | None = None,
    label_delimiter: str | None = None,
    options: ReadOptions | None = None,
) -> Dataset:
    """Reads a table of labelled texts.

    Args:
        source: a path, a glob, a list of paths, a folder with one folder per class, or a Python object (a list of
            dictionaries or of (text, label) pairs, a pandas or polars DataFrame, a PyArrow Table, a
            ``datasets.Dataset``).
        text: the text column; several are joined by a line end. None finds it.
        label: the label column, or several of 0 and 1, one per label. None finds it.
        group: the column whose values must not be divided between splits.
        time: the column that orders the rows; numbers, or dates as ISO 8601 writes them.
        split: the column that says train, valid or test.
        like: data or columns to read this table like: the same columns, in the same label shape; with a Dataset also
            the same task.
        label_delimiter: what divides several labels in one cell.
        options: how to read the file.

    Returns:
        The rows in their order, empty texts among them (see ``check_texts``). Its notes say which columns were taken
        and why, and what else is to be known.

    Raises:
        DataError: the source or a column is not there, the text or label column is not clear, a label is missing, or
            all rows have one label.
        BadRowsError: a row does not parse and ``options.skip_bad_rows`` is not set.
    """
    known = like.columns if isinstance(like, Dataset) else like
    texts, labels = as_names(text), as_names(label)
    if known is not None:
        texts, labels = texts or known.text, labels or known.label
    keys = [name for name in (group, time, split) if name is not None]
    table = _gather(open_chunks(source, options, expect=[*texts, *labels, *keys]))
    check_columns(keys, table.columns)
    found_text, found_label, notes = _choose(table, texts, labels, keys, known)
    before = known if label_delimiter is None else None
    shape, delimiter = (before.shape, before.delimiter) if before else (None, label_delimiter)
    cells = {name: table.columns[name] for name in found_label.columns}
    parsed = read_labels(cells, table.rows, shape=shape, delimiter=delimiter)
    said = _names_among_labels(parsed, found_text, found_label, table)
    if like is None:
        _check_classes(parsed, found_label.columns)
    parts, part_notes = _parts(table, split, {*found_text.columns, *found_label.columns}, known)
    data = Dataset(
        texts=join_texts(table.columns, found_text.columns),
        targets=parsed.targets,
        task=parsed.task,
        rows=table.rows,
        columns=Columns(found_text.columns, found_label.columns, parsed.shape, parsed.delimiter),
        groups=None if group is None else parse_groups(table.columns[group]),
        times=None if time is None else parse_times(table.columns[time], time, table.rows),
        parts=parts,
        notes=(_sentence(found_text, found_label, parsed), *notes, *part_notes, *said, *table.notes),
    )
    return data.with_task(like.task) if isinstance(like, Dataset) else data


def check_texts(data: Dataset, *, drop_empty: bool = False) -> Dataset:
    """Refuses empty and all-blank texts, or takes them out and says so.

    Raises:
        DataError: a text is empty and ``drop_empty`` is not set, or all are.
    """
    empty = np.array([not text.strip() for text in data.texts], dtype=np.bool_)
    count = int(empty.sum())
    if not count:
        return data
    sentence = f"{count:,} {'text is' if count == 1 else 'texts are'} empty: {data.rows.names(np.flatnonzero(empty))}."
    if count == len(data):
        raise DataError(f"All {sentence}" if count > 1 else sentence)
    if not drop_empty:
        raise DataError(f"{sentence} Fill them, or leave them out with --drop-empty (drop_empty=True).")
    left = data.select(~empty)
    return replace(left, notes=(*left.notes, f"Left out: {sentence}"))


def _gather(chunks: ChunkStream) -> _Table:
    """All rows of a stream; a column that a chunk lacks is None there."""
    columns: dict[str, list[Any]] = {}
    codes: dict[str, int] = {}
    lengths: list[tuple[int, int]] = []
    numbers: list[NDArray[np.int64]] = []
    done = 0
    for chunk in track(chunks, "reading", amount=len):
        for name, values in chunk.columns.items():
            column = columns.setdefault(name, [])
            column.extend([None] * (done - len(column)))
            column.extend(values)
        lengths.append((codes.setdefault(chunk.file, len(codes)), len(chunk)))
        numbers.append(np.asarray(chunk.numbers, dtype=np.int64))
        done += len(chunk)
    for column in columns.values():
        column.extend([None] * (done - len(column)))
    file = np.repeat(*np.array(lengths, dtype=np.int32).T)
    return _Table(columns, Rows(tuple(codes), file, np.concatenate(numbers)), chunks.notes, chunks.twins)


def _choose(
    table: _Table, texts: tuple[str, ...], labels: tuple[str, ...], keys: Sequence[str], known: Columns | None
) -> tuple[Found, Found, tuple[str, ...]]:
    """The text and label columns: those asked for, those of the table to read like, or those found."""
    why = "as asked" if known is None else "as before"
    columns, notes = located((*texts, *labels), table.columns)
    if columns:
        texts, labels = columns[: len(texts)], columns[len(texts) :]
    elif known is not None and is_headless(table.columns):
        notes = (
            f"{listed(table.rows.files, 1)} has no header, so that {quoted([*texts, *labels])} of the training table "
            f"are found by what they hold.",
        )
        texts = labels = ()
    check_columns((*texts, *labels), table.columns)
    text = Found(texts, why) if texts else find_text(table.columns, {*labels, *keys})
    check_twins((*text.columns, *labels, *keys), table.twins, table.columns)
    label = Found(labels, why) if labels else find_label(table.columns, text.columns, keys)
    check_twins(label.columns, table.twins, table.columns)
    both = set(text.columns) & set(label.columns)
    if both:
        raise DataError(f"Column {', '.join(map(repr, both))} cannot be text and label at once.")
    return text, label, notes


def _check_classes(labels: Labels, columns: Sequence[str]) -> None:
    used = np.unique(labels.targets) if not labels.task.multi_label else np.flatnonzero(labels.targets.any(axis=0))
    if len(used) < (1 if labels.task.multi_label else 2):
        said = "no row has a label" if labels.task.multi_label else f"every row is {labels.task.labels[0]!r}"
        raise DataError(f"There is nothing to tell apart: in {quoted(columns)} {said}. Two labels are the least.")


def _names_among_labels(labels: Labels, text: Found, label: Found, table: _Table) -> tuple[str, ...]:
    """Refuses rows of column names among the rows, and says so where a rare label may be one.

    Raises:
        DataError: a row holds the name of a column of texts, and as its label that of a column of labels.
    """
    if labels.task.multi_label or len(label.columns) > 1 or len(text.columns) > 1:
        return ()
    (text_name,), (label_name,) = text.columns, label.columns
    notes = []
    for place, name in enumerate(labels.task.labels):
        own = names.normal(name) == names.normal(label_name)
        if not (own or names.is_label_name(name)):
            continue
        found = np.flatnonzero(labels.targets == place)
        cells = [str(table.columns[text_name][i]).strip() for i in found[:10]]
        if len(found) < 10 and all(
            names.is_text_name(cell) or names.normal(cell) == names.normal(text_name) for cell in cells
        ):
            raise DataError(
                f"{table.rows.name(int(found[0]))} holds names of columns ({cells[0]!r}, {name!r}), not a text and its "
                f"label. Take it out of the file; or, if it is the first line, say --header (header=True)."
            )
        if own and len(found) == 1:
            notes.append(f"Label {name!r} is the name of its column, and one row has it: {table.rows.names(found)}.")
    return tuple(notes)


def _parts(
    table: _Table, split: str | None, taken: set[str], known: Columns | None
) -> tuple[NDArray[Any] | None, tuple[str, ...]]:
    """The parts of a split column; one that is not asked for is taken if it is named and filled as one."""
    if split is not None:
        return parse_parts(table.columns[split], split, table.rows), ()
    for name, values in table.columns.items():
        if known is None and name not in taken and names.whole(name) in names.SPLIT:
            named = {part_of(value) for value in set(map(str, values))}
            if None not in named and len(named) > 1:
                parts = parse_parts(values, name, table.rows)
                said = ", ".join(f"{part} {np.count_nonzero(parts == part):,}" for part in np.unique(parts))
                return parts, (f"Column {name!r} says which split a row belongs to ({said}); it is used.",)
    return None, ()


def _sentence(text: Found, label: Found, labels: Labels) -> str:
    named = labels.task.labels
    count = f"{len(named)} values: {listed(named, 12)}"
    what = {
        "name": count,
        "list": f"lists; {count}",
        "delimited": f"several in a cell, divided by {labels.delimiter!r}; {count}",
        "indicator": "0/1 each",
    }[labels.shape]
    many = len(label.columns) > 1
    columns = f"{len(label.columns)} columns, {quoted(label.columns)}" if many else quoted(label.columns)
    return f"Text: {quoted(text.columns)} ({text.why}). Label{'s' * many}: {columns} ({label.why}; {what})."
