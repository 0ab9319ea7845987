"""Dividing a table into train, valid and test, so that the numbers on test can be trusted.

Texts that repeat each other, and rows of one group, never stand in two parts. Chance comes from BLAKE2b of the seed
and the text, not from a random number generator: the same texts and seed give the same parts in any row order, in any
process and on any machine.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.data.grouping import Groups, group_rows, missing, stay_together
from textgraft.data.leaks import overlaps, part_duplicates, without_leaks
from textgraft.data.stratify import group_labels, stratify
from textgraft.dataset import Dataset, Splits
from textgraft.errors import DataError, SettingError, listed
from textgraft.given import Data, Labels, as_dataset
from textgraft.labels import is_missing
from textgraft.unicode import quoted
from textgraft.wording import counted

By = Literal["random", "group", "time", "column"]
NAMES = ("train", "valid", "test")
MOST_LABELS_NAMED = 10


def split(
    data: Data,
    labels: Labels | None = None,
    *,
    seed: int = 0,
    valid: float = 0.1,
    test: float = 0.2,
    by: By | None = None,
    near_duplicates: bool = True,
    drop_leaks: bool = False,
) -> Splits:
    """Divides a table into parts.

    Duplicates and near-duplicates stay together. ``"random"`` and ``"group"`` are stratified by label (iterative
    stratification, Sechidis et al. 2011); a label with fewer texts than there are parts is placed in train first.

    Args:
        data: n labelled texts: a Dataset, texts with their ``labels``, or (text, label) pairs.
        labels: of the texts, in any form that ``fit`` takes.
        seed: another seed, another division.
        valid: share of the rows for choices; 0 for none.
        test: share of the rows for the final numbers; 0 for none.
        by: ``"random"``; ``"group"``: rows of one value of the group column stay together; ``"time"``: train is the
            earliest and test the latest; ``"column"``: as the split column says. Without it by what the data have:
            their split column, which may have a group column beside it, their group column or their time column; or
            else at random.
        near_duplicates: whether near-duplicates stay together too, not only texts that are equal after folding.
        drop_leaks: with ``"column"``, whether to take leaking rows out; see ``given_splits``.

    Raises:
        SettingError: a share that cannot be used, an unknown ``by``, or none where the data could be divided in ways
            that exclude each other.
        DataError: the data have no such column, a row has no value in it, or a part would be empty.
    """
    data = as_dataset(data, labels, who="split")
    shares = _shares(valid, test)
    by = by or _by(data)
    if by not in ("random", "group", "time", "column"):
        raise SettingError(f"by must be 'random', 'group', 'time' or 'column'; got {quoted(by)}.")
    if by == "column":
        return _by_column(data, drop_leaks)
    if len(data) < len(shares):
        raise DataError(
            f"{counted(len(data), 'row')} cannot be divided into {listed(shares)}: each part needs a row at least."
        )
    groups = group_rows(data, seed, by_column=by == "group", near=near_duplicates)
    if by == "time":
        part, moved = _by_time(data, groups, list(shares.values()))
    else:
        of_groups = group_labels(data, groups.of_row)
        part, moved = stratify(of_groups, groups.sizes, groups.keys, list(shares.values())), []
    parts = {name: data.select(part[groups.of_row] == i) for i, name in enumerate(shares)}
    if empty := [name for name, part in parts.items() if not len(part)]:
        raise DataError(
            f"No row is left for {' and '.join(empty)}: the {len(data):,} rows make "
            f"{counted(len(groups.sizes), 'group')} that must stay together, the largest of "
            f"{counted(groups.sizes.max(), 'row')}, and each of the {len(data.task):,} labels goes to train first. "
            "Give more rows, or a larger share, or 0 for a part that is not needed."
        )
    how = {"random": f"at random with seed {seed}", "group": f"by group with seed {seed}", "time": "by time"}[by]
    said = [f"Divided {how}: {_sizes(parts)}.", *_together(groups), *moved, *_missing_labels(parts, placed=True)]
    if by == "group" and (alone := int(missing(data.groups).sum() if data.groups is not None else 0)):
        said.append(f"Rows without a group, each of which is one of its own: {alone:,}.")
    if drop_leaks:
        said.append("No text stands in two of these parts, so --drop-leaks (drop_leaks=True) has nothing to take out.")
    return Splits(parts["train"], parts.get("valid"), parts.get("test"), tuple(said))


def hold_out(data: Dataset, fraction: float = 0.1, seed: int = 0) -> tuple[Dataset, Dataset]:
    """The rest, and a held-out part for choices such as hyperparameters; stratified, duplicates together.

    Every label of ``data`` stays in the rest. At least one row is held out; where none can be spared, since every
    label has one text only, the held-out part is ``data`` itself: a choice made on it is biased, but can be made.

    Args:
        data: n labelled texts; rows of one value of their group column, if they have one, stay together.
        fraction: share of the rows to hold out, between 0 and 1.
        seed: another seed, another division.

    Raises:
        SettingError: ``fraction`` is not between 0 and 1.
        DataError: there are no rows.
    """
    rest, held = hold_out_rows(data, fraction, seed)
    return data.select(rest), data.select(held)


def hold_out_rows(
    data: Dataset, fraction: float = 0.1, seed: int = 0, groups: Groups | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As ``hold_out``, but the places of the rows; ``groups`` are those of ``stay_together``, where they are known."""
    if not 0 < fraction < 1:
        raise SettingError(f"fraction must be greater than 0 and less than 1; got {quoted(fraction)}.")
    if not len(data):
        raise DataError("There are no rows to hold any out from.")
    groups = groups or stay_together(data, seed)
    labels = group_labels(data, groups.of_row)
    held = stratify(labels, groups.sizes, groups.keys, [1 - fraction, fraction]) == 1
    if not held.any():
        # The fraction comes to less than one row: take the smallest group whose labels all stand elsewhere too.
        in_groups = np.bincount(labels.indices, minlength=labels.shape[1])
        least = np.minimum.reduceat(in_groups[labels.indices], labels.indptr[:-1])
        spare = np.flatnonzero(least > 1)
        if not len(spare):
            return np.arange(len(data)), np.arange(len(data))
        held[spare[np.lexsort((groups.keys[spare], groups.sizes[spare]))[0]]] = True
    held_rows = held[groups.of_row]
    return np.flatnonzero(~held_rows), np.flatnonzero(held_rows)


