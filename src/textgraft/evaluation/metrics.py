"""The metrics, each written once as a function of means over rows (see ``bootstrap``).

Names and definitions are scikit-learn's, with the average as a suffix; a ratio with nothing below the line is 0
(``zero_division=0``). Macro averages of a single-label task run over the labels that the truth or the predictions
hold, those of a multi-label task over all labels, as there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.bootstrap import Cells, Floats, Part, Scores
from textgraft.evaluation.confusion import Confusion
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.names import COST
from textgraft.evaluation.prior import label_prior, weak_prior
from textgraft.evaluation.proportions import calibration_ends, share_ends
from textgraft.evaluation.ranking import Ranking
from textgraft.task import Task

LOWER_IS_BETTER = frozenset({"log_loss", "brier_score_loss", "ece", "hamming_loss", COST})
BINS = 15
_AVERAGED = tuple(f"{n}_{a}" for n in ("precision", "recall", "f1") for a in ("macro", "micro", "weighted"))
_RIGHT_ROWS = ("accuracy", "subset_accuracy")  # scikit-learn's accuracy of several labels
_LOSSES = ("log_loss", "brier_score_loss")
_SAMPLES = ("precision_samples", "recall_samples", "f1_samples", "jaccard_samples")


def headline_of(task: Task) -> str:
    """The metric that stands for all: ``accuracy``, or ``f1_micro`` for a multi-label task."""
    return "f1_micro" if task.multi_label else "accuracy"


def parts_of(predictions: Predictions, metric: str | None = None) -> list[Part]:
    """The parts that give all metrics of these predictions, or the one that gives ``metric``, of ``metric_names``."""
    task = predictions.task
    return [make(predictions) for make in _makers(task) if metric is None or metric in make.names(task)]


def metric_names(task: Task) -> list[str]:
    """The metrics of all labels together."""
    return [name for make in _makers(task) for name in make.names(task)]


def _makers(task: Task) -> tuple[type[SingleLabelCounts | MultiLabelCounts | RowMeans | Calibration | Ranking], ...]:
    return (MultiLabelCounts if task.multi_label else SingleLabelCounts, RowMeans, Calibration, Ranking)


class SingleLabelCounts(Part):
    """What follows from hits, misses and false alarms per label."""

    k: int
    columns: int
    cell: NDArray[np.int32]

    def __init__(self, predictions: Predictions) -> None:
        self.k = len(predictions.task)
        self.columns = 3 * self.k + 1
        truth, predicted = predictions.targets, predictions.predicted
        hit = truth == predicted
        # A hit counts once for its label, any other row as a miss of one label and a false alarm of another.
        first = np.where(hit, truth, self.k + truth)
        second = np.where(hit, 3 * self.k, 2 * self.k + predicted)
        self.cell = np.stack([first, second], axis=1).astype(np.int32)

    @staticmethod
    def names(_: Task) -> tuple[str, ...]:
        """The metrics it gives."""
        return ("accuracy", "balanced_accuracy", *_AVERAGED, "matthews_corrcoef")

    def cells(self, rows: slice) -> Cells:  # noqa: D102
        return self.cell[rows], None

    def scores(self, means: Floats) -> Scores:  # noqa: D102
        tp, missed, false = means[: self.k], means[self.k : 2 * self.k], means[2 * self.k : 3 * self.k]
        true, predicted = tp + missed, tp + false
        n = true.sum(axis=0)
        accuracy = tp.sum(axis=0) / n
        per_label = _precision_recall_f1(tp, true, predicted)
        held, carried = (true + predicted) > 0, true > 0
        overall = {
            "accuracy": accuracy,
            "balanced_accuracy": _divide((per_label["recall"] * carried).sum(axis=0), carried.sum(axis=0)),
        }
        for name, values in per_label.items():
            overall[f"{name}_macro"] = values.sum(axis=0) / held.sum(axis=0)
            overall[f"{name}_micro"] = accuracy
            overall[f"{name}_weighted"] = (values * true).sum(axis=0) / n
        overall["matthews_corrcoef"] = _matthews(tp, true, predicted, n)
        return Scores(overall, per_label)

    def ends(self, means: Floats, resampled: Floats, n: float, rng: np.random.Generator) -> Scores:
        """Of shares exactly, of the others with ``weak_prior``, of averages over labels with ``label_prior`` too."""
        k, rest = self.k, np.zeros_like(resampled[3 * self.k :])
        tp, missed, false = resampled[: 3 * k].reshape(3, k, -1)
        weak = weak_prior(k, resampled.shape[1], n, rng)
        found = []
        for prior in (weak, label_prior(tp, missed, false, n, rng)):
            resampled = resampled + np.concatenate((*prior, rest))
            found.append(super().ends(means, resampled, n, rng).overall)
        tp, missed, false = n * means[: 3 * k, 0].reshape(3, k)
        share = share_ends(tp.sum(), (tp + missed).sum())
        same = ("accuracy", "recall_weighted", *(f"{name}_micro" for name in ("precision", "recall", "f1")))
        return Scores(found[0] | _macro(found[1]) | dict.fromkeys(same, share), _ends_of_labels(tp, missed, false))


class MultiLabelCounts(Part):
    """What follows from the 2 x 2 table of each label."""

    k: int
    columns: int
    outcome: NDArray[np.int8]

    def __init__(self, predictions: Predictions) -> None:
        self.k = len(predictions.task)
        self.columns = 4 * self.k
        truth, predicted = predictions.targets, predictions.predicted
        self.outcome = (2 * truth.astype(np.int8) + predicted).astype(np.int8)

    @staticmethod
    def names(_: Task) -> tuple[str, ...]:  # noqa: D102
        return (*_AVERAGED, "jaccard_macro", "jaccard_micro", "hamming_loss")

    def cells(self, rows: slice) -> Cells:
        """The corner of each label's table that each row adds to."""
        return self.outcome[rows] + 4 * np.arange(self.k), None

    def scores(self, means: Floats) -> Scores:  # noqa: D102
        tables = means.reshape(self.k, 4, -1)
        false, missed, tp = tables[:, 1], tables[:, 2], tables[:, 3]
        true, predicted = tp + missed, tp + false
        per_label = _precision_recall_f1(tp, true, predicted)
        micro = _precision_recall_f1(*(count.sum(axis=0) for count in (tp, true, predicted)))
        overall = {}
        for name, values in per_label.items():
            overall[f"{name}_macro"] = values.mean(axis=0)
            overall[f"{name}_micro"] = micro[name]
            overall[f"{name}_weighted"] = _divide((values * true).sum(axis=0), true.sum(axis=0))
        wrong = false + missed
        overall["jaccard_macro"] = _divide(tp, tp + wrong).mean(axis=0)
        overall["jaccard_micro"] = _divide(tp.sum(axis=0), (tp + wrong).sum(axis=0))
        overall["hamming_loss"] = wrong.sum(axis=0) / means.sum(axis=0)
        return Scores(overall, per_label)

    def ends(self, means: Floats, resampled: Floats, n: float, rng: np.random.Generator) -> Scores:
        """Of labels exactly, of the others with priors as in ``SingleLabelCounts``."""
        _, false, missed, tp = resampled.reshape(self.k, 4, -1).transpose(1, 0, 2)
        weak = weak_prior(self.k, resampled.shape[1], n, rng)
        found = []
        for hits, more_missed, more_false in (weak, label_prior(tp, missed, false, n, rng)):
            prior = np.stack((np.zeros_like(hits), more_false, more_missed, hits), axis=1)
            resampled = resampled + prior.reshape(resampled.shape)
            found.append(super().ends(means, resampled, n, rng).overall)
        _, false, missed, tp = n * means[:, 0].reshape(self.k, 4).T
        return Scores(found[0] | _macro(found[1]), _ends_of_labels(tp, missed, false))


