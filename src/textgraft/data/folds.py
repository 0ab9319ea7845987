"""Cross-validation: every row in one of k folds, and where a table is small enough to want it.

Stratified by label, with rows that must stay together in one fold: duplicates, near-duplicates, and rows of one group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textgraft.data.grouping import Groups, stay_together
from textgraft.data.stratify import group_labels, stratify
from textgraft.dataset import Dataset, Folds
from textgraft.errors import DataError, SettingError, listed
from textgraft.unicode import quoted
from textgraft.wording import counted

ENOUGH = 1_000  # test rows: an accuracy near 0.8 is known to 2.5 points either way
OF_A_LABEL = 30  # test rows: its recall is known to about 15 points either way
MOST_FOR_A_LABEL = 10_000  # rows of a table that is cross-validated for its rarest label alone
FEWEST_ROWS, FEWEST_OF_A_LABEL = 20, 3  # for a recommendation
# What a fold takes from training makes figures too low: at 600 rows of emotion by 0.02 with 10 folds, near half of the
# interval's width to one side. From 2,000 rows on a row less matters less, and time more.
USUAL_FOLDS, USUAL_ROWS, FOLDS_OF_MORE = 20, 2_000, 10
FEW_ROWS = 200  # up to so many, two repetitions: how few rows are dealt to folds moves the figures
OTHERWISE = "--folds 0 (folds=0) to hold rows out once, or give a test table (--test)"
STEP = 7919  # between the seeds of two repetitions


def wants_folds(rows: int, counts: NDArray[np.int64], test: float) -> bool:
    """Whether rows that are held out once would tell too little, so that the table is cross-validated.

    That is where they are fewer than 1,000; or, in a table of up to 10,000 rows, where the rarest label that has any
    would have fewer than 30 among them.

    Args:
        rows: of the table.
        counts: (k,) rows of each label.
        test: the share that would be held out.
    """
    rarest = counts[counts > 0].min(initial=rows)
    return test * rows < ENOUGH or (rows <= MOST_FOR_A_LABEL and test * rarest < OF_A_LABEL)


def what_is_missing(data: Dataset) -> str:
    """What a table lacks for a recommendation, as a clause; empty where it has enough."""
    clauses = []
    if len(data) < FEWEST_ROWS:
        clauses.append(f"{counted(len(data), 'row')} are fewer than {FEWEST_ROWS}")
    counts = zip(data.task.labels, data.counts.tolist(), strict=True)
    if rare := [f"{quoted(label)} ({n})" for label, n in counts if 0 < n < FEWEST_OF_A_LABEL]:
        clauses.append(f"fewer than {FEWEST_OF_A_LABEL} rows carry {listed(rare, 5)}")
    return ", and ".join(clauses)


def check_folds(k: int) -> None:
    """Raises SettingError unless there can be so many folds."""
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 2:
        raise SettingError(f"--folds (folds=) must be a whole number of at least 2, or 0 for none; got {quoted(k)}.")


def make_folds(data: Dataset, k: int | None = None, *, most: int = USUAL_FOLDS, seed: int = 0) -> Folds:
    """The folds of a table.

    Args:
        data: n labelled texts; rows of one value of their group column, if they have one, stay together.
        k: how many folds; None is 20, from 2,000 rows on 10, and no more than there are groups of rows that may stand
            apart. Tables of up to 200 rows are then divided twice.
        most: folds at most where ``k`` is None; below 20, since training takes long, nothing is repeated either.
        seed: another seed, another division.

    Raises:
        DataError: see ``fold_of_row``.
        SettingError: see ``check_folds``.
    """
    repeats = 1
    if k is None:
        groups = len(stay_together(data, seed).sizes)
        k = max(2, min(USUAL_FOLDS if len(data) <= USUAL_ROWS else FOLDS_OF_MORE, most, groups))
        repeats = 2 if len(data) <= FEW_ROWS and most >= USUAL_FOLDS else 1
    return Folds(np.stack([fold_of_row(data, k, seed + repetition * STEP) for repetition in range(repeats)]))


def fold_of_row(data: Dataset, k: int, seed: int = 0, groups: Groups | None = None) -> NDArray[np.int64]:
    """(n,) the fold of each row, from 0 to k - 1: all of about the same size, with the labels in their shares.

    As in ``split``, chance is a hash of the seed and the texts. ``groups`` are those of ``stay_together``, where they
    are known.

    Raises:
        DataError: there are fewer groups of rows that must stay together than folds; or, without a fold, fewer than
            two labels would be left to learn from.
    """
    check_folds(k)
    groups = groups or stay_together(data, seed)
    _check_groups(data, groups, k)
    labels = group_labels(data, groups.of_row)
    fold = stratify(labels, groups.sizes, groups.keys, [1 / k] * k, train_first=False)[groups.of_row]
    sets, least = data.label_sets, 1 if data.task.multi_label else 2
    if any(np.count_nonzero(sets[fold != i].counts) < least for i in range(k)):
        raise DataError(
            f"{_about(data, groups, k)}: without one of them fewer than two labels are left to learn from. Give more "
            f"rows of each label, or {OTHERWISE}."
        )
    return fold


def _check_groups(data: Dataset, groups: Groups, k: int) -> None:
    """Raises DataError where rows that must stay together are too few groups, or one of them is most of the table."""
    n, about = len(data), _about(data, groups, k)
    if len(groups.sizes) < k:
        raise DataError(f"{about}. Give more rows, fewer folds, or {OTHERWISE}.")
    if 2 * int(groups.sizes.max()) > n:
        raise DataError(
            f"{about}: the fold that they are in would leave less than half to learn from. Say {OTHERWISE}."
        )


def _about(data: Dataset, groups: Groups, k: int) -> str:
    """What cannot be done, with the largest group of rows that stay together, where there is any."""
    start, largest = (
        f"{counted(k, 'fold')} cannot be made of {counted(len(data), 'row')}",
        int(groups.sizes.max(initial=0)),
    )
    if largest < 2:
        return start
    row = int(np.flatnonzero(groups.sizes[groups.of_row] == largest)[0])
    return (
        f"{start}, which make {counted(len(groups.sizes), 'group')} that must stay together, by their text or their "
        f"group; the largest has {largest / len(data):.0%} of the rows (such as {data.rows.name(row)})"
    )