def given_splits(
    train: Data, valid: Data | None = None, test: Data | None = None, *, drop_leaks: bool = False
) -> Splits:
    """Parts that were given; says which texts stand in more than one of them.

    Each is a Dataset, (text, label) pairs, or a tuple of texts and labels.

    Args:
        train: the training part; its task is that of all parts.
        valid: data for choices, or None.
        test: data for the final numbers, or None.
        drop_leaks: whether to take texts that stand in a later part out of the earlier one (out of train rather than
            valid, out of valid rather than test), so that test stays comparable with what others report on it.

    Raises:
        DataError: a part is empty, or carries a label that train does not have.
    """
    train = as_dataset(train, who="train")
    named = {"train": train, "valid": valid, "test": test}
    given = {name: as_dataset(part, who=name) for name, part in named.items() if part is not None}
    if empty := [name for name, part in given.items() if not len(part)]:
        raise DataError(f"No rows in {' and '.join(empty)}; give a table with rows, or leave the part out.")
    parts = {name: part.with_task(train.task) for name, part in given.items()}
    notes, leaks = [f"Parts as given: {_sizes(parts)}."], []
    if len(parts) > 1:
        duplicates = part_duplicates(parts)
        leaks = [
            f"{overlap}; numbers on {overlap.part} are flattered. --drop-leaks (drop_leaks=True) takes them out of "
            f"{overlap.other}."
            for overlap in overlaps(parts, duplicates)
        ]
        if drop_leaks and leaks:
            parts, taken = without_leaks(parts, duplicates)
            notes, leaks = [*notes, *taken], []
    notes += _missing_labels(parts)
    return Splits(parts["train"], parts.get("valid"), parts.get("test"), tuple(notes), tuple(leaks))


def _by(data: Dataset) -> By:
    if data.times is not None and (data.parts is not None or data.groups is not None):
        other = "column" if data.parts is not None else "group"
        does = "says the parts of all rows" if other == "column" else "keeps the rows of a group in one part"
        raise SettingError(
            f"The data have a {'split' if other == 'column' else other} column, which {does}, and a time column, which "
            f"puts the latest rows in test: they can be divided by one of them. Say by={quoted(other)} or by='time', "
            "or read the table without the other column."
        )
    if data.parts is not None:
        return "column"
    if data.groups is not None:
        return "group"
    return "random" if data.times is None else "time"


def _shares(valid: float, test: float) -> dict[str, float]:
    """The share of every part that there is to be, by name."""
    for name, value in (("valid", valid), ("test", test)):
        if not 0 <= value < 1:
            raise SettingError(f"{name} must be a share of the rows, at least 0 and less than 1; got {quoted(value)}.")
    if valid + test >= 1:
        raise SettingError(f"valid and test must leave rows for train: {valid:g} + {test:g} is not less than 1.")
    shares = {"train": 1 - valid - test, "valid": valid, "test": test}
    return {name: share for name, share in shares.items() if share}