class RowMeans(Part):
    """Means of a value per row: log loss, Brier score and, for a multi-label task, what is measured text by text."""

    labels: tuple[str, ...]
    columns: int
    values: NDArray[np.float64]

    def __init__(self, predictions: Predictions) -> None:
        values = _row_values(predictions)
        self.labels = tuple(values)
        self.columns = len(values)
        self.values = np.stack(list(values.values()), axis=1)

    @staticmethod
    def names(task: Task) -> tuple[str, ...]:  # noqa: D102
        return (*_RIGHT_ROWS, *_SAMPLES, *_LOSSES) if task.multi_label else _LOSSES

    def cells(self, rows: slice) -> Cells:  # noqa: D102
        values = self.values[rows]
        return np.broadcast_to(np.arange(self.columns), values.shape), values

    def scores(self, means: Floats) -> Scores:  # noqa: D102
        overall = dict(zip(self.labels, means, strict=True))
        if "accuracy" in overall:
            overall |= dict.fromkeys(_RIGHT_ROWS, overall["accuracy"])
        return Scores(overall)

    def ends(self, means: Floats, resampled: Floats, n: float, rng: np.random.Generator) -> Scores:
        """Of shares exactly, and of what is 0 or 1 in every row; of the others from the resamples."""
        ends = super().ends(means, resampled, n, rng).overall
        for name, mean in zip(self.labels, means[:, 0], strict=True):
            if name in _RIGHT_ROWS:
                ends |= dict.fromkeys(_RIGHT_ROWS, share_ends(n * mean, n))
            elif name in _SAMPLES and mean in {0.0, 1.0}:
                ends[name] = share_ends(n * mean, n)
        return Scores(ends)


