"""What the seed of a training changes: one method trained several times, and tested on the same rows each time.

This is another variation than that over test rows, which intervals are about, and is kept apart from it (Reimers and
Gurevych, EMNLP 2017; Bouthillier et al., MLSys 2021). Whether two methods differ by more is told by Welch's test of
their means over seeds (Biometrika 1947; for seeds: Colas, Sigaud and Oudeyer 2018, arXiv:1806.08295).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from textgraft.evaluation import bootstrap
from textgraft.evaluation.bootstrap import Interval
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.metrics import parts_of
from textgraft.extras import import_scipy


@dataclass(frozen=True)
class OverSeeds:
    """The metrics of one method by the seeds of its training.

    Attributes:
        seeds: the first is that of the model that is kept; none where nothing in the training is drawn.
        values: of each metric, one for each seed, or the one that there is; NaN where the rows leave it undefined.
        alike: whether all trainings predict the same, to the last bit.
    """

    seeds: tuple[int, ...]
    values: dict[str, tuple[float, ...]]
    alike: bool

    @classmethod
    def of(cls, seeds: Sequence[int], found: Iterable[Predictions], metric: Metric) -> Self:
        """What the trainings with some seeds predict of the same rows; ``metric`` is the one that stands for all."""
        found = iter(found)
        first, alike = next(found), True
        each = [values_of(first, metric)]
        for other in found:  # one at a time: together they may be large
            each.append(values_of(other, metric))
            alike = alike and np.array_equal(first.probabilities, other.probabilities)
        return cls(tuple(seeds), {name: tuple(one[name] for one in each) for name in each[0]}, alike)

    def mean(self, metric: str) -> float:
        """Over seeds."""
        return float(np.mean(self.values[metric]))

    def deviation(self, metric: str) -> float:
        """The standard deviation over seeds, of which these are a sample; NaN of one."""
        values = self.values[metric]
        if len(values) == 1:
            return math.nan
        # The mean of equal values may be another one by rounding.
        return 0.0 if min(values) == max(values) else float(np.std(values, ddof=1))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; what is undefined is None."""
        metrics = {
            name: {"mean": self.mean(name), "standard_deviation": self.deviation(name), "values": list(values)}
            for name, values in self.values.items()
        }
        return {"seeds": list(self.seeds), "alike": self.alike, "metrics": _defined(metrics)}


@dataclass(frozen=True)
class SeedTest:
    """How far the means over seeds of two methods lie apart on the same rows, a minus b.

    Attributes:
        difference: with its 95 % interval over seeds; the rows count as given.
        p_value: two-sided, of no difference.
    """

    difference: Interval
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return bootstrap.plain(vars(self))


def compare_seeds(a: OverSeeds, b: OverSeeds, metric: str) -> SeedTest | None:
    """Welch's test of two methods; None where seeds change neither, so that there is nothing to test by.

    A method in whose training nothing is drawn has its one value for a mean.
    """
    means, errors, freedoms = zip(*(_mean_of(each, metric) for each in (a, b)), strict=True)
    difference, error = means[0] - means[1], sum(errors)
    if not error > 0:  # NaN, too
        return None
    freedom = error**2 / sum(part**2 / free for part, free in zip(errors, freedoms, strict=True))
    special = import_scipy("Comparing methods").special
    reach = float(special.stdtrit(freedom, 0.975)) * error**0.5
    p_value = 2 * float(special.stdtr(freedom, -abs(difference) / error**0.5))
    return SeedTest(Interval(difference, difference - reach, difference + reach), p_value)


def deviation_ends(trainings: int) -> tuple[float, float]:
    """By which factors the true standard deviation may lie off that of so many seeds, with 95 %: chi-squared."""
    chi2 = import_scipy("Comparing methods").special.chdtri
    freedom = trainings - 1
    low, high = ((freedom / float(chi2(freedom, tail))) ** 0.5 for tail in (0.025, 0.975))
    return low, high


def values_of(predictions: Predictions, metric: Metric) -> dict[str, float]:
    """All metrics of all labels together, and the one that stands for all, without intervals; NaN where undefined."""
    parts = [metric.part(predictions), *parts_of(predictions)]
    first, *others = (
        part.scores(means)
        for part, means in zip(parts, bootstrap.row_means(parts, predictions.rows, predictions.repeats), strict=True)
    )
    found = {str(metric): float(metric.of(first)[0])}
    return found | {name: float(value[0]) for scores in others for name, value in scores.overall.items()}


def _mean_of(method: OverSeeds, metric: str) -> tuple[float, float, float]:
    """The mean, its squared standard error and the degrees of freedom of that."""
    n = len(method.values[metric])
    if n == 1:
        return method.mean(metric), 0.0, 1.0
    return method.mean(metric), method.deviation(metric) ** 2 / n, n - 1.0


def _defined(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _defined(each) for name, each in content.items()}
    if isinstance(content, list):
        return [_defined(each) for each in content]
    return None if math.isnan(content) else content
