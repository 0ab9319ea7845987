"""Whether what stands in a label column are classes: few that recur, not scores, not a number for each row."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from textgraft.data.readers import names
from textgraft.data.tables.labels import Labels
from textgraft.dataset import Rows
from textgraft.errors import DataError, listed
from textgraft.unicode import quoted
from textgraft.wording import counted

MOST_LONE = 0.8  # of the rows that carry labels may carry only labels that no other row has
FEW_ROWS = 10  # fewer lone ones than this are a small table
FEW_LONE = 3  # labels of one row are no reason for a remark
MOST_SCORES = 20  # different numbers of which most have fractions
_FRACTION = re.compile(r"[-+]?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")


def check_classes(labels: Labels, column: str, *, as_named: bool = False) -> tuple[str, ...]:
    """Sentences about labels that cannot be learnt.

    Args:
        labels: those of all rows.
        column: where they stand, for messages.
        as_named: whether the user has said that each cell is a name.

    Raises:
        DataError: there is nothing to tell apart; or nearly every row (four fifths, and ten at least) has a label of
            its own; or there are more than 20 different numbers, most of them with a fraction.
    """
    multi = labels.task.multi_label
    counts = labels.counts
    if np.count_nonzero(counts) < (1 if multi else 2):
        said = "no row has a label" if multi else f"every row is {quoted(labels.task.labels[0])}"
        raise DataError(f"There is nothing to tell apart: in {column} {said}. Two labels are the least.")
    lone = counts == 1
    rows, carried = labels.sets.pairs()
    carrying = int(np.count_nonzero(labels.sets.sizes))
    own = carrying - len(np.unique(rows[counts[carried] > 1]))
    named = labels.task.labels
    if not as_named and labels.shape != "indicator":
        if own >= FEW_ROWS and own >= MOST_LONE * carrying:
            _refuse(
                named,
                column,
                f"nearly every row has a label of its own ({counted(len(named), 'value')} in "
                f"{counted(carrying, 'row')}",
            )
        if len(named) > MOST_SCORES and _are_scores(named):
            _refuse(
                named,
                column,
                f"the labels are numbers with fractions ({counted(len(named), 'value')} in {counted(carrying, 'row')}",
            )
    count = int(lone.sum())
    if count >= FEW_LONE and 2 * count > len(labels.task):
        alone = [name for name, only in zip(labels.task.labels, lone, strict=True) if only]
        return (
            f"{count:,} of the {len(labels.task):,} labels have one row each "
            f"({listed(map(quoted, alone), 3)}): no label can be learnt from one row.",
        )
    return ()


def check_no_names(
    labels: Labels, texts: Sequence[str], text_columns: Sequence[str], label_columns: Sequence[str], rows: Rows
) -> tuple[str, ...]:
    """Sentences about rare labels that may be the names of columns.

    Raises:
        DataError: a row holds the name of a column of texts, and as its label that of a column of labels.
    """
    if labels.task.multi_label or len(label_columns) > 1 or len(text_columns) > 1:
        return ()
    (text_name,), (label_name,) = map(names.normal, text_columns), map(names.normal, label_columns)
    notes = []
    for place, name in enumerate(labels.task.labels):
        own = names.normal(name) == label_name
        if not (own or names.is_label_name(name)):
            continue
        found = np.flatnonzero(np.asarray(labels.targets) == place)
        cells = [texts[i].strip() for i in found[:10]]
        if len(found) < 10 and all(names.is_text_name(cell) or names.normal(cell) == text_name for cell in cells):
            raise DataError(
                f"{rows.name(int(found[0]))} holds names of columns ({quoted(cells[0])}, {quoted(name)}), not a text "
                "and its label. Take it out of the file; or, if it is the first line, say --header (header=True)."
            )
        if own and len(found) == 1:
            notes.append(f"Label {quoted(name)} is the name of its column, and one row has it: {rows.names(found)}.")
    return tuple(notes)


def _refuse(labels: Sequence[str], column: str, what: str) -> None:
    start = f"In {column} {what}: {listed(labels, 3)}): "
    if _are_scores(labels):
        raise DataError(
            f"{start}these are scores, and a classifier learns classes. Cut them into classes first, such as low, "
            f"middle and high; where they are the names of classes, say --single-label (single_label=True)."
        )
    raise DataError(
        f"{start}these are ids or free text, and a classifier learns classes that recur. Say which column holds the "
        f"labels with --label (label=); where these are the names of classes, say --single-label (single_label=True)."
    )


def _are_scores(labels: Sequence[str]) -> bool:
    """Whether all are numbers and at least half of them have a fraction."""
    if not all(map(_NUMBER.fullmatch, labels)):
        return False
    return 2 * sum(_FRACTION.fullmatch(name) is not None for name in labels) >= len(labels)
