"""The metric that matters: by which everything is chosen, and which stands for all in a report.

It is one of the metrics of ``metrics``, or of one label (``"f1:spam"``), the recall of a label at a precision
(``"recall:spam@0.9"``), or the mean cost by a cost matrix.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.decision import Decision
from textgraft.errors import SettingError, did_you_mean, listed
from textgraft.evaluation.bootstrap import Cells, Floats, Part, Scores
from textgraft.evaluation.costs import Costs, cost_matrix, named_costs
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.metrics import LOWER_IS_BETTER, headline_of, metric_names, parts_of
from textgraft.evaluation.names import COST, OF_LABELS, metric_name, named, split_precision
from textgraft.evaluation.ranking import RankGroups, RankHistogram, Ranking, group_ranking
from textgraft.labels import alike
from textgraft.task import Task
from textgraft.unicode import quoted

MOST_CUTS = 512  # of a ranking, between which its precision is not looked at
_TASKS = (Task(("a", "b")), Task(("a", "b"), multi_label=True))
_FORMS = (
    f"{', '.join(f'{name}:LABEL' for name in OF_LABELS)}, recall:LABEL@0.9 for the recall at a precision of at least "
    "0.9, or a CSV file of costs"
)


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric of a task.

    Attributes:
        name: scikit-learn's, with the average as a suffix; ``"mean_cost"`` of costs.
        task: whose it is.
        label: of which label it is; None of one that is of all.
        precision: of recall: the least precision at which it is taken, along the ranking by the label's probability.
        costs: (k, k) a row for each true label and a column for each predicted one.
    """

    name: str
    task: Task
    label: str | None = None
    precision: float | None = None
    costs: NDArray[np.float64] | None = None

    @classmethod
    def read(cls, given: Any, task: Task) -> Metric:
        """The metric that is asked for.

        Args:
            given: its name as it is kept or shown, in any case; ``"f1:LABEL"`` and the like; a path of a CSV file of
                costs, or costs as ``costs.named_costs`` takes them; a Metric; None is the usual headline.
            task: the labels.

        Raises:
            SettingError: there is no such metric, no such label, or it is for tasks of the other kind.
        """
        if given is None:
            return cls(headline_of(task), task)
        if isinstance(given, Metric):
            given = given.plain()
        asked = _parsed(given)
        if not isinstance(asked, tuple):
            return cls(COST, task, costs=cost_matrix(asked, task))
        name, written = asked
        if written is not None:
            return cls(name, task, *_label_and_precision(name, written, task))
        if name not in metric_names(task):
            near = [known for known in metric_names(task) if known.startswith(name)]
            hint = (
                f" Did you mean {' or '.join(map(quoted, near))}?" if near else did_you_mean(name, metric_names(task))
            )
            raise SettingError(
                f"{quoted(given)} is not a metric of a {task.kind} task; there are "
                f"{listed(metric_names(task), 40)}.{hint}"
            )
        return cls(name, task)

    def __str__(self) -> str:
        """As it is written on the command line, and kept in an Evaluation; ``"mean_cost"`` of costs."""
        at = "" if self.precision is None else f"@{self.precision:g}"
        return self.name if self.label is None else f"{self.name}:{self.label}{at}"

    def plain(self) -> str | Costs:
        """For JSON: its name, or the costs by the true and then by the predicted label."""
        if self.costs is None:
            return str(self)
        labels = self.task.labels
        return {
            true: dict(zip(labels, row, strict=True)) for true, row in zip(labels, self.costs.tolist(), strict=True)
        }

    @property
    def called(self) -> str:
        """Its name for people."""
        return metric_name(str(self))

    @property
    def lower_is_better(self) -> bool:
        """Whether it is a loss."""
        return self.name in LOWER_IS_BETTER

    @property
    def is_usual(self) -> bool:
        """Whether it is the one that is taken where none is given."""
        return self.plain() == headline_of(self.task)

    @property
    def is_listed(self) -> bool:
        """Whether every evaluation holds it, overall or of each label."""
        return self.costs is None and self.precision is None

    def decision(self) -> Decision:
        """How labels follow from probabilities where nothing is tuned: the cheapest one, or the usual one."""
        return Decision(Decision.usual(self.task).thresholds, self.costs)

    def part(self, predictions: Predictions) -> Part:
        """What gives it, in ``Scores.overall`` under its own name, as a function of sums over rows."""
        if self.costs is not None:
            return MeanCost(predictions, self.costs)
        if self.label is None:
            return parts_of(predictions, self.name)[0]
        j = self.task.labels.index(self.label)
        if self.precision is not None:
            return RecallAtPrecision(predictions, j, self.precision, str(self))
        return (OneRanking if self.name in OF_LABELS[3:] else OneLabel)(predictions, j, self.name, str(self))

    def swappable(self, predictions: Predictions) -> Part:
        """The part as ``part`` gives it, of means that are those of any classifier, so that rows can be swapped.

        A ranking is then one by ranks and not by scores; see ``RankHistogram``.
        """
        if self.precision is not None:
            return RecallAtRank(predictions, self.task.labels.index(str(self.label)), self.precision, str(self))
        if self.name in Ranking.names(self.task) or self.name in OF_LABELS[3:]:
            return RankHistogram(predictions)
        return self.part(predictions)

    def of(self, scores: Scores) -> Floats:
        """(r,) its values among those of its part."""
        if str(self) in scores.overall:
            return scores.overall[str(self)]
        of_labels: Floats = scores.per_label[self.name]
        return np.asarray(of_labels[self.task.labels.index(str(self.label))])

    def value(
        self,
        probabilities: NDArray[Any],
        targets: ArrayLike,
        decision: Decision | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> float:
        """Its value on rows that something is chosen on.

        Args:
            probabilities: (n, k).
            targets: (n,) int64, or the sets or the (n, k) bool of a multi-label task.
            decision: how labels follow from the probabilities; None is ``decision``.
            weights: (n,) what each row counts; None is 1 each.
        """
        w = np.ones(len(probabilities)) if weights is None else weights
        predictions = predicted(probabilities, targets, decision or self.decision(), self.task)
        return float(weighed(self, predictions, w[:, None])[0])

    def as_score(self, value: float) -> float:
        """The value such that higher is better; 0 where it is undefined."""
        return 0.0 if np.isnan(value) else -value if self.lower_is_better else value


def check_metric(given: Any) -> None:
    """Raises SettingError for what is no metric of any task, whatever its labels."""
    if not isinstance(given, Metric):
        _parsed(given)


def read_metric(written: str) -> str | Costs:
    """A metric from the command line: costs are read from their file at once."""
    costs = named_costs(written) if names_file(written) else written
    assert not isinstance(costs, np.ndarray)  # a file names its labels
    return costs


def predicted(probabilities: NDArray[Any], targets: ArrayLike, decision: Decision, task: Task) -> Predictions:
    """Predictions of a method's own, which need no checks."""
    truth: NDArray[Any] = np.asarray(targets, np.bool_ if task.multi_label else np.int64)
    return Predictions(probabilities, truth, decision.targets(probabilities, task), task)


def weighed(metric: Metric, predictions: Predictions, weights: NDArray[np.float64]) -> Floats:
    """(r,) values of a metric where rows count as each of the columns of (n, r) weights says."""
    part = metric.part(predictions)
    columns, values = part.cells(slice(0, len(predictions)))
    weights = weights / weights.mean(axis=0)
    sums = np.empty((part.columns, weights.shape[1]))
    for i, of_rows in enumerate(weights.T):
        added = np.broadcast_to(of_rows[:, None], columns.shape) * (1.0 if values is None else values)
        sums[:, i] = np.bincount(columns.ravel(), added.ravel(), minlength=part.columns)
    return metric.of(part.scores(sums / len(predictions)))


class OneLabel(Part):
    """Precision, recall and F1 of one label, from its hits, misses and false alarms."""

    cell: NDArray[np.int8]
    name: str
    written: str
    columns = 4

    def __init__(self, predictions: Predictions, j: int, name: str, written: str) -> None:
        if predictions.task.multi_label:
            truth, given = predictions.targets[:, j], predictions.predicted[:, j]
        else:
            truth, given = predictions.targets == j, predictions.predicted == j
        self.cell = (2 * truth + given).astype(np.int8)[:, None]
        self.name, self.written = name, written

    def cells(self, rows: slice) -> Cells:  # noqa: D102
        return self.cell[rows], None

    def scores(self, sums: Floats) -> Scores:  # noqa: D102
        _, false, missed, hit = sums
        below = {"precision": hit + false, "recall": hit + missed, "f1": hit + (false + missed) / 2}[self.name]
        return Scores({self.written: np.divide(hit, below, out=np.zeros(len(hit)), where=below > 0)})


class OneRanking(Part):
    """ROC-AUC or average precision of one label."""

    groups: RankGroups
    cell: NDArray[np.int16]
    columns: int
    place: int
    written: str

    def __init__(self, predictions: Predictions, j: int, name: str, written: str) -> None:
        self.groups, cell = group_ranking(predictions.probabilities[:, j], predictions.truth[:, j])
        self.cell, self.columns = cell[:, None], self.groups.columns
        self.place, self.written = OF_LABELS[3:].index(name), written

    def cells(self, rows: slice) -> Cells:  # noqa: D102
        return self.cell[rows], None

    def scores(self, sums: Floats) -> Scores:  # noqa: D102
        return Scores({self.written: self.groups.scores(sums)[self.place]})


class RecallAtPrecision(Part):
    """The highest recall of a label among the cuts of its ranking that have at least a precision; 0 where none has.

    Cuts are below the positives, since only there recall grows: below each score that one has, or below 512 scores with
    as many positives between them, that of the best cut on these rows among them, so that their own value is exact. It
    is undefined where no row is positive.
    """

    precision: float
    written: str
    g: int
    columns: int
    cell: NDArray[np.int32]

    def __init__(self, predictions: Predictions, j: int, precision: float, written: str) -> None:
        self.precision, self.written = precision, written
        scores, truth = predictions.probabilities[:, j], predictions.truth[:, j]
        values, place = np.unique(-scores, return_inverse=True)  # the highest score first
        hits, others = (np.bincount(place, of, minlength=len(values)).astype(np.float64) for of in (truth, ~truth))
        cuts = np.flatnonzero(hits)
        if len(cuts) > MOST_CUTS:
            best = cuts[reached(np.cumsum(hits)[cuts], np.cumsum(others)[cuts], precision)][-1:]
            after = np.searchsorted(np.cumsum(hits), np.linspace(0, hits.sum(), MOST_CUTS + 1)[1:])
            cuts = np.unique(np.concatenate((after, best)))
        self.g = len(cuts)
        group = np.searchsorted(cuts, place)  # the first cut that takes the row in; behind the last there are negatives
        self.columns = 2 * self.g + 1
        self.cell = np.where(truth, group, self.g + group).astype(np.int32)[:, None]

    def cells(self, rows: slice) -> Cells:  # noqa: D102
        return self.cell[rows], None

    def scores(self, sums: Floats) -> Scores:  # noqa: D102
        hits, others = (np.cumsum(of, axis=0) for of in (sums[: self.g], sums[self.g : 2 * self.g]))
        if not self.g:
            return Scores({self.written: np.full(sums.shape[1], np.nan)})
        most = np.where(reached(hits, others, self.precision), hits, 0.0).max(axis=0)
        return Scores({self.written: np.divide(most, hits[-1], out=np.full(len(most), np.nan), where=hits[-1] > 0)})


class RecallAtRank(RankHistogram):
    """The same among cuts between the bins of ranks."""

    j: int
    precision: float
    written: str

    def __init__(self, predictions: Predictions, j: int, precision: float, written: str) -> None:
        super().__init__(predictions)
        self.j, self.precision, self.written = j, precision, written

    def scores(self, means: Floats) -> Scores:  # noqa: D102
        hits, others = np.cumsum(means.reshape(-1, 2, self.bins, means.shape[1])[self.j], axis=1)
        most = np.where(reached(hits, others, self.precision), hits, 0.0).max(axis=0)
        return Scores({self.written: np.divide(most, hits[-1], out=np.full(len(most), np.nan), where=hits[-1] > 0)})


def reached(hits: Floats, others: Floats, precision: float) -> NDArray[np.bool_]:
    """Where hits among all have a precision; one that is the wanted one but for rounding reaches it."""
    return np.asarray(hits * (1 - precision) >= precision * others - 1e-9 * (hits + others))


class MeanCost(Part):
    """The mean cost of what is predicted where something is true."""

    values: NDArray[np.float64]
    columns = 2

    def __init__(self, predictions: Predictions, costs: NDArray[np.float64]) -> None:
        of_rows = costs[predictions.targets, predictions.predicted]
        self.values = np.stack((of_rows, np.ones(len(of_rows))), axis=1)

    def cells(self, rows: slice) -> Cells:  # noqa: D102
        values = self.values[rows]
        return np.broadcast_to(np.arange(2), values.shape), values

    def scores(self, sums: Floats) -> Scores:  # noqa: D102
        return Scores({COST: sums[0] / sums[1]})


def names_file(written: Any) -> bool:
    """Whether a metric is written as the path of a file: what no name of a metric is."""
    if isinstance(written, os.PathLike):
        return True
    if not isinstance(written, str):
        return False
    kind, colon, _ = written.partition(":")
    if colon and named(kind, OF_LABELS):
        return False
    return Path(written).suffix.casefold() in (".csv", ".tsv", ".txt") or os.sep in written or "\\" in written


def _parsed(given: Any) -> tuple[str, str | None] | Costs | NDArray[np.float64]:
    """The name of a metric and what is written behind its colon, or costs."""
    if not isinstance(given, str) or names_file(given):
        return named_costs(given)
    kind, colon, rest = given.partition(":")
    if colon and (name := named(kind, OF_LABELS)):
        rest = rest.strip()
        label, precision = split_precision(rest) if name == "recall" else (rest, None)
        if not label.strip():
            raise SettingError(f"{quoted(given)} does not say of which label; write {name}:LABEL, such as {name}:spam.")
        if precision is not None and not 0 < precision <= 1:
            raise SettingError(
                f"The precision in {quoted(given)} must be above 0 and at most 1, as in recall:LABEL@0.9; got "
                f"{precision:g}."
            )
        return name, rest
    if re.match(r"\s*recall\s*@", given, re.IGNORECASE):
        raise SettingError(
            f"{quoted(given)} does not say of which label; write recall:LABEL@0.9, such as recall:spam@0.9."
        )
    known = list(dict.fromkeys(name for task in _TASKS for name in metric_names(task)))
    if name := named(given, known):
        return name, None
    if colon and kind.strip():
        raise SettingError(
            f"{quoted(given)} is no metric of a label; there are {_FORMS}.{did_you_mean(kind.strip(), OF_LABELS)}"
        )
    if name := named(given, OF_LABELS):
        raise SettingError(
            f"{quoted(given)} does not say of which labels: write {name}:LABEL for one, or one of "
            f"{listed([each for each in known if each.startswith(f'{name}_')], 12)}."
        )
    raise SettingError(
        f"metric must be one of {listed(known, 40)}; of one label {_FORMS}; got {quoted(given)}."
        f"{did_you_mean(given, [*known, *map(metric_name, known)])}"
    )


def _label_and_precision(name: str, written: str, task: Task) -> tuple[str, float | None]:
    """The label of the task, and the precision at which its recall is taken."""
    if (label := alike(written, task.labels, ())) is not None:  # also one with an @ in its name
        return label, None
    wanted, precision = split_precision(written) if name == "recall" else (written, None)
    if (label := alike(wanted.strip(), task.labels, ())) is not None:
        return label, precision
    raise SettingError(
        f"The metric {quoted(f'{name}:{written}')} is of a label that the task does not have; the labels are "
        f"{listed(task.labels, 12)}.{did_you_mean(wanted, task.labels)}"
    )