def _by_column(data: Dataset, drop_leaks: bool) -> Splits:
    if data.parts is None:
        raise DataError("There is no split column to divide by; name one when reading the table (split=...).")
    odd = np.flatnonzero([name not in NAMES for name in data.parts.tolist()])
    if len(odd):
        raise DataError(
            f"The split column must say train, valid or test in every row; {counted(len(odd), 'row')} "
            f"{'says' if len(odd) == 1 else 'say'} something else, such "
            f"as {data.rows.name(int(odd[0]))} with {quoted(data.parts[odd[0]])}."
        )
    parts = {name: data.select(data.parts == name) for name in NAMES if (data.parts == name).any()}
    if "train" not in parts:
        raise DataError("The split column puts no row in train; at least one must stand there.")
    splits = given_splits(parts["train"], parts.get("valid"), parts.get("test"), drop_leaks=drop_leaks)
    said = [] if "test" in parts else ["The split column puts no row in test, so there are no numbers on test data."]
    return replace(splits, notes=(*splits.notes, *said, *_divided_groups(data)))


def _divided_groups(data: Dataset) -> list[str]:
    """A sentence about groups that the split column divides."""
    if data.groups is None or data.parts is None:
        return []
    pairs = {(group, part) for group, part in zip(data.groups.tolist(), data.parts.tolist(), strict=True)}
    counts = Counter(group for group, _ in pairs if not is_missing(group))
    divided = sorted(str(group) for group, count in counts.items() if count > 1)
    if not divided:
        return []
    return [
        f"{len(divided):,} of {counted(len(counts), 'group')} stand in more than one part, as the split column divides "
        f"them ({listed(map(quoted, divided), 3)}); numbers are flattered where a group tells its label."
    ]


def _by_time(data: Dataset, groups: Groups, shares: list[float]) -> tuple[NDArray[np.int64], list[str]]:
    """The part of each group by the time of its earliest row, and what to say about it."""
    if data.times is None:
        raise DataError("There is no time column to divide by; name one when reading the table (time=...).")
    timeless = np.flatnonzero(missing(data.times))
    if len(timeless):
        raise DataError(
            f"Rows without a time: {len(timeless):,} ({data.rows.names(timeless, 3)}); fill it in, take them out, or "
            "divide at random (by='random')."
        )
    _, time = np.unique(data.times, return_inverse=True)
    earliest = np.full(len(groups.sizes), len(data), np.int64)
    np.minimum.at(earliest, groups.of_row, time)
    # Groups of one moment go together, to the part in which the middle one of their rows falls.
    rows = np.bincount(earliest, weights=groups.sizes)
    middle = (np.cumsum(rows) - rows / 2) / len(data)
    part = np.searchsorted(np.cumsum(shares)[:-1], middle, side="right")[earliest]
    starts = [earliest[part == later].min(initial=len(data)) for later in range(1, len(shares))]
    moved = np.count_nonzero(part[groups.of_row] < np.searchsorted(starts, time, side="right"))
    note = f"Rows that repeat the text of an earlier row stand in its part, not in that of their own time: {moved:,}."
    return part, [note] * bool(moved)


def _sizes(parts: dict[str, Dataset]) -> str:
    return ", ".join(f"{len(part):,} {name}" for name, part in parts.items())


def _together(groups: Groups) -> list[str]:
    """Sentences about rows that stay together."""
    notes, n, largest = [], len(groups.of_row), int(groups.sizes.max())
    if groups.copies:
        notes.append(f"Rows that repeat, or nearly repeat, the text of another stay in its part: {groups.copies:,}.")
    if largest > max(1, 0.05 * n):
        notes.append(
            f"The largest group of rows that stay together has {largest:,} of {counted(n, 'row')}; the parts may "
            "differ from the shares asked for."
        )
    return notes


def _missing_labels(parts: dict[str, Dataset], *, placed: bool = False) -> list[str]:
    """Sentences about labels that do not stand in every part; ``placed`` says that train was served first."""
    counts = np.array([part.counts for part in parts.values()])
    labels = np.flatnonzero((counts == 0).any(axis=0) & (counts > 0).any(axis=0))
    notes = []
    named = labels[:MOST_LABELS_NAMED].tolist()
    rows_of = [(part, part.label_sets.rows_of()) for part in parts.values()] if named else []
    for label in named:
        rows = [part.rows.name(i) for part, find in rows_of for i in find(label).tolist()]
        where = ", ".join(f"{n:,} in {name}" for name, n in zip(parts, counts[:, label], strict=True) if n)
        absent = " or ".join(name for name, n in zip(parts, counts[:, label], strict=True) if not n)
        served = ", too few texts for every part; train was served first" if placed else ""
        notes.append(
            f"Label {quoted(parts['train'].task.labels[label])} has none in {absent}: {where} "
            f"({listed(rows, 3)}){served}."
        )
    if len(labels) > MOST_LABELS_NAMED:
        notes.append(f"{len(labels) - MOST_LABELS_NAMED:,} more labels are missing from a part.")
    return notes
