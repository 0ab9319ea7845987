"""Is one classifier better than another on the same rows, or is it chance?

The p-value is that of a randomisation test: were both equally good, any row's two predictions could as well have been
swapped (Noreen, Computer-Intensive Methods for Testing Hypotheses, 1989; Yeh, COLING 2000; Dror et al., ACL 2018). A
metric of swapped rows is a function of means with those rows' differences turned round, so that all swaps are one
matrix product. The outcome itself counts half (mid-P; Fagerland, Lydersen and Laake 2013), without which few rows give
p-values that are too large. The interval comes from the bootstrap with the
same weights for both, and holds 0 where the test cannot tell the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from textgraft.errors import DataError
from textgraft.evaluation import bootstrap
from textgraft.evaluation.bootstrap import Cells, Floats, Interval, Part, Scores, plain
from textgraft.evaluation.inputs import Predictions, Thresholds, check_predictions, check_resampling
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.prior import RIGHT, WRONG, with_pseudo_rows
from textgraft.extras import import_scipy
from textgraft.task import Task

TIE = 1e-9  # differences of metrics below this are rounding
ALPHA = 0.05


@dataclass(frozen=True)
class PairedTest:
    """The difference of two classifiers' metric, a minus b.

    Attributes:
        metric: its name.
        difference: with its 95 % interval.
        p_value: two-sided, of no difference; never 0, and 1 for equal values.
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
    metric: Any = None,
    thresholds: Thresholds = None,
    thresholds_b: Thresholds = None,
    seed: int = 0,
    resamples: int = 2000,
) -> PairedTest:
    """The paired test of two classifiers on the same rows.

    Args:
        probabilities_a: (n, k) of the one.
        probabilities_b: (n, k) of the other.
        targets: (n,) integer places in ``task.labels``, or (n, k) bool for a multi-label task.
        task: the labels.
        metric: what is compared, in any form that ``Metric.read`` takes; None is accuracy, or micro-F1 of labels.
        thresholds: one number or (k,), of a multi-label task; None is 0.5.
        thresholds_b: those of the other, where they differ.
        seed: of the resamples.
        resamples: how many; the smallest possible p-value is 0.5 / (resamples + 1).

    Raises:
        DataError: probabilities or targets that cannot be used, or a metric that these rows leave undefined.
        SettingError: an unknown metric, or thresholds, seed or resamples that cannot be used.
    """
    a = check_predictions(probabilities_a, targets, task, thresholds)
    b = check_predictions(probabilities_b, targets, task, thresholds if thresholds_b is None else thresholds_b)
    return compare_predictions(a, b, Metric.read(metric, task), seed=seed, resamples=resamples)


def compare_predictions(
    a: Predictions, b: Predictions, metric: Metric, *, seed: int = 0, resamples: int = 2000
) -> PairedTest:
    """As ``compare_paired``, of predictions of the same rows that are checked already."""
    check_resampling(resamples, seed)
    difference = metric_value(a, metric) - metric_value(b, metric)
    p_value = _p_value(a, b, metric, seed, resamples)
    ends = bootstrap.percentile_ends(_differences(a, b, metric, seed, resamples))
    if p_value >= ALPHA:  # of what the test cannot tell from 0 the interval holds it
        ends = np.array([min(ends[0], 0.0), max(ends[1], 0.0)])
    return PairedTest(str(metric), bootstrap.interval(difference, ends), p_value, mcnemar(a, b))


def metric_value(predictions: Predictions, metric: Metric) -> float:
    """The metric alone.

    Raises:
        DataError: the rows leave the metric undefined.
        SettingError: an unknown metric.
    """
    part = metric.part(predictions)
    (means,) = bootstrap.row_means([part], predictions.rows, predictions.repeats)
    value = float(metric.of(part.scores(means))[0])
    if np.isnan(value):
        raise DataError(
            f"{metric.called} is undefined on these {predictions.rows:,} rows, since no label has rows with and "
            "without it; compare by another metric or on other rows."
        )
    return value


def mcnemar(a: Predictions, b: Predictions) -> float:
    """The exact two-sided p-value of McNemar's test (1947; Dietterich, Neural Computation 1998).

    Of rows that were predicted several times, the mean number of rows that only one of the two gets right is rounded.
    """
    bdtr = import_scipy("Comparing methods").special.bdtr
    right_a, right_b = ((each.targets == each.predicted).reshape(len(each), -1).all(axis=1) for each in (a, b))
    only_a, only_b = (round(int(only.sum()) / a.repeats) for only in (right_a & ~right_b, right_b & ~right_a))
    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


class _Swaps(Part):
    """What two classifiers' parts of the same means add to the one in place of the other."""

    def __init__(self, a: Part, b: Part) -> None:
        self.a, self.b, self.columns = a, b, a.columns

    def cells(self, rows: slice) -> Cells:
        (columns_a, values_a), (columns_b, values_b) = self.a.cells(rows), self.b.cells(rows)
        ones = np.ones(columns_a.shape, np.float32)
        more, less = (ones if values is None else values for values in (values_a, values_b))
        return np.concatenate((columns_a, columns_b), axis=1), np.concatenate((more, -less), axis=1)

    def scores(self, means: Floats) -> Scores:
        return self.a.scores(means)


def _differences(a: Predictions, b: Predictions, metric: Metric, seed: int, resamples: int) -> Floats:
    """(r,) differences on weighted rows, with pseudo-rows that both, one or none of the two get right."""
    if np.array_equal(a.probabilities, b.probabilities) and np.array_equal(a.predicted, b.predicted):
        return np.zeros(1)
    worth = min(a.worth, b.worth)
    more_a, shapes = with_pseudo_rows(replace(a, worth=worth), (RIGHT, RIGHT, WRONG, WRONG), seed=seed)
    more_b, _ = with_pseudo_rows(b, (RIGHT, WRONG, RIGHT, WRONG), seed=seed)
    parts = [metric.part(replace(each, pseudo=0)) for each in (more_a, more_b)]
    drawn = bootstrap.affordable_resamples(parts, len(a), resamples)
    means = bootstrap.resampled_means(parts, shapes, a.repeats, resamples=drawn, seed=seed)
    of_a, of_b = (metric.of(part.scores(mean)) for part, mean in zip(parts, means, strict=True))
    return of_a - of_b


def _p_value(a: Predictions, b: Predictions, metric: Metric, seed: int, resamples: int) -> float:
    """The share of swaps that lead to a difference at least as large as that on the rows."""
    parts = [metric.swappable(each) for each in (a, b)]
    of_a, of_b = bootstrap.row_means(parts, a.rows, a.repeats)
    swaps = _Swaps(*parts)

    def difference(moved: Floats) -> Floats:
        middle = (of_a + of_b) / 2
        return metric.of(swaps.scores(middle + moved)) - metric.of(swaps.scores(middle - moved))

    seen = abs(float(difference((of_a - of_b) / 2)[0]))
    if seen < TIE:
        return 1.0
    drawn = bootstrap.affordable_resamples(parts, len(a), resamples)
    signs, worth = np.ones(a.rows, np.float32), min(a.worth, b.worth)
    moved = bootstrap.signed_means(swaps, signs, a.rows, a.repeats, resamples=drawn, seed=seed) / (2 * worth**0.5)
    beyond = np.abs(difference(moved)) - seen
    more, ties = np.count_nonzero(beyond > TIE), np.count_nonzero(np.abs(beyond) <= TIE)
    # the rows as they are count among the swaps (Davison and Hinkley 1997, section 4.2), and so p is never 0
    return float((more + (ties + 1) / 2) / (drawn + 1))
