"""``read_table``: a table of labelled texts, from wherever it is, as a Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.data.readers.chunk_stream import ChunkStream, open_chunks
from textgraft.data.readers.chunks import check_size
from textgraft.data.readers.header import check_twins
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.asked import Names, as_names, asked, check_columns, expected
from textgraft.data.tables.classes import check_classes, check_no_names
from textgraft.data.tables.columns import Found, Profile, find_label, find_text, same_labels
from textgraft.data.tables.keys import parse_groups, parse_times
from textgraft.data.tables.label_cells import are_flags
from textgraft.data.tables.labels import Labels, merged, read_labels
from textgraft.data.tables.parts import Parts, read_parts
from textgraft.data.tables.paths import check_plain, reached
from textgraft.data.tables.texts import TextCells, is_headless, located, quoted_names
from textgraft.dataset import Columns, Dataset, Rows
from textgraft.errors import DataError, listed
from textgraft.labels import check_likenesses
from textgraft.progress import track
from textgraft.unicode import quoted, said
from textgraft.wording import counted


@dataclass(frozen=True)
class _Table:
    columns: dict[str, list[Any]]
    rows: Rows
    notes: tuple[str, ...]
    twins: Mapping[str, tuple[str, list[str]]]
    names: tuple[str, ...]  # of columns as they were read; paths into these join them

    @property
    def cells(self) -> dict[str, list[Any]]:
        """The columns as they were read."""
        return {name: self.columns[name] for name in self.names}

    def select(self, stays: NDArray[np.bool_] | None) -> _Table:
        """The table without the rows that do not stay."""
        if stays is None:
            return self
        columns = {name: list(compress(values, stays.tolist())) for name, values in self.columns.items()}
        return replace(self, columns=columns, rows=self.rows.select(np.flatnonzero(stays)))


def read_table(
    source: Any,
    text: Names | None = None,
    label: Names | None = None,
    *,
    group: str | None = None,
    time: str | None = None,
    split: str | Literal[False] | None = None,
    like: Dataset | Columns | None = None,
    label_delimiter: str | None = None,
    single_label: bool = False,
    merge_labels: str | Sequence[str] | None = None,
    options: ReadOptions | None = None,
    keep_cells: bool = False,
) -> Dataset:
    """Reads a table of labelled texts.

    Args:
        source: a path, a glob, a list of paths, a folder with one folder per class, or a Python object (a list of
            dictionaries or of (text, label) pairs, a pandas or polars DataFrame, a PyArrow Table, a
            ``datasets.Dataset``).
        text: the text column; several are joined by a line end. None finds it. Here and below, ``"review.body"`` is
            the field ``body`` of the objects in the column ``review``, unless a column has this very name.
        label: the label column, or several of 0 and 1, one per label. None finds it.
        group: the column whose values must not be divided between splits.
        time: the column that orders the rows; numbers, or dates as ISO 8601 writes them.
        split: the column that says train, valid or test. None takes one that is named or filled so, and says it; False
            takes none.
        like: data or columns to read this table like: the same columns and label shape; of a Dataset also the task.
        label_delimiter: what divides several labels in one cell.
        single_label: each cell of the label column is one name, whatever is in it.
        merge_labels: names that differ in nothing but these, ``"case"``, ``"space"`` or ``"unicode"``, are one label,
            by its most frequent spelling; the columns of the Dataset remember it, for tables that are read like it.
        options: how to read the file.
        keep_cells: keep the cells of every column, ``Dataset.cells``.

    Returns:
        The rows in their order, empty texts among them (see ``check_texts``). Its notes say which columns were taken
        and why, and what else is to be known.

    Raises:
        DataError: the source or a column is not there, the text or label column is not clear, a label is missing, or
            all rows have one label.
        BadRowsError: a row does not parse and ``options.skip_bad_rows`` is not set.
        SettingError: the options about labels contradict each other.
    """
    known = like.columns if isinstance(like, Dataset) else like
    within = check_likenesses(merge_labels) or (known.merged if known else ())
    texts, labels = as_names(text), as_names(label)
    if known is not None:
        texts, labels = texts or known.text, labels or known.label
    expect = [*expected(texts), *expected(labels), *(name for name in (group, time, split) if name)]
    table = _gather(open_chunks(source, options, expect=expect))
    table.columns.update(reached(table.columns, expect))
    group, time = (_key(table, option, name) for option, name in (("group", group), ("time", time)))
    split = split if split is False else _key(table, "split", split)
    keys = [name for name in (group, time, split) if name]
    found_text, found_label, notes = _choose(table, texts, labels, keys, known)
    check_plain(table.columns, [name for name in found_label.columns if not are_flags(table.columns[name])], "label")
    parts = _parts(table, (found_text, found_label), split, {"group": group, "time": time}, is_part=known is not None)
    table = table.select(parts.stays)
    cells = {name: table.columns[name] for name in found_label.columns}
    parsed = _labels(cells, table.rows, like, label_delimiter, within, single=single_label)
    text_cells = TextCells()
    joined = text_cells.join(table.columns, found_text.columns, len(table.rows), table.rows.name)
    lost = check_no_names(parsed, joined, found_text.columns, found_label.columns, table.rows)
    sentences = (_sentence(found_text, found_label, parsed), *parsed.said, *notes, *parts.notes, *lost, *table.notes)
    data = Dataset(
        texts=joined,
        targets=parsed.targets,
        task=parsed.task,
        rows=table.rows,
        columns=Columns(found_text.columns, found_label.columns, parsed.shape, parsed.delimiter, within),
        groups=None if group is None else parse_groups(table.columns[group]),
        times=None if time is None else parse_times(table.columns[time], time, table.rows),
        parts=parts.of_row,
        notes=tuple(map(said, (*sentences, *text_cells.notes))),
        cells=table.cells if keep_cells else None,
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
    done = filled = 0
    for chunk in track(chunks, "reading", amount=len):
        for name, values in chunk.columns.items():
            column = columns.setdefault(name, [])
            column.extend([None] * (done - len(column)))
            column.extend(values)
        filled += len(chunk) * len(chunk.columns)
        lengths.append((codes.setdefault(chunk.file, len(codes)), len(chunk)))
        numbers.append(np.asarray(chunk.numbers, dtype=np.int64))
        done += len(chunk)
        check_size(chunk.file, len(columns), done, filled)
    for column in columns.values():
        column.extend([None] * (done - len(column)))
    file = np.repeat(*np.array(lengths, dtype=np.int32).T)
    return _Table(
        columns, Rows(tuple(codes), file, np.concatenate(numbers)), chunks.notes, chunks.twins, tuple(columns)
    )


def _key(table: _Table, option: str, name: str | None) -> str | None:
    """The column that an option names.

    Raises:
        DataError: it is not there, or holds objects.
    """
    if name is None:
        return None
    found = asked([name], table.columns)
    check_columns(found, table.columns)
    check_plain(table.columns, found, option)
    return found[0]


def _parts(
    table: _Table,
    found: Sequence[Found],
    split: str | Literal[False] | None,
    by: Mapping[str, str | None],
    *,
    is_part: bool,
) -> Parts:
    """The parts that a column says, other than those ``found``; ``by`` are other options that divide the table."""
    taken = {name for each in found for name in each.columns}
    divided_by = " and ".join(f"--{key}" for key, name in by.items() if name is not None)
    return read_parts(table.columns, table.rows, split, taken=taken, divided_by=divided_by, is_part=is_part)


def _choose(
    table: _Table, texts: tuple[str, ...], labels: tuple[str, ...], keys: Sequence[str], known: Columns | None
) -> tuple[Found, Found, tuple[str, ...]]:
    """The text and label columns: those asked for, those of the table to read like, or those found."""
    why = "as asked" if known is None else "as before"
    if known is not None and labels == known.label:
        labels = same_labels(labels, table.columns)
    texts, labels = asked(texts, table.columns), asked(labels, table.columns)
    columns, notes = located((*texts, *labels), table.columns)
    if columns:
        texts, labels = columns[: len(texts)], columns[len(texts) :]
    elif known is not None and is_headless(table.columns):
        notes = (
            f"{listed(table.rows.files, 1)} has no header, so that {quoted_names([*texts, *labels])} of the training "
            "table are found by what they hold.",
        )
        texts = labels = ()
    check_columns(texts, table.columns)
    check_columns(labels, table.columns)
    profiles: dict[str, Profile] = {}
    text = Found(texts, why) if texts else find_text(table.columns, {*labels, *keys}, profiles)
    check_twins((*text.columns, *labels, *keys), table.twins, table.columns)
    label = Found(labels, why) if labels else find_label(table.columns, text.columns, keys, profiles)
    check_twins(label.columns, table.twins, table.columns)
    both = set(text.columns) & set(label.columns)
    if both:
        raise DataError(f"Column {', '.join(map(quoted, both))} cannot be text and label at once.")
    return text, label, notes


def _labels(
    cells: dict[str, list[Any]],
    rows: Rows,
    like: Dataset | Columns | None,
    delimiter: str | None,
    within: Sequence[str],
    *,
    single: bool,
) -> Labels:
    """The labels, those that are ``within`` each other merged; those of a table like no other are looked at."""
    known = like.columns if isinstance(like, Dataset) else like
    shape = None if known is None or single or delimiter is not None else known.shape
    if known is not None and shape is not None:
        delimiter = known.delimiter or None
    labels = read_labels(cells, rows, shape=shape, delimiter=delimiter, single=single)
    if within:
        labels = merged(labels, within, like.task.labels if isinstance(like, Dataset) else ())
    if like is not None:
        return labels
    return replace(labels, said=(*labels.said, *check_classes(labels, quoted_names(tuple(cells)), as_named=single)))


def _sentence(text: Found, label: Found, labels: Labels) -> str:
    named = labels.task.labels
    count = f"{counted(len(named), 'value')}: {listed(named, 12)}"
    what = {
        "name": count,
        "list": f"lists; {count}",
        "delimited": f"several in a cell, divided by {quoted(labels.delimiter)}; {count}",
        "vector": f"0/1 vectors; {count}",
        "indicator": "0/1 each",
    }[labels.shape]
    many = len(label.columns) > 1
    columns = f"{len(label.columns)} columns, {quoted_names(label.columns)}" if many else quoted_names(label.columns)
    return f"Text: {quoted_names(text.columns)} ({text.why}). Label{'s' * many}: {columns} ({label.why}; {what})."
