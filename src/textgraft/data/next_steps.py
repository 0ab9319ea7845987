"""What comes after an audit: what test rows can tell of a classifier, and the commands that go on from here."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textgraft.data.folds import what_is_missing
from textgraft.dataset import Dataset
from textgraft.unicode import shown_name

EXPECTED = 0.8  # an accuracy that many classifiers of texts reach, to show widths by
ESCAPED, ESCAPE = r"[\\']", r"\\\g<0>"  # in a string of the shell with escapes
WANTED = 0.05  # points either way, as a share


@dataclass(frozen=True)
class Basis:
    """The rows that the numbers of ``compare`` will rest on.

    Attributes:
        given: whether they are a test part that is there.
        folds: whether they are all rows, in a cross-validation; else they are a part that ``compare`` holds out.
        rows: how many; about as many, if they are to be held out.
        labels: rows of each label among them, if they are to be held out about as many.
        low, high: between which an accuracy of 80 % would be known to lie; NaN without rows.
        enough: rows from which it would be known to 5 points either way.
        share: of all rows that is held out; 1 in a cross-validation, 0 if the part is given.
        missing: what the table lacks for a recommendation, as a clause; empty where it has enough.
    """

    given: bool
    folds: bool
    rows: int
    labels: dict[str, int]
    low: float
    high: float
    enough: int
    share: float
    missing: str

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def plan_basis(parts: Mapping[str, Dataset], share: float | None, *, folds: int | None = None) -> Basis | None:
    """What ``compare`` will report on: the test part, folds, or a part that it holds out; None where on nothing.

    A held-out part is not dealt here, for that takes as long as the division itself.

    Args:
        parts: by name.
        share: of the rows that is to be held out; None leaves that to the table, see ``dividing.divide``.
        folds: how many; 0 for none; None leaves that to the table.
    """
    from textgraft.data.dividing import TEST_SIZE, leaves_to_folds
    from textgraft.evaluation.proportions import rows_for, wilson  # reading a table does without that room

    first, test = next(iter(parts.values())), parts.get("test")
    if test is None and (share == 0 or first.parts is not None) and not folds:
        return None
    held, in_folds = TEST_SIZE if share is None else share, False
    if test is not None:
        rows, counts, held = len(test), test.counts.tolist(), 0.0
    elif folds or leaves_to_folds(first, share, folds):
        rows, counts, held, in_folds = len(first), first.counts.tolist(), 1.0, True
    else:
        carried = int((first.counts > 0).sum())  # a row of each label goes to train first
        rows = max(0, min(round(held * len(first)), len(first) - carried))
        counts = [min(math.ceil(held * n), max(0, n - 1)) for n in first.counts.tolist()]
    low, high = wilson(EXPECTED, rows) if rows else (math.nan, math.nan)
    labels = dict(zip(first.task.labels, counts, strict=True))
    enough, missing = rows_for(WANTED, EXPECTED), what_is_missing(first)
    return Basis(test is not None, in_folds, rows, labels, low, high, enough, held, missing)


def shell_commands(
    words: Sequence[str], *, can_compare: bool, has_leaks: bool, has_blanks: bool, is_given: bool
) -> tuple[str, ...]:
    """What to type next.

    Args:
        words: the table and the options, as the command line had them.
        can_compare: whether there are rows to test on.
        has_leaks: whether texts stand in two parts.
        has_blanks: whether there are blank texts.
        is_given: whether the parts are there.
    """
    given = [shell_word(word) for word in words]
    needed = {"--drop-leaks": has_leaks, "--drop-empty": has_blanks}
    needed |= {"--test-size 0": not can_compare and not is_given and "--test-size" not in words}
    given += [option for option, is_needed in needed.items() if is_needed and option not in given]
    table = " ".join(given)
    compare = [f"textgraft compare {table}"] * can_compare
    return (*compare, f"textgraft train {table} --out model")


def python_lines(*, is_divided: bool, can_compare: bool, has_leaks: bool, has_blanks: bool) -> tuple[str, ...]:
    """What to write next in Python, where ``data`` or ``splits`` is what was inspected."""
    lines = ["import textgraft as tg"]
    data = "splits" if is_divided else "data"
    if has_blanks and not is_divided:
        lines += ["from textgraft.data import check_texts", "data = check_texts(data, drop_empty=True)"]
    if is_divided and has_leaks:
        lines += ["splits = tg.given_splits(splits.train, splits.valid, splits.test, drop_leaks=True)"]
    if can_compare:
        lines += [f"print(tg.compare([tg.NgramClassifier(), tg.FeatureClassifier()], {data}))"]
    fitted = "splits.train, valid=splits.valid" if is_divided else "data"
    return (*lines, f'tg.NgramClassifier().fit({fitted}).save("model")')


def shell_word(word: str) -> str:
    """A word for a shell; one with bytes that are not UTF-8 or control characters as bash and zsh have them."""
    if shown_name(word) == word:
        return shlex.quote(word)
    return f"$'{shown_name(re.sub(ESCAPED, ESCAPE, word))}'"
