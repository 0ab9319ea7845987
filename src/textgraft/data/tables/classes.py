"""Whether what stands in a label column are classes: few that recur, not scores, not a number for each row."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from textgraft.data.tables.labels import Labels
from textgraft.errors import DataError, listed

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
    counts = labels.targets.sum(axis=0) if multi else np.bincount(labels.targets, minlength=len(labels.task))
    if np.count_nonzero(counts) < (1 if multi else 2):
        said = "no row has a label" if multi else f"every row is {labels.task.labels[0]!r}"
        raise DataError(f"There is nothing to tell apart: in {column} {said}. Two labels are the least.")
    lone = counts == 1
    if multi:
        carrying = int(labels.targets.any(axis=1).sum())
        own = carrying - int(labels.targets[:, counts > 1].any(axis=1).sum())
    else:
        carrying, own = len(labels.targets), int(lone.sum())
    named = labels.task.labels
    if not as_named and labels.shape != "indicator":
        if own >= FEW_ROWS and own >= MOST_LONE * carrying:
            _refuse(
                named, column, f"nearly every row has a label of its own ({len(named):,} values in {carrying:,} rows"
            )
        if len(named) > MOST_SCORES and _are_scores(named):
            _refuse(named, column, f"the labels are numbers with fractions ({len(named):,} values in {carrying:,} rows")
    count = int(lone.sum())
    if count >= FEW_LONE and 2 * count > len(labels.task):
        names = [name for name, only in zip(labels.task.labels, lone, strict=True) if only]
        return (
            f"{count:,} of the {len(labels.task):,} labels have one row each "
            f"({listed(map(repr, names), 3)}): no label can be learnt from one row.",
        )
    return ()


def _refuse(names: Sequence[str], column: str, what: str) -> None:
    start = f"In {column} {what}: {listed(names, 3)}): "
    if _are_scores(names):
        raise DataError(
            f"{start}these are scores, and a classifier learns classes. Cut them into classes first, such as low, "
            f"middle and high; where they are the names of classes, say --single-label (single_label=True)."
        )
    raise DataError(
        f"{start}these are ids or free text, and a classifier learns classes that recur. Say which column holds the "
        f"labels with --label (label=); where these are the names of classes, say --single-label (single_label=True)."
    )


def _are_scores(names: Sequence[str]) -> bool:
    """Whether all are numbers and at least half of them have a fraction."""
    if not all(map(_NUMBER.fullmatch, names)):
        return False
    return 2 * sum(_FRACTION.fullmatch(name) is not None for name in names) >= len(names)
