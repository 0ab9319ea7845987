"""Which of several methods to take: the cheapest that is not measurably worse than the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from textgraft.errors import SettingError, listed
from textgraft.evaluation.inputs import Thresholds, check_predictions
from textgraft.evaluation.metrics import LOWER_IS_BETTER, headline_of
from textgraft.evaluation.paired import PairedTest, compare_predictions, metric_value
from textgraft.task import Task
from textgraft.unicode import quoted
from textgraft.wording import p_value


@dataclass(frozen=True, eq=False)
class Entry:
    """A method's probabilities on the rows that all methods are compared on.

    Attributes:
        name: the method's.
        rung: its place on the ladder; a lower one is cheaper.
        probabilities: (n, k).
        thresholds: one number or (k,), of a multi-label task; None is 0.5.
    """

    name: str
    rung: float
    probabilities: ArrayLike
    thresholds: Thresholds = None


@dataclass(frozen=True)
class Recommendation:
    """What ``recommend`` chose.

    Attributes:
        name: the method to take.
        best: the method with the best value.
        metric: what they were compared by.
        values: each method's value.
        tests: each other method against the best, its value minus the best's.
        p_values: the tests' p-values after Holm's correction for their number.

    All three dicts run from the cheapest method to the dearest.
    """

    name: str
    best: str
    metric: str
    values: dict[str, float]
    tests: dict[str, PairedTest]
    p_values: dict[str, float]

    @property
    def sentence(self) -> str:
        """The choice with its reason."""
        start = f"Recommended: {self.name}: {self.metric} {self.values[self.name]:.3f}"
        if self.name != self.best:
            rival, p = f"{self.best} {self.values[self.best]:.3f}", _p(self.p_values[self.name])
            return f"{start}, not measurably worse than the best, {rival} ({p})."
        if len(self.values) == 1:
            return f"{start}; nothing else was compared."
        cheaper = list(self.values)[: list(self.values).index(self.name)]
        if not cheaper:
            return f"{start}, the best and the cheapest."
        largest = _p(max(self.p_values[name] for name in cheaper))
        return f"{start}, the best, and measurably better than all that is cheaper ({largest})."

    def __str__(self) -> str:
        return self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        tests = {name: test.to_dict() | {"p_value_holm": self.p_values[name]} for name, test in self.tests.items()}
        start = {"recommended": self.name, "best": self.best, "metric": self.metric, "values": self.values}
        return start | {"tests": tests, "sentence": self.sentence}


def recommend(
    entries: Sequence[Entry],
    targets: ArrayLike,
    task: Task,
    *,
    metric: str | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = 2000,
) -> Recommendation:
    """The cheapest method that the paired test cannot tell from the best.

    Each method is tested against the one with the best value; the p-values are corrected for the number of tests
    (Holm, Scandinavian Journal of Statistics 1979; Dror et al., TACL 2017).

    Args:
        entries: the methods; of equal rungs the first counts as cheaper.
        targets: (n,) integer places in ``task.labels``, or (n, k) bool for a multi-label task.
        task: the labels.
        metric: what they are compared by; None is accuracy, or micro F1 for a multi-label task.
        alpha: a method is measurably worse below this p-value.
        seed: of the resamples.
        resamples: how many.

    Raises:
        DataError: probabilities or targets that cannot be used.
        SettingError: no entries, two of one name, an unknown metric, or an option that cannot be used.
    """
    given = [entry.name for entry in entries]
    if not given or len(set(given)) < len(given):
        raise SettingError(
            f"A comparison needs at least one method and a name of its own for each; got {listed(given, 20) or 'none'}."
        )
    if not 0 < alpha < 1:
        raise SettingError(f"alpha must lie between 0 and 1; got {quoted(alpha)}. 0.05 is usual.")
    ladder = sorted(entries, key=lambda entry: entry.rung)
    predictions = [check_predictions(e.probabilities, targets, task, e.thresholds) for e in ladder]
    name = metric or headline_of(task)
    values = [metric_value(each, name) for each in predictions]
    sign = -1 if name in LOWER_IS_BETTER else 1
    top = int(np.argmax(sign * np.array(values)))  # of equal ones the cheapest
    tests = {
        entry.name: compare_predictions(predictions[i], predictions[top], name, seed=seed, resamples=resamples)
        for i, entry in enumerate(ladder)
        if i != top
    }
    corrected = dict(zip(tests, holm([test.p_value for test in tests.values()]), strict=True))
    choice = next(i for i, e in enumerate(ladder) if i == top or corrected[e.name] >= alpha)
    named = {entry.name: value for entry, value in zip(ladder, values, strict=True)}
    return Recommendation(ladder[choice].name, ladder[top].name, name, named, tests, corrected)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number: the chance of any false finding stays below the level (Holm 1979)."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))))
    return [float(value) for value in corrected]


def _p(value: float) -> str:
    shown = p_value(value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"
