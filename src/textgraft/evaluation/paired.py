"""Is one classifier better than another on the same rows, or is it chance?

Both are evaluated on the same bootstrap resamples, so what makes a row hard for both cancels out (Efron and
Tibshirani 1993, chapter 16; Berg-Kirkpatrick, Burkett and Klein, EMNLP 2012; Dror et al., ACL 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from textgraft.errors import DataError
from textgraft.evaluation import bootstrap
from textgraft.evaluation.bootstrap import Floats, Interval, plain
from textgraft.evaluation.inputs import Predictions, Thresholds, check_predictions, check_resampling
from textgraft.evaluation.metrics import headline_of, parts_of
from textgraft.extras import import_scipy
from textgraft.task import Task

TIE = 1e-9  # differences of metrics below this are rounding


@dataclass(frozen=True)
class PairedTest:
    """The difference of two classifiers' metric, a minus b.

    Attributes:
        metric: its name.
        difference: with its 95 % interval.
        p_value: two-sided, of no difference; never 0, and 1 for equal predictions.
        mcnemar: McNemar's exact p-value on the rows that only one of the two gets right (all labels of the row, if
            there are several): a second opinion on accuracy.
    """

    metric: str
    difference: Interval
    p_value: float
    mcnemar: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return plain(vars(self))


def compare_paired(
    probabilities_a: ArrayLike,
    probabilities_b: ArrayLike,
    targets: ArrayLike,
    task: Task,
    *,
    metric: str | None = None,
    thresholds: Thresholds = None,
    thresholds_b: Thresholds = None,
    seed: int = 0,
    resamples: int = 2000,
) -> PairedTest:
    """The paired bootstrap test of two classifiers on the same rows.

    Args:
        probabilities_a: (n, k) of the one.
        probabilities_b: (n, k) of the other.
        targets: (n,) integer places in ``task.labels``, or (n, k) bool for a multi-label task.
        task: the labels.
        metric: what is compared; None is accuracy, or micro F1 for a multi-label task.
        thresholds: one number or (k,), of a multi-label task; None is 0.5.
        thresholds_b: those of the other, where they differ.
        seed: of the resamples.
        resamples: how many; the smallest possible p-value is 1 / (resamples + 1).

    Raises:
        DataError: probabilities or targets that cannot be used, or a metric that these rows leave undefined.
        SettingError: an unknown metric, or thresholds, seed or resamples that cannot be used.
    """
    a = check_predictions(probabilities_a, targets, task, thresholds)
    b = check_predictions(probabilities_b, targets, task, thresholds if thresholds_b is None else thresholds_b)
    return compare_predictions(a, b, metric or headline_of(task), seed=seed, resamples=resamples)


def compare_predictions(
    a: Predictions, b: Predictions, metric: str, *, seed: int = 0, resamples: int = 2000
) -> PairedTest:
    """As ``compare_paired``, of predictions that are checked already."""
    (value_a, value_b), (samples_a, samples_b) = paired_scores([a, b], metric, seed=seed, resamples=resamples)
    return paired_test(metric, a, b, value_a - value_b, samples_a - samples_b)


def paired_scores(
    predictions: Sequence[Predictions], metric: str, *, seed: int, resamples: int
) -> tuple[list[float], list[Floats]]:
    """A metric of several classifiers on the same rows, and (r,) values of each on the same resamples.

    Raises:
        DataError: the rows leave the metric undefined.
        SettingError: an unknown metric, or seed or resamples that cannot be used.
    """
    check_resampling(resamples, seed)
    parts = [part for each in predictions for part in parts_of(each, metric)]
    n = len(predictions[0])
    values = [float(scores.overall[metric][0]) for scores in bootstrap.point_scores(parts, n)]
    if np.isnan(values).any():
        raise DataError(
            f"{metric} is undefined on these {n:,} rows, since no label has rows with and without it; "
            "compare by another metric or on other rows."
        )
    drawn = bootstrap.affordable_resamples(parts, n, resamples)
    samples = bootstrap.resampled_scores(parts, n, resamples=drawn, seed=seed)
    return values, [scores.overall[metric] for scores in samples]


def value_of(predictions: Predictions, metric: str) -> float:
    """The metric itself.

    Raises:
        DataError: the rows leave the metric undefined.
        SettingError: an unknown metric.
    """
    (scores,) = bootstrap.point_scores(parts_of(predictions, metric), len(predictions))
    value = float(scores.overall[metric][0])
    if np.isnan(value):
        raise DataError(
            f"{metric} is undefined on these {len(predictions):,} rows, since no label has rows with and without it; "
            "compare by another metric or on other rows."
        )
    return value


def paired_test(metric: str, a: Predictions, b: Predictions, difference: float, differences: Floats) -> PairedTest:
    """The test from the difference on the rows and (r,) differences on their resamples."""
    differences = differences[~np.isnan(differences)]
    # How often resampling moves the difference by as much as it lies from zero; the one added on both sides counts
    # the rows themselves and keeps the p-value above 0 (Davison and Hinkley 1997, section 4.2).
    extreme = np.count_nonzero(np.abs(differences - difference) >= abs(difference) - TIE)
    interval = bootstrap.percentile_interval(difference, differences)
    return PairedTest(metric, interval, (1 + extreme) / (1 + len(differences)), mcnemar(a, b))


def mcnemar(a: Predictions, b: Predictions) -> float:
    """The exact two-sided p-value of McNemar's test (1947; Dietterich, Neural Computation 1998)."""
    bdtr = import_scipy("Comparing methods").special.bdtr
    right_a, right_b = ((each.targets == each.predicted).reshape(len(each), -1).all(axis=1) for each in (a, b))
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
