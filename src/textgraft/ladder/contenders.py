"""What a search can choose among: candidates and stacks of them, by what they predict out of fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.errors import DataError
from textgraft.evaluation import Metric
from textgraft.evaluation.calibration import Calibration, score_columns
from textgraft.evaluation.deciding import choose_decision
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.metric import weighed
from textgraft.evaluation.paired import ALPHA, compare_predictions
from textgraft.evaluation.pooling import fit_weights, pooled
from textgraft.ladder.candidates import Candidate
from textgraft.ladder.cross_validating import WORTH
from textgraft.ladder.evaluating import in_groups
from textgraft.ladder.run_directory import Outcome

PARTS = 5  # of the rows, over which weights are cross-fitted where there is one fold
_FEWER = 500  # resamples, of each of many tests

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Contender:
    """One candidate, or a stack of several, with what it predicts of rows that it was not fitted to.

    Attributes:
        members: one candidate; of a stack two or more.
        predictions: of the rows that all contenders share.
        folds: (n,) the fold of each of these.
        merit: see ``merit``.
    """

    members: tuple[Candidate, ...]
    predictions: Predictions
    folds: NDArray[np.int64]
    merit: tuple[float, float]

    @property
    def name(self) -> str:
        """The candidate's, or those of a stack's members."""
        return " + ".join(member.name for member in self.members)

    @property
    def rung(self) -> int:
        """Of the dearest member; a stack is just above it."""
        return max(member.model.rung for member in self.members) + (len(self.members) > 1)


class Rows:
    """The rows that contenders share: what was scored at full size in some folds.

    Args:
        data: the training part.
        at: (n,) their places in it, fold by fold.
        fold: (n,) the fold of each. Choices and weights are cross-fitted over folds, or, where there is one, over five
            parts of it.
        metric: the one that matters.
    """

    at: NDArray[np.int64]
    data: Dataset
    fold: NDArray[np.int64]
    metric: Metric
    part: NDArray[np.int64]

    def __init__(self, data: Dataset, at: NDArray[np.int64], fold: NDArray[np.int64], metric: Metric) -> None:
        self.data, self.at, self.fold, self.metric = data.select(at), at, fold, metric
        self.part = fold if len(np.unique(fold)) > 1 else np.arange(len(at)) % PARTS

    def one(self, candidate: Candidate, outcomes: Sequence[Outcome]) -> Contender:
        """A candidate by its outcomes, fold by fold."""
        p, predicted = (np.concatenate([getattr(o, name) for o in outcomes]) for name in ("probabilities", "predicted"))
        return self._contender((candidate,), p, predicted)

    def stack(self, members: Sequence[Contender]) -> Contender:
        """A stack of some, weighed and decided for each part by the rows of the others.

        It is not calibrated further, as the stack itself is: the weights have a temperature in them.
        """
        data, task = self.data, self.data.task
        calibration = Calibration.usual(task, score_columns(task))
        found = [member.predictions.probabilities for member in members]
        p = np.empty_like(found[0])
        predicted = np.empty_like(members[0].predictions.predicted)
        for number in np.unique(self.part):
            own, others = np.flatnonzero(self.part == number), np.flatnonzero(self.part != number)
            rest = data.select(others)
            weights = fit_weights([each[others] for each in found], rest.targets, task, rest.weights)
            scores = pooled(found, weights, task)
            decision = self.metric.decision()
            if members[0].members[0].model.metric is not None:
                of_others = calibration.probabilities(scores[others], task)
                decision = choose_decision(self.metric, of_others, rest.targets, rest.weights, decision)[0]
            p[own] = calibration.probabilities(scores[own], task)
            predicted[own] = decision.targets(p[own], task)
        return self._contender(tuple(each for member in members for each in member.members), p, predicted)

    def _contender(self, members: tuple[Candidate, ...], p: Floats, predicted: NDArray[np.int64]) -> Contender:
        predictions = Predictions(p, np.asarray(self.data.targets), predicted, self.data.task, worth=WORTH)
        predictions = in_groups(predictions, self.data)
        return Contender(members, predictions, self.fold, merit(predictions, self.metric))


def merit(predictions: Predictions, metric: Metric) -> tuple[float, float]:
    """By what predictions are ranked, higher being better: the metric, and the log loss where that is the same."""
    one = np.ones((len(predictions), 1))
    loss = Metric.read("log_loss", metric.task)
    return metric.as_score(float(weighed(metric, predictions, one)[0])), -float(weighed(loss, predictions, one)[0])


def stackable(alone: Sequence[Contender]) -> Iterator[tuple[Contender, ...]]:
    """The members of all stacks of two or more of the best of each method, the cheapest member first."""
    best: dict[str, Contender] = {}
    for each in ranked(alone):
        best.setdefault(each.members[0].method, each)
    members = sorted(best.values(), key=lambda each: each.rung)
    for size in range(2, len(members) + 1):
        yield from combinations(members, size)


def ranked(contenders: Sequence[Contender]) -> list[Contender]:
    """The best first; of equal metrics that with the lower log loss, then the cheaper."""
    return sorted(contenders, key=lambda each: (*each.merit, -each.rung), reverse=True)


def is_worse(contender: Contender, best: Contender, metric: Metric, seed: int) -> bool:
    """Whether a paired test tells a contender from the best one; not where the rows leave the metric undefined."""
    with suppress(DataError):
        how: dict[str, int] = {"seed": seed, "resamples": _FEWER}
        return compare_predictions(contender.predictions, best.predictions, metric, **how).p_value < ALPHA
    return False