class Calibration(Part):
    """Expected calibration error with 15 bins of equal width (Guo et al., ICML 2017).

    Single-label: of the top probability. Multi-label: of each label's probability, mean over labels.
    """

    right: Any
    k: Any
    p: NDArray[Any]
    columns: int
    bin: NDArray[np.int8]
    signed = True

    def __init__(self, predictions: Predictions) -> None:
        p = predictions.probabilities
        if predictions.task.multi_label:
            self.right = predictions.targets
        else:
            # of the most probable label, whatever a decision by costs or thresholds makes of it
            self.right = (predictions.targets == p.argmax(axis=1))[:, None]
            p = p.max(axis=1, keepdims=True)
        self.p, self.k = p, p.shape[1]
        self.columns = BINS * self.k
        # a bin holds its upper edge, not its lower one
        self.bin = np.clip(np.ceil(p * BINS).astype(np.int8) - 1, 0, BINS - 1)

    @staticmethod
    def names(_: Task) -> tuple[str, ...]:  # noqa: D102
        return ("ece",)

    def cells(self, rows: slice) -> tuple[NDArray[Any], NDArray[Any]]:
        """The bin of each row, and by how much its probability is too high."""
        return self.bin[rows] + BINS * np.arange(self.k), self.p[rows] - self.right[rows]

    def scores(self, means: Floats) -> Scores:  # noqa: D102
        return Scores({"ece": np.abs(means).sum(axis=0) / self.k})

    def ends(self, means: Floats, resampled: Floats, n: float, rng: np.random.Generator) -> Scores:  # noqa: D102
        bins = self.cells(slice(None))[0].ravel()
        rows, stated = (  # of each bin
            np.bincount(bins, weights, minlength=self.columns).astype(np.float64) * (n / len(self.bin))
            for weights in (None, self.p.ravel())
        )
        filled = rows > 0
        gap, signed = n * means[filled, 0], n * resampled[filled]
        ends = calibration_ends(rows[filled], stated[filled], gap, signed, rng)
        return Scores({"ece": ends / (n * self.k)})


