"""Sentences that a reader of the figures should have beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import listed
from textgraft.evaluation.bootstrap import Interval
from textgraft.evaluation.metrics import LOWER_IS_BETTER
from textgraft.evaluation.names import COST
from textgraft.task import Task
from textgraft.unicode import quoted

SMALL = 200  # rows; below, an accuracy near 0.9 is known to no better than 0.04 either way
RARE = 10  # rows of a label; below, its recall is known to no better than 0.3 either way
WIDE = 0.1


def notes_about(
    task: Task,
    headline: str,
    n: int,
    support: NDArray[np.int64],
    metrics: Mapping[str, Interval],
    floor: Mapping[str, Interval],
    drawn: int,
    wanted: int,
) -> Iterator[str]:
    """Notes on n rows, of which (k,) ``support`` carry each label, from ``drawn`` resamples in place of ``wanted``."""
    yield from about_headline(headline, n, metrics[headline], floor.get(headline))
    yield from _about_labels(task, n, support)
    if drawn < wanted:
        yield f"Intervals are from {drawn:,} resamples instead of {wanted:,}, to keep the time in bounds."


def about_headline(headline: str, n: int, main: Interval, floor: Interval | None) -> Iterator[str]:
    """What a report says first in its own words, for those who read the notes alone."""
    if n < SMALL:
        yield f"Only {n:,} {'row was' if n == 1 else 'rows were'} evaluated; more would narrow the intervals."
    if main.high - main.low > WIDE:
        yield f"{headline} is known no better than from {main.low:.2f} to {main.high:.2f}."
    if floor is not None and not is_better(headline, main, floor):
        constant = "the label that is cheapest by" if headline == COST else "the majority of"
        yield (
            f"{headline} {main} is not measurably {'below' if headline in LOWER_IS_BETTER else 'above'} the floor of "
            f"always giving {constant} the training data, {floor.value:.3f}."
        )


def is_better(headline: str, main: Interval, floor: Interval) -> bool:
    """Whether all of the interval of a figure lies on the better side of the floor's figure."""
    return main.high < floor.value if headline in LOWER_IS_BETTER else main.low > floor.value


def _about_labels(task: Task, n: int, support: NDArray[np.int64]) -> Iterator[str]:
    """Labels that none, all or few of the rows carry."""
    absent, everywhere, rare = (
        listed(quoted(task.labels[j]) for j in np.flatnonzero(at))
        for at in (support == 0, support == n, (support > 0) & (support < RARE))
    )
    if absent:
        yield (
            f"No evaluated row carries {absent}: recall, ROC-AUC and average precision are undefined there, and "
            "averages over labels do not tell how well such rows are found."
        )
    if everywhere:
        yield f"Every evaluated row carries {everywhere}: ROC-AUC is undefined there."
    if rare:
        yield f"Fewer than {RARE} rows carry {rare}: the figures of these labels, and macro averages, are loose."
