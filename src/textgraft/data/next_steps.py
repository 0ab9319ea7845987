"""What comes after an audit: what test rows can tell of a classifier, and the commands that go on from here."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textgraft.dataset import Dataset
from textgraft.unicode import shown_name

EXPECTED = 0.8  # an accuracy that many classifiers of texts reach, to show widths by
ESCAPED, ESCAPE = r"[\\']", r"\\\g<0>"  # in a string of the shell with escapes
WANTED = 0.05  # points either way, as a share


@dataclass(frozen=True)
class HoldOut:
    """What the numbers of ``compare`` will rest on.

    Attributes:
        given: whether the test part is there, or will be held out by ``compare``.
        rows: in it; about as many, if it is to be held out.
        labels: rows of each label there, if it is to be held out about as many.
        low, high: between which an accuracy of 80 % would be known to lie; NaN without rows.
        enough: test rows from which it would be known to 5 points either way.
        share: of all rows that is held out; 0 if the part is given.
    """

    given: bool
    rows: int
    labels: dict[str, int]
    low: float
    high: float
    enough: int
    share: float = 0.0

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def plan_hold_out(parts: Mapping[str, Dataset], share: float) -> HoldOut | None:
    """What ``compare`` will test on: the test part, or ``share`` of the first part; None where it will test on nothing.

    A held-out part is not dealt here, for that takes as long as the division itself.
    """
    from textgraft.evaluation.proportions import rows_for, wilson  # reading a table does without that room

    first = next(iter(parts.values()))
    if (test := parts.get("test")) is not None:
        rows, counts = len(test), test.counts.tolist()
    elif share and first.parts is None:
        carried = int((first.counts > 0).sum())  # a row of each label goes to train first
        rows = max(0, min(round(share * len(first)), len(first) - carried))
        counts = [min(round(share * n), max(0, n - 1)) for n in first.counts.tolist()]
    else:
        return None
    low, high = wilson(EXPECTED, rows) if rows else (math.nan, math.nan)
    labels = dict(zip(first.task.labels, counts, strict=True))
    return HoldOut(test is not None, rows, labels, low, high, rows_for(WANTED, EXPECTED), 0 if test else share)


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
    given = [_quoted(word) for word in words]
    needed = {"--drop-leaks": has_leaks, "--drop-empty": has_blanks}
    needed |= {"--test-size 0": not can_compare and not is_given and "--test-size" not in words}
    given += [option for option, is_needed in needed.items() if is_needed and option not in given]
    table = " ".join(given)
    compare = [f"textgraft compare {table}"] * can_compare
    return (*compare, f"textgraft train {table} --out model")


def python_lines(*, is_divided: bool, can_compare: bool, has_leaks: bool, has_blanks: bool) -> tuple[str, ...]:
    """What to write next in Python, where ``data`` or ``splits`` is what was inspected."""
    lines = ["import textgraft as tg"]
    if has_blanks and not is_divided:
        lines += ["from textgraft.data import check_texts", "data = check_texts(data, drop_empty=True)"]
    if not is_divided:
        options = "" if can_compare else ", valid=0, test=0"
        lines += [f"splits = tg.split(data{options}{', drop_leaks=True' * has_leaks})"]
    elif has_leaks:
        lines += ["splits = tg.given_splits(splits.train, splits.valid, splits.test, drop_leaks=True)"]
    if can_compare:
        lines += ["print(tg.compare([tg.NgramClassifier(), tg.FeatureClassifier()], splits))"]
    return (*lines, 'tg.NgramClassifier().fit(splits.train, valid=splits.valid).save("model")')


def _quoted(word: str) -> str:
    """A word for a shell; one with bytes that are not UTF-8 or control characters as bash and zsh have them."""
    if shown_name(word) == word:
        return shlex.quote(word)
    return f"$'{shown_name(re.sub(ESCAPED, ESCAPE, word))}'"