def confusion(predictions: Predictions) -> Confusion | NDArray[np.int64]:
    """Which labels are taken for which; for a multi-label task (k, 2, 2), a table per label, truth in rows."""
    k = len(predictions.task)
    truth, predicted = predictions.targets, predictions.predicted
    if predictions.task.multi_label:
        hits, true, given = (of.sum(axis=0) for of in (truth & predicted, truth, predicted))
        tables = np.stack((len(truth) - true - given + hits, given - hits, true - hits, hits), axis=1)
        return np.rint(tables.reshape(k, 2, 2) / predictions.repeats).astype(np.int64)
    return Confusion.of(truth, predicted, k, predictions.repeats)


def _row_values(predictions: Predictions) -> dict[str, Floats]:
    """(n,) values per row whose means are metrics."""
    truth, predicted, p = predictions.targets, predictions.predicted, predictions.probabilities
    eps = np.finfo(p.dtype).eps  # scikit-learn's bound for log loss
    if not predictions.task.multi_label:
        of_truth = np.take_along_axis(p, truth[:, None], axis=1)[:, 0]
        # as scikit-learn has it, half of it for two labels (Brier, Monthly Weather Review 1950)
        squares = np.square(p, dtype=np.float64).sum(axis=1) - 2 * of_truth.astype(np.float64) + 1
        brier = squares / 2 if p.shape[1] == 2 else squares
        return {"log_loss": -np.log(np.clip(of_truth, eps, 1 - eps).astype(np.float64)), "brier_score_loss": brier}
    both = (truth & predicted).sum(axis=1).astype(np.float64)
    true, given = (count.sum(axis=1).astype(np.float64) for count in (truth, predicted))
    values = {"accuracy": (truth == predicted).all(axis=1).astype(np.float64)}
    values |= {f"{name}_samples": ratio for name, ratio in _precision_recall_f1(both, true, given).items()}
    values["jaccard_samples"] = _divide(both, true + given - both)
    bounded = np.clip(p, eps, 1 - eps)
    of_truth = np.where(truth, bounded, np.clip(1 - p, eps, 1 - eps))
    brier = np.square(p.astype(np.float64) - truth).mean(axis=1)
    return values | {"log_loss": -np.log(of_truth.astype(np.float64)).mean(axis=1), "brier_score_loss": brier}


def _precision_recall_f1(tp: Floats, true: Floats, predicted: Floats) -> dict[str, Floats]:
    return {"precision": _divide(tp, predicted), "recall": _divide(tp, true), "f1": _divide(2 * tp, true + predicted)}


def _macro(of_labels: dict[str, Floats]) -> dict[str, Floats]:
    return {name: ends for name, ends in of_labels.items() if name.endswith("_macro") or name == "balanced_accuracy"}


def _ends_of_labels(tp: Floats, missed: Floats, false: Floats) -> dict[str, Floats]:
    """(k, 2) each. All are shares of rows: F1 too is a function of one, Jaccard's."""
    jaccard = share_ends(tp, tp + missed + false)
    return {
        "precision": share_ends(tp, tp + false),
        "recall": share_ends(tp, tp + missed),
        "f1": 2 * jaccard / (1 + jaccard),
    }


def _matthews(tp: Floats, true: Floats, predicted: Floats, n: Floats) -> Floats:
    """(r,) correlation of truth and prediction (Gorodkin 2004); 0 where either is constant."""
    shared = n * tp.sum(axis=0) - (true * predicted).sum(axis=0)
    spread = (n**2 - (true**2).sum(axis=0)) * (n**2 - (predicted**2).sum(axis=0))
    return np.clip(_divide(shared, np.sqrt(np.maximum(spread, 0))), -1, 1)


def _divide(above: Floats, below: Floats) -> Floats:
    """The ratio, 0 where there is nothing below the line."""
    return np.divide(above, below, out=np.zeros(np.shape(below)), where=below > 0)
