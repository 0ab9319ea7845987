"""What numbers rest on: parts that were given, rows that are held out once, or folds where rows are few."""

from __future__ import annotations

from dataclasses import replace

from textgraft.data.folds import USUAL_FOLDS, check_folds, make_folds, wants_folds
from textgraft.data.splits import given_splits, hold_out, split
from textgraft.dataset import Dataset, Splits
from textgraft.errors import SettingError
from textgraft.wording import counted

TEST_SIZE = 0.2  # share of the rows that is held out for the final numbers
CHOICE_SIZE = 0.2  # share of the rest that methods are chosen on


def divide(
    data: Dataset,
    valid: Dataset | None = None,
    test: Dataset | None = None,
    *,
    test_size: float | None = None,
    folds: int | None = None,
    most_folds: int = USUAL_FOLDS,
    choosing: bool = False,
    drop_leaks: bool = False,
    seed: int = 0,
) -> Splits:
    """The parts of a table, beside those that were given, or its folds.

    Where no test part is given, a fifth of the rows is held out; where that would be too few rows to tell much (see
    ``wants_folds``) the table is cross-validated instead, unless its rows are divided by time.

    Args:
        data: the table; a split column divides it, and so does its time column.
        valid: given for choices, or None.
        test: given for the final numbers, or None.
        test_size: the share to hold out; 0 for none, and no numbers; None leaves it to the table.
        folds: how many; 0 for none; None leaves it to the table.
        most_folds: how many at most, where that is left to the table.
        choosing: whether methods are to be chosen among, for which a part of the rows is needed besides.
        drop_leaks: see ``given_splits``.
        seed: another seed, another division.

    Raises:
        DataError: a part would be empty, or no fold can be made.
        SettingError: folds beside a part that is given for the same, or a share that cannot be used.
    """
    _check(folds, test_size, is_tested=test is not None and not choosing, by_time=data.times is not None)
    if data.parts is not None:
        return split(data, seed=seed, drop_leaks=drop_leaks)
    share = TEST_SIZE if test_size is None else test_size
    if test is not None or not share:
        splits = given_splits(data, valid, test, drop_leaks=drop_leaks)
        return _in_folds(splits, folds, most_folds, seed) if folds else splits
    if folds or leaves_to_folds(data, test_size, folds):
        alone = Splits(data) if valid is None else given_splits(data, valid, drop_leaks=drop_leaks)
        return _in_folds(alone, folds, most_folds, seed)
    of_choice = CHOICE_SIZE * (1 - share) if choosing and valid is None else 0
    divided = split(data, seed=seed, valid=of_choice, test=share, drop_leaks=drop_leaks and valid is None)
    if valid is None:
        return divided
    splits = given_splits(divided.train, valid, divided.test, drop_leaks=drop_leaks)
    return replace(splits, notes=(*divided.notes, *splits.notes))


def leaves_to_folds(data: Dataset, test_size: float | None, folds: int | None) -> bool:
    """Whether a table is cross-validated that is left to itself: see ``divide`` for what says that it is not."""
    left = test_size is None and folds is None and data.times is None
    return left and wants_folds(len(data), data.counts, TEST_SIZE)


def for_choice(splits: Splits, *, most_folds: int = USUAL_FOLDS, seed: int = 0) -> Splits:
    """The same with rows that methods can be chosen on: the validation part, or folds, or a fifth of the training part.

    Folds where that is small, or where there is no test part.
    """
    if splits.folds is not None or (splits.valid is not None and splits.test is not None):
        return splits
    train = splits.train
    if splits.test is None or wants_folds(len(train), train.counts, CHOICE_SIZE):
        return _in_folds(splits, None, most_folds, seed)
    rest, valid = hold_out(train, CHOICE_SIZE, seed)
    note = f"To choose on, {counted(len(valid), 'row')} of the training part are held out; {len(rest):,} are left."
    return replace(splits, train=rest, valid=valid, notes=(*splits.notes, note))


def _in_folds(splits: Splits, k: int | None, most: int, seed: int) -> Splits:
    """The splits with folds of their training part, as many as given or as it wants."""
    folds = make_folds(splits.train, k or None, most=most, seed=seed)
    note = (
        f"Cross-validated: {counted(len(splits.train), 'row')} in {folds}, stratified, with seed {seed}; each row is "
        f"predicted by models that were not trained on it, and had {1 / folds.k:.0%} fewer rows than the one of all."
    )
    return replace(splits, folds=folds, notes=(*splits.notes, note))


def _check(folds: int | None, test_size: float | None, *, is_tested: bool, by_time: bool) -> None:
    """Raises SettingError where folds cannot be, or go against something else."""
    if not folds:
        return
    check_folds(folds)
    if is_tested:
        raise SettingError("--test is the table for the final numbers; --folds (folds=) is for where there is none.")
    if test_size is not None:
        raise SettingError("--test-size holds rows out once, and --folds (folds=) cross-validates; leave one out.")
    if by_time:
        raise SettingError(
            "--time trains on the past and tests on the future, and folds mix both; leave --folds or --time out."
        )
