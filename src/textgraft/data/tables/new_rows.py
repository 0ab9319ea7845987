"""Rows of another day than the training: their texts, and their labels where every row has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.asked import Names
from textgraft.data.tables.table import read_table
from textgraft.data.tables.texts import read_texts
from textgraft.dataset import Columns, Dataset
from textgraft.errors import listed
from textgraft.labels import is_missing
from textgraft.unicode import quoted
from textgraft.wording import counted


@dataclass(frozen=True)
class NewRows:
    """What was read: texts, or rows with labels; and sentences that a user should see."""

    data: list[str] | Dataset
    notes: tuple[str, ...]


def read_new_rows(
    source: str,
    known: Columns | None = None,
    text: Names | None = None,
    label: Names | None = None,
    *,
    options: ReadOptions | None = None,
    **labels: Any,
) -> NewRows:
    """Reads a table that needs no labels.

    Args:
        source: as for ``read_table``.
        known: the columns that a model was trained on, which are taken where the table has them.
        text: the text columns; None takes the known ones, or finds them.
        label: the label columns, which must be there then; None takes the known ones if every row has a label.
        options: how to read the file.
        labels: how labels stand in their columns, as for ``read_table``.

    Raises:
        DataError: see ``read_table``.
    """
    like = None if text or label else known
    if label:
        data = read_table(source, text, label, options=options, **labels)
        return NewRows(data, data.notes)
    stream = read_texts(source, text or known, options=options)
    texts: list[str] = []
    columns = known.label if known else ()
    there, missing = bool(columns), 0
    for some, chunk in stream:
        texts += some
        there = there and all(name in chunk.columns for name in columns)
        rows = zip(*(chunk.columns[name] for name in columns), strict=True) if there else ()
        missing += sum(all(map(is_missing, cells)) for cells in rows)
    if not there or missing == len(texts):
        return NewRows(texts, stream.notes)
    names = listed(map(quoted, columns))
    if missing:
        return NewRows(
            texts,
            (*stream.notes, f"The labels in {names} are not looked at, since {counted(missing, 'row')} lack one."),
        )
    if source == "-":
        note = f"The labels in {names} are not looked at; for that give a file, or name their column with --label."
        return NewRows(texts, (*stream.notes, note))
    data = read_table(source, text, like=like, options=options, **labels)
    return NewRows(data, data.notes)
