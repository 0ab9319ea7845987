"""Sentences that a reader of the figures should have beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import listed
from textgraft.evaluation.bootstrap import Interval
from textgraft.task import Task

SMALL = 200  # rows; below, an accuracy near 0.9 is known to no better than 0.04 either way
RARE = 10  # rows of a label; below, its recall is known to no better than 0.3 either way
WIDE = 0.1


def about_size(n: int, headline: str, main: Interval) -> Iterator[str]:
    """Few rows; a wide interval of the headline metric."""
    if n < SMALL:
        yield f"Only {n:,} {'row was' if n == 1 else 'rows were'} evaluated; more would narrow the intervals."
    if main.high - main.low > WIDE:
        yield f"{headline} is known no better than from {main.low:.2f} to {main.high:.2f}."


def about_labels(task: Task, n: int, support: NDArray[np.int64]) -> Iterator[str]:
    """Labels that none, all or few of the n rows carry; ``support`` is (k,) rows of each."""

    def named(at: NDArray[np.bool_]) -> str:
        return listed(repr(task.labels[j]) for j in np.flatnonzero(at))

    absent, everywhere = support == 0, support == n
    rare = (support > 0) & (support < RARE)
    if absent.any():
        yield (
            f"No evaluated row carries {named(absent)}: ROC-AUC and average precision are undefined there and left "
            "out of the averages; precision, recall and F1 are 0."
        )
    if everywhere.any():
        yield f"Every evaluated row carries {named(everywhere)}: ROC-AUC is undefined there."
    if rare.any():
        yield f"Fewer than {RARE} rows carry {named(rare)}: the figures of these labels, and macro averages, are loose."


def about_perfection(n: int, accuracy: Interval) -> Iterator[str]:
    """No row wrong."""
    # With no error to resample the bootstrap sees no spread: the rule of three (Hanley and Lippman-Hand, JAMA 1983).
    if accuracy.value == 1:
        yield (
            f"All {n:,} rows are right, so the interval has no width; up to {min(1.0, 3 / n):.2g} of new rows may "
            "still be wrong (rule of three)."
        )


def about_floor(headline: str, main: Interval, floor: Mapping[str, Interval]) -> Iterator[str]:
    """A classifier that may be no better than the majority."""
    if floor and main.low <= floor[headline].value:
        yield (
            f"{headline} {main} is not measurably above the floor of always giving the majority of the training "
            f"data, {floor[headline].value:.3f}."
        )


def about_resamples(drawn: int, wanted: int) -> Iterator[str]:
    """Fewer resamples than asked for."""
    if drawn < wanted:
        yield f"Intervals are from {drawn:,} resamples instead of {wanted:,}, to keep the time in bounds."
