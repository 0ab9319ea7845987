"""How good predictions are: every metric with its interval, beside the floor of always saying the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.decision import Decision, Goal
from textgraft.errors import DataError, SettingError
from textgraft.evaluation.bootstrap import (
    Interval,
    Part,
    Scores,
    affordable_resamples,
    interval,
    plain,
    resampled_means,
    row_means,
    signed_means,
)
from textgraft.evaluation.confusion import Confusion
from textgraft.evaluation.inputs import Predictions, Thresholds, check_predictions, check_resampling
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.metrics import confusion, parts_of
from textgraft.evaluation.notes import notes_about
from textgraft.evaluation.prior import with_pseudo_rows
from textgraft.evaluation.reliability import Bin, reliability
from textgraft.evaluation.seen import SeenRows
from textgraft.evaluation.selective import OutOfScope, Selective
from textgraft.task import Task
from textgraft.unicode import shown

if TYPE_CHECKING:
    from textgraft.charts import Picture

LabelFigures = dict[str, Interval | int]
_Found = tuple[dict[str, Interval], dict[str, list[Interval]]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What ``evaluate_probabilities`` found.

    Attributes:
        task: the labels.
        n: evaluated rows.
        metrics: each metric with its 95 % interval, by scikit-learn's name.
        per_label: for each label its precision, recall, f1, roc_auc, average_precision (intervals) and support (rows
            that carry it).
        confused: which labels are taken for which; for a multi-label task as ``confusion``.
        floor: the metrics of always giving the majority of the training data; empty if that was not told.
        headline: the metric that stands for all.
        notes: sentences about what to keep in mind with these figures.
        always: the labels that the floor gives each row; None if that was not told.
        seen: which of the rows the model had been given when it was fitted; None where that is not known.
        selective: coverage and accuracy where the model may abstain; None where that was not asked.
        out_of_scope: how texts out of scope are told from the rows; None where none were given.
        reliability: how right answers of each probability are; empty of evaluations by earlier releases.
        goals: the precisions and recalls for which the model's thresholds were chosen; what is reached of them is in
            ``per_label``.
    """

    task: Task
    n: int
    metrics: dict[str, Interval]
    per_label: dict[str, LabelFigures]
    confused: Confusion | NDArray[np.int64]
    floor: dict[str, Interval]
    headline: str
    notes: tuple[str, ...]
    always: tuple[str, ...] | None = None
    seen: SeenRows | None = None
    selective: Selective | None = None
    out_of_scope: OutOfScope | None = None
    reliability: tuple[Bin, ...] = ()
    goals: tuple[Goal, ...] = ()

    def __str__(self) -> str:
        floor = f", majority {self.floor[self.headline]}" if self.floor else ""
        return f"{self.headline} {self.metrics[self.headline]} on {self.n:,} rows{floor}"

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(k, k) counts, a row per true label and a column per predicted one; for a multi-label task (k, 2, 2), one
        table per label: ``[[true negatives, false positives], [misses, hits]]``."""
        return np.asarray(self.confused)

    def plot_confusion(self) -> Picture:
        """Which labels are taken for which.

        Raises:
            MissingExtraError: the extra ``report`` is not installed.
            SettingError: rows may carry several labels, or there are more than 60.
        """
        from textgraft import charts

        if self.task.multi_label or len(self.task) > charts.MOST_IN_CONFUSION:
            raise SettingError(
                f"A confusion matrix is drawn where each row has one of at most {charts.MOST_IN_CONFUSION} labels; "
                f"this task is {self.task.kind} with {len(self.task):,}. plot_labels draws how well each label is told."
            )
        return charts.confusion(self.task.labels, self.confusion.tolist())

    def plot_calibration(self) -> Picture:
        """How right answers of each probability are: a reliability diagram.

        Raises:
            MissingExtraError: the extra ``report`` is not installed.
            SettingError: it was kept by an earlier release, which has no such figures.
        """
        from textgraft import charts

        if not self.reliability:
            raise SettingError(
                "This evaluation was kept by an earlier release, without its reliability; evaluate again."
            )
        return charts.reliability([vars(each) for each in self.reliability])

    def plot_labels(self) -> Picture:
        """Precision, recall and F1 of the first 30 labels.

        Raises:
            MissingExtraError: the extra ``report`` is not installed.
        """
        from textgraft import charts

        return charts.labels(
            [
                {"name": label, "metric": charts.METRICS[name], **figure.to_dict()}
                for label, figures in list(self.per_label.items())[: charts.MOST_DRAWN]
                for name in charts.METRICS
                if isinstance(figure := figures.get(name), Interval) and not math.isnan(figure.value)
            ]
        )

    def _repr_html_(self) -> str:
        """For notebooks: the headline and, where pictures can be drawn, how well each label is told."""
        from textgraft import charts

        said = f"<p>{escape(shown(str(self)))}</p>"
        return said + (self.plot_labels().svg() if charts.is_installed() else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; what is undefined is None."""
        return {
            "task": {"labels": list(self.task.labels), "multi_label": self.task.multi_label},
            "n": self.n,
            "headline": self.headline,
            "metrics": plain(self.metrics),
            "per_label": {label: plain(figures) for label, figures in self.per_label.items()},
            "confusion": self.confused.plain() if isinstance(self.confused, Confusion) else self.confused.tolist(),
            "majority": {"metrics": plain(self.floor)} | ({} if self.always is None else {"labels": list(self.always)}),
            "notes": list(self.notes),
            "seen": None if self.seen is None else self.seen.to_dict(),
            "selective": None if self.selective is None else self.selective.to_dict(),
            "out_of_scope": None if self.out_of_scope is None else self.out_of_scope.to_dict(),
            "reliability": [dict(vars(each)) for each in self.reliability],
            "goals": [goal.to_dict() for goal in self.goals],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote.

        Raises:
            DataError: something is missing or of another form.
        """
        try:
            task = Task(tuple(data["task"]["labels"]), bool(data["task"]["multi_label"]))
            confused = data["confusion"]
            always, seen = data["majority"].get("labels"), data.get("seen")  # earlier releases have none
            selective, out_of_scope = data.get("selective"), data.get("out_of_scope")
            return cls(
                task=task,
                n=int(data["n"]),
                metrics=_intervals_from(data["metrics"]),
                per_label={
                    label: {
                        name: Interval.from_dict(figure) if isinstance(figure, Mapping) else int(figure)
                        for name, figure in figures.items()
                    }
                    for label, figures in data["per_label"].items()
                },
                confused=np.array(confused, np.int64)
                if task.multi_label
                else Confusion.from_plain(confused, len(task)),
                floor=_intervals_from(data["majority"]["metrics"]),
                headline=str(data["headline"]),
                notes=tuple(data["notes"]),
                always=None if always is None else tuple(map(str, always)),
                seen=None if seen is None else SeenRows.from_dict(seen),
                selective=None if selective is None else Selective.from_dict(selective),
                out_of_scope=None if out_of_scope is None else OutOfScope.from_dict(out_of_scope),
                reliability=tuple(map(Bin.from_dict, data.get("reliability", ()))),
                goals=tuple(map(Goal.from_dict, data.get("goals", ()))),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"This is not an evaluation as textgraft writes it ({type(error).__name__}: {error}). Evaluate again."
            ) from error


def evaluate_probabilities(
    probabilities: ArrayLike,
    targets: ArrayLike,
    task: Task,
    *,
    thresholds: Thresholds = None,
    labels_of_training: ArrayLike | None = None,
    training_rows: int | None = None,
    seed: int = 0,
    resamples: int = 1000,
    metric: Any = None,
) -> Evaluation:
    """All metrics of a classifier's probabilities, each with a 95 % interval over the rows.

    Shares of rows have exact intervals (``share_ends``), and so have figures of one label; ROC-AUC, average precision
    and the calibration error those of ``proportions``; all others the Bayesian bootstrap's with the weak prior of
    ``prior``. Where rows times sums are very many (over 250,000 rows, or hundreds of labels) fewer resamples are drawn,
    at least 200, and a note says so.

    Args:
        probabilities: (n, k) float32 or float64; the rows of a single-label task sum to one.
        targets: (n,) integer places in ``task.labels``, or (n, k) bool for a multi-label task.
        task: the labels.
        thresholds: one number or (k,): a label of a multi-label task is predicted from this probability on (None is
            0.5). A single-label task predicts its most probable label.
        labels_of_training: (k,) training rows per label, from which the majority floor is made: the most frequent
            label (by costs the one that is cheapest on average), or all labels of a multi-label task that at least half
            of the rows carry, with the shares of the training data as probabilities. None gives no floor.
        training_rows: training rows in all; needed for the floor of a multi-label task only.
        seed: of the resamples.
        resamples: how many, at least 100.
        metric: the one that stands for all, in any form that ``Metric.read`` takes; None is the usual one.

    Raises:
        DataError: probabilities or targets of the wrong shape or with impossible values, or no rows.
        SettingError: thresholds, counts of training labels, seed, resamples or a metric that cannot be used.
    """
    return evaluate_predictions(
        check_predictions(probabilities, targets, task, thresholds),
        labels_of_training=labels_of_training,
        training_rows=training_rows,
        seed=seed,
        resamples=resamples,
        metric=metric,
    )


def evaluate_predictions(
    predictions: Predictions,
    *,
    labels_of_training: ArrayLike | None = None,
    training_rows: int | None = None,
    seed: int = 0,
    resamples: int = 1000,
    metric: Any = None,
) -> Evaluation:
    """As ``evaluate_probabilities``, of predictions that are checked already."""
    check_resampling(resamples, seed)
    task, n, repeats = predictions.task, predictions.rows, predictions.repeats
    main, asked, always = Metric.read(metric, task), [predictions], None
    if labels_of_training is not None:
        asked.append(majority(predictions, labels_of_training, training_rows, main.decision()))
        first = asked[1].predicted[0]
        always = tuple(task.labels[j] for j in (np.flatnonzero(first) if task.multi_label else [first]))
    measured, drawn = _measured(asked, lambda each: _parts(each, main), seed=seed, resamples=resamples)
    found = [_intervals(*each) for each in measured]
    split = len(found) // len(asked)

    metrics, floor = _overall(found[:split], main), _overall(found[split:], main)
    support = predictions.truth.sum(axis=0) // repeats
    per_label = _per_label(found[:split], task, support)
    notes = tuple(notes_about(task, str(main), n, support, metrics, floor, drawn, resamples))
    bins = reliability(predictions)
    return Evaluation(
        task, n, metrics, per_label, confusion(predictions), floor, str(main), notes, always, reliability=bins
    )


def metric_interval(predictions: Predictions, metric: Metric, *, seed: int = 0, resamples: int = 1000) -> Interval:
    """One metric alone with its 95 % interval, as ``evaluate_predictions`` has it up to the resamples."""
    ((scores, ends),), _ = _measured([predictions], lambda each: [metric.part(each)], seed=seed, resamples=resamples)
    return interval(metric.of(scores)[0], metric.of(ends))


def _measured(
    asked: Sequence[Predictions], parts_of_one: Callable[[Predictions], list[Part]], *, seed: int, resamples: int
) -> tuple[list[tuple[Scores, Scores]], int]:
    """The scores and the ends of the intervals by each part of some predictions of the same rows; and the resamples."""
    first = asked[0]
    n, repeats, worth = first.rows, first.repeats, first.worth
    parts = [part for each in asked for part in parts_of_one(each)]
    padded = [with_pseudo_rows(each, seed=seed) for each in asked]
    weighted, shapes = [part for each, _ in padded for part in parts_of_one(each)], padded[0][1]
    drawn = affordable_resamples(parts, len(first), resamples)
    means = row_means(parts, n, repeats)
    plain_parts = [part for part in weighted if not part.signed]
    plainly = resampled_means(plain_parts, shapes, repeats, resamples=drawn, seed=seed) if plain_parts else []
    drawn_means = iter(plainly)
    resampled = [
        signed_means(part, shapes, n, repeats, resamples=drawn, seed=seed) / worth**0.5
        if part.signed
        else next(drawn_means)
        for part in weighted
    ]
    found = [
        # each draws its own prior, whatever the others draw
        (part.scores(mean), part.ends(mean, weighted_means, n * worth, np.random.default_rng((seed, i))))
        for i, (part, mean, weighted_means) in enumerate(zip(parts, means, resampled, strict=True))
    ]
    return found, drawn


def _parts(predictions: Predictions, main: Metric) -> list[Part]:
    """What gives all metrics, the one that stands for all among them."""
    return parts_of(predictions) + ([] if main.is_listed else [main.part(predictions)])


def majority(
    predictions: Predictions,
    labels_of_training: ArrayLike,
    training_rows: int | None = None,
    decision: Decision | None = None,
) -> Predictions:
    """The same rows as predicted by a classifier that only knows how often each label is in the training data.

    By a ``decision`` with costs it predicts the label that is cheapest on average.

    Raises:
        SettingError: counts that do not fit the task, or a multi-label task without the number of training rows.
    """
    task, counts = predictions.task, np.asarray(labels_of_training)
    number = np.issubdtype(counts.dtype, np.number)
    if counts.shape != (len(task),) or not number or not (counts >= 0).all() or counts.sum() == 0:
        raise SettingError(
            f"labels_of_training must hold the training rows of each of the {len(task)} labels; got {counts.tolist()}."
        )
    if task.multi_label and (training_rows is None or training_rows < counts.max()):
        raise SettingError(
            "The floor of a multi-label task needs training_rows, the training rows in all, since a row may carry any "
            f"number of labels; got {training_rows} with {counts.max():,} rows of the most frequent label."
        )
    rows = training_rows if task.multi_label else counts.sum()
    shares = np.broadcast_to((counts / rows).astype(np.float32), predictions.probabilities.shape)
    return replace(
        check_predictions(shares, predictions.targets, task, decision),
        repeats=predictions.repeats,
        worth=predictions.worth,
    )


def _intervals(points: Scores, ends: Scores) -> _Found:
    """Metrics with their intervals, overall and of each label."""
    overall = {name: interval(value[0], ends.overall[name]) for name, value in points.overall.items()}
    per_label = {
        name: [interval(*of_label) for of_label in zip(values[:, 0], ends.per_label[name], strict=True)]
        for name, values in points.per_label.items()
    }
    return overall, per_label


def _overall(found: Sequence[_Found], main: Metric) -> dict[str, Interval]:
    """Metrics of all labels, and the one that stands for all, if that is of one label."""
    metrics = {name: figure for overall, _ in found for name, figure in overall.items()}
    if main.label is not None and main.is_listed:
        j = main.task.labels.index(main.label)
        metrics |= {str(main): each[main.name][j] for _, each in found if main.name in each}
    return dict(sorted(metrics.items(), key=lambda item: (not item[0].endswith("accuracy"), item[0])))


def _per_label(found: Sequence[_Found], task: Task, support: NDArray[np.int64]) -> dict[str, LabelFigures]:
    figures: dict[str, LabelFigures] = {}
    for j, label in enumerate(task.labels):
        figures[label] = {"support": int(support[j])}
        figures[label] |= {name: each[j] for _, per_label in found for name, each in per_label.items()}
    return figures


def _intervals_from(data: Mapping[str, Any]) -> dict[str, Interval]:
    return {name: Interval.from_dict(figure) for name, figure in data.items()}
