"""Thresholds from which on a label has a wanted precision or recall, chosen on rows that the model was not fitted to.

Both hold with a chance of ``LEVEL`` for each label, for texts that come as the rows did:

- Precision: the lowest threshold, and so the highest recall, of a sequence of exact tests (``exact_tests``).
- Recall: it falls with the threshold, which takes no sequence. Of n rows that carry the label, the score of the r-th
  lowest leaves out a share whose distribution is Beta(r, n - r + 1) whatever the scores are (Wilks, Annals of
  Mathematical Statistics 1941), so that the highest such threshold passes one exact binomial test.

The score of a label is its probability; where a text has one of several labels, how many times as probable it is as any
other by their thresholds, since that is what a ``Decision`` goes by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.decision import Decision, Goal
from textgraft.evaluation.exact_tests import LEVEL, last_passing, p_values
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.thresholds import within
from textgraft.evaluation.wanted import Wanted
from textgraft.task import Task
from textgraft.unicode import quoted
from textgraft.wording import counted, decimal, percent

Floats = NDArray[np.float64]

CANDIDATES = 100  # of each spacing
MOST_SAID = 6
STARTS = 5  # candidates that share half of the chance of an error: a half of the rows, a quarter, ...
_TIE = 1e-6  # scores that differ by less than this part of them are one: float32 thresholds do not divide them
_LEAST, _MOST = 1e-30, 1 - 2e-6  # of a probability at which a threshold can be
_ODDS = 1e5  # at most, and at least its inverse, of a threshold among those of the other labels


@dataclass(frozen=True, eq=False)
class Chosen:
    """What ``choose_goals`` found.

    Attributes:
        decision: with the thresholds of the goals that are reached; the others stay.
        goals: those that are reached.
        unreached: of each other label, a sentence on why, and on what these rows can show.
    """

    decision: Decision
    goals: tuple[Goal, ...]
    unreached: dict[str, str]


def choose_goals(
    wanted: Mapping[int, Wanted], predictions: Predictions, decision: Decision, fingerprint: str | None = None
) -> Chosen:
    """The lowest thresholds that reach a precision, the highest that reach a recall.

    Args:
        wanted: by the place of the label; of one label where a text has one.
        predictions: of rows that the model was not fitted to.
        decision: whose other thresholds stay; it has no costs.
        fingerprint: of the rows.
    """
    task, n = predictions.task, len(predictions)
    thresholds, goals, unreached = decision.thresholds.copy(), [], {}
    for j, want in wanted.items():
        label, rows = task.labels[j], _Rows.of(predictions, decision, j)
        found = rows.choose(want)
        if found is None:
            unreached[label] = rows.unreached(label, want)
            continue
        thresholds = rows.with_threshold(thresholds, found.cut)
        goals.append(
            Goal(label, *want, LEVEL, n, given=found.given, carry=rows.carry, hits=found.hits, fingerprint=fingerprint)
        )
    return Chosen(Decision(thresholds), tuple(goals), unreached)


def about_goals(chosen: Chosen, task: Task) -> str:
    """Sentences on what was chosen and what was not, of at most ``MOST_SAID`` labels."""
    said = [about_goal(goal, chosen.decision, task) for goal in chosen.goals]
    for label, why in chosen.unreached.items():
        stays = chosen.decision.thresholds[task.labels.index(label)]
        said.append(f"{why} Its threshold stays {f'at {decimal(float(stays))}' if task.multi_label else 'as it is'}.")
    more = len(said) - MOST_SAID
    return " ".join([*said[:MOST_SAID], *([f"And so on for {more:,} more labels."] if more > 0 else [])])


def about_goal(goal: Goal, decision: Decision, task: Task) -> str:
    """A sentence on what was chosen."""
    j = task.labels.index(goal.label)
    threshold = float(decision.thresholds[j])
    others = np.delete(decision.thresholds, j)
    if task.multi_label or len(task) == 2:
        where = f"from a probability of {decimal(threshold)} on"
    elif (others == others[0]).all():
        where = f"where it is {threshold / others[0]:.3g} times as probable as any other label"
    else:
        where = "from its threshold on"
    of = "those that are given it carry it" if goal.measure == "precision" else "those that carry it are given it"
    shares = [
        f"{name} {percent(goal.hits / among) if among else 'unknown'}"
        for name, among in (("precision", goal.given), ("recall", goal.carry))
    ]
    return (
        f"{quoted(goal.label)} is given {where}: with a chance of {100 * goal.level:g} % at least "
        f"{100 * goal.wanted:g} % of {of}, among texts like these ({' and '.join(shares)} on "
        f"{counted(goal.rows, 'held-out row')}, {goal.carry:,} of which carry it)."
    )


@dataclass(frozen=True)
class _Found:
    cut: float  # of the score
    given: int
    hits: int


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows by the score of a label, the highest first."""

    place: int
    multi_label: bool
    scores: Floats
    truth: NDArray[np.bool_]
    stated: Floats  # the label's probability

    @classmethod
    def of(cls, predictions: Predictions, decision: Decision, j: int) -> _Rows:
        p, multi_label = np.asarray(predictions.probabilities, np.float64), predictions.task.multi_label
        if multi_label:
            scores, least, most = p[:, j], _LEAST, _MOST
        else:
            others = np.delete(decision.thresholds.astype(np.float64), j)
            scores = p[:, j] / np.maximum((np.delete(p, j, axis=1) / others).max(axis=1), 1e-300)
            least, most = others.min() / _ODDS, others.max() * _ODDS
        scores = np.where(scores < least, 0.0, np.minimum(scores, most))
        order = np.argsort(-scores, kind="stable")
        truth = predictions.targets[:, j] if multi_label else predictions.targets == j
        return cls(j, multi_label, scores[order], truth[order], p[order, j])

    @property
    def carry(self) -> int:
        """How many carry the label."""
        return int(self.truth.sum())

    def choose(self, want: Wanted) -> _Found | None:
        """The threshold; None where none is sure to reach what is wanted."""
        chosen = self._of_precision(want.share) if want.measure == "precision" else self._of_recall(want.share)
        if chosen is None:
            return None
        cut = self.scores[chosen] * (1 - _TIE)
        given = int((self.scores >= cut).sum())
        return _Found(float(cut), given, int(self.truth[:given].sum()))

    def with_threshold(self, thresholds: NDArray[np.float32], cut: float) -> NDArray[np.float32]:
        """The thresholds with this one; of one label a text they are relative, the lowest and highest add up to 1."""
        relative = thresholds.astype(np.float64)
        relative[self.place] = cut
        return within(relative if self.multi_label else relative / (relative.min() + relative.max()))

    def unreached(self, label: str, want: Wanted) -> str:
        """Why none does, and the highest share that is reached."""
        least = math.ceil(math.log(1 - LEVEL) / math.log(want.share))
        asked, n = f"a {want.measure} of {100 * want.share:g} %", len(self.scores)
        rows = f"{counted(n, 'row')}, of which {self.carry:,} {'carries' if self.carry == 1 else 'carry'} it"
        start = f"No threshold of {quoted(label)} is sure to reach {asked} on {rows}"
        if self.carry < least:
            start += f": that takes {least:,} rows that carry it{', and no error' * (want.measure == 'precision')}"
        low, high = 0, math.ceil(100 * want.share)  # percent: what is reached, and what is not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.choose(Wanted(want.measure, middle / 100)) is None else (middle, high)
        return f"{start}. The highest that they show is {low} %." if low else f"{start}. They show none of 1 % or more."

    def _of_precision(self, share: float) -> int | None:
        n = int((self.scores > 0).sum())
        scores = self.scores[:n]
        ends = np.flatnonzero(np.append(scores[1:] < scores[:-1] * (1 - 3 * _TIE), True)[:n]) + 1  # never within ties
        if not len(ends):
            return None
        # Even steps for frequent labels, and as even ones of the logarithm for rare ones.
        wanted = np.concatenate((np.linspace(1, n, CANDIDATES), np.geomspace(1, n, CANDIDATES)))
        rows = np.unique(ends[np.searchsorted(ends, np.minimum(np.ceil(wanted), n))])
        starts = np.searchsorted(rows, np.ceil(n / 2.0 ** np.arange(1, STARTS + 1)))
        hits = np.cumsum(self.truth, dtype=np.int64)[rows - 1]
        expected = np.cumsum(self.stated)[rows - 1]
        found = last_passing(hits, rows, expected, starts, share)
        return None if found is None else int(rows[found]) - 1

    def _of_recall(self, share: float) -> int | None:
        at = np.flatnonzero(self.truth)
        n = len(at)
        if not n:
            return None
        # At the score of the i-th highest row that carries it, i of n are given it.
        passing = np.flatnonzero(p_values(np.arange(1, n + 1), np.full(n, n), share) <= 1 - LEVEL)
        if not len(passing) or self.scores[chosen := int(at[passing[0]])] == 0:
            return None
        return chosen
