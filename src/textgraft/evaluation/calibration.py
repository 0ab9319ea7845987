"""Probabilities from scores, be they a linear model's or a network's logits, fitted on data that was not trained on.

A text with one of several labels: ``softmax(scale * scores + shift)``, one scale for all labels (temperature scaling,
Guo et al. 2017, arXiv:1706.04599, with their shift of vector scaling). Otherwise a sigmoid for each label (Platt 1999).

It is fitted in two steps. First one scale for all labels, by maximum likelihood on targets that are smoothed as Platt
did, as if one text more had every label alike: whatever the scale of the scores, the same probabilities come out.
Then shifts and, of several labels per text, scales of their own, as far as the data say that they differ: weak normal
priors keep them near what is common, also of a label that the data never or always has.

What is fitted is kept only where it gains: where the log loss is lower on rows that it was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError
from textgraft.extras import import_scipy
from textgraft.task import Targets, Task
from textgraft.tensors import Tensors

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Weights = Doubles | None

_MOST_AT_ONCE = 1 << 22  # scores
_PLENTY = 1 << 22  # scores, to fit one scale to, or to judge what is gained
_GROWTH_PRECISION, _SHIFT_PRECISION = 1.0, 4.0  # a few rows of validation data must not shift the labels far
_KEPT = ("none", "scale", "scale and shift")
_FOLDS, _FEWEST_ROWS = 5, 10  # fewer rows cannot tell whether anything is gained
_SCALES = 1e-30, 1e30  # float32 can hold them


@dataclass(frozen=True)
class Calibration:
    """What is done to scores before the softmax or sigmoid: ``scale`` and ``shift`` are (m,) float32, scale > 0."""

    scale: Floats
    shift: Floats

    @classmethod
    def usual(cls, task: Task, columns: int, scale: float = 1.0, label_weights: Weights = None) -> Calibration:
        """That of scores of which nothing more is known.

        Args:
            task: the labels.
            columns: m; see ``calibrate``.
            scale: what makes log odds of them.
            label_weights: (k,) what a row of each label counted in the loss. Its logarithm was added to the log odds,
                and is taken off again (Saerens et al. 2002), so that probabilities go by the real shares of the labels.
        """
        shift = np.zeros(len(task)) if label_weights is None else -np.log(label_weights)
        shift = shift[1:] - shift[:1] if columns < len(task) else shift
        return cls(np.full(columns, scale, np.float32), shift.astype(np.float32))

    @classmethod
    def restored(cls, tensors: Tensors, task: Task, prefix: str) -> Calibration:
        """The saved calibration for a task.

        Raises:
            ArtifactError: a tensor is missing or of another shape, or a scale is not above 0.
        """
        m = score_columns(task)
        scale, shift = tensors(f"{prefix}scale", m), tensors(f"{prefix}shift", m)
        if not (scale > 0).all():
            raise ArtifactError(f"The calibration is damaged: its scale is {scale.min()}, which is not above 0.")
        return cls(scale, shift)

    def probabilities(self, scores: Floats, task: Task) -> Floats:
        """(n, k) float32 probabilities of (n, m) scores: m is k, or 1 as ``LinearModel`` has it for two labels."""
        logits = scores * self.scale + self.shift
        if logits.shape[1] == 1 and not task.multi_label:
            logits = np.concatenate((np.zeros_like(logits), logits), axis=1)
        return task.probabilities(logits)


@dataclass(frozen=True)
class Relation:
    """What makes log odds without a calibration of those with it: ``scale * odds + shift``, of (m,) scores."""

    scale: tuple[float, ...]
    shift: tuple[float, ...]


@dataclass(frozen=True)
class Calibrated:
    """A calibration with what it gained.

    Attributes:
        calibration: the one to be used.
        kept: what of the fitted one it is: ``"none"``, the ``"scale"`` that all labels have in common, or
            ``"scale and shift"``.
        before, after: the log loss without and with it, as ``metrics`` counts it, on rows that it was not fitted on.
        usual: what would have been used without it.
    """

    calibration: Calibration
    kept: str
    before: float
    after: float
    usual: Calibration

    @property
    def relation(self) -> Relation:
        """From probabilities with it to those without it."""
        scale = self.usual.scale / self.calibration.scale
        shift = self.usual.shift - self.calibration.shift * scale
        return Relation(tuple(map(float, scale)), tuple(map(float, shift)))

    def to_dict(self) -> dict[str, Any]:
        """For ``chosen_``; ``without`` is the relation, where there is a calibration."""
        losses = {"log_loss_before": round(self.before, 4), "log_loss_after": round(self.after, 4)}
        relation = {name: [float(f"{each:.6g}") for each in of] for name, of in vars(self.relation).items()}
        return {"kept": self.kept, **losses} | ({} if self.kept == _KEPT[0] else {"without": relation})


def score_columns(task: Task) -> int:
    """m, the columns of a linear model's scores; see ``LinearModel``."""
    return 1 if len(task) == 2 and not task.multi_label else len(task)


def calibrate(
    scores: Floats,
    targets: Targets,
    task: Task,
    *,
    usual: Calibration | None = None,
    weights: Weights = None,
    shifts: bool = True,
) -> Calibrated:
    """Fits a calibration to held-out scores and keeps of it what gains.

    That is scales and shifts where they gain over the usual calibration, else the scale that all labels have in common
    where that gains, else the usual calibration. What gains has a lower cross-validated log loss (5 folds, drawn at
    random; of very many scores one of them is judged); fewer than 10 rows cannot tell.

    Args:
        scores: (n, m) scores; m is the number of labels, or 1 for two labels of which a text has one.
        targets: (n,) int64, or the n sets of labels of a multi-label task.
        task: the labels.
        usual: see ``Calibration.usual``; None leaves scores as they are.
        weights: (n,) above 0: what each row counts; only their proportions matter. None is 1 each.
        shifts: whether a shift is possible.
    """
    n, m = scores.shape
    usual = Calibration.usual(task, m) if usual is None else usual
    w = np.ones(n) if weights is None else weights / weights.mean()
    unit = m if task.multi_label else 1
    if n < _FEWEST_ROWS:
        loss = _LogLoss(scores, targets, task, w).of(usual) / (max(n, 1) * unit)
        return Calibrated(usual, _KEPT[0], loss, loss, usual)
    fold = np.random.RandomState(0).permutation(n) % _FOLDS
    losses, judged = np.zeros(3 if shifts else 2), 0.0
    for number in range(_FOLDS if scores.size <= _PLENTY else 1):
        rest, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        fitted = _fits(scores[rest], targets[rest], task, usual, w[rest], shifts=shifts)
        loss_of = _LogLoss(scores[held], targets[held], task, w[held])
        losses += [loss_of.of(one) for one in (usual, *fitted)]
        judged += w[held].sum() * unit
    best = int(np.flatnonzero(losses < losses[0]).max(initial=0))
    calibration = usual if best == 0 else _fits(scores, targets, task, usual, w, shifts=shifts)[best - 1]
    return Calibrated(calibration, _KEPT[best], float(losses[0] / judged), float(losses[best] / judged), usual)


def fit_calibration(
    scores: Floats, targets: Targets, task: Task, *, usual: Calibration | None = None, weights: Weights = None
) -> tuple[Calibration, float]:
    """Fits scales and shifts to held-out scores, whether or not that gains; the arguments are those of ``calibrate``.

    Returns:
        The calibration and the mean log loss of these rows under it, of a multi-label task summed over labels.
    """
    n, m = scores.shape
    usual = Calibration.usual(task, m) if usual is None else usual
    w = np.ones(n) if weights is None else weights / weights.mean()
    calibration = _fits(scores, targets, task, usual, w)[-1]
    return calibration, _LogLoss(scores, targets, task, w).of(calibration) / max(n, 1)


def _fits(
    scores: Floats, targets: Targets, task: Task, usual: Calibration, weights: Doubles, *, shifts: bool = True
) -> list[Calibration]:
    """The calibration with what is common to all labels, and the one with what is their own."""
    n, m = scores.shape
    few = np.linspace(0, n - 1, min(n, max(1, _PLENTY // m))).astype(np.int64)
    common = _common(scores[few], targets[few], task, usual.shift, weights[few])
    return [common, _own(common, _LogLoss(scores, targets, task, weights))] if shifts else [common]


def _common(scores: Floats, targets: Targets, task: Task, shift: Floats, weights: Doubles) -> Calibration:
    """One scale and, of several labels per text, one shift besides the given ones, on smoothed targets.

    There is no prior on them, so that it is no matter which scale the scores have.
    """
    n, m = scores.shape
    loss = _LogLoss(scores, targets, task, weights, smoothing=1 / (n + 1))
    center = float(scores.mean(dtype=np.float64)) if task.multi_label and n else 0.0
    middle = scores.mean(axis=1, keepdims=True, dtype=np.float64) if loss.softmax else center
    spread = float(np.sqrt(np.square(scores - middle).mean())) if n else 0.0
    if not spread > 0:
        return Calibration(np.ones(m, np.float32), shift.astype(np.float32))

    def smoothed(parameters: Doubles) -> tuple[float, Doubles]:
        scale = np.exp(parameters[0]) / spread
        total, by_scale, by_shift = loss(np.full(m, scale), shift + parameters[1] - scale * center)
        offset = by_shift.sum() if task.multi_label else 0.0
        return total, np.array([(by_scale.sum() - center * by_shift.sum()) * scale, offset])

    growth, offset = _minimum(smoothed, np.zeros(2))
    scale = float(np.clip(np.exp(growth) / spread, *_SCALES))
    return Calibration(np.full(m, scale, np.float32), (shift + offset - scale * center).astype(np.float32))


def _own(common: Calibration, loss: _LogLoss) -> Calibration:
    """Shifts and, with sigmoids, scales of the labels: maximum posterior likelihood, priors around what is common."""
    m = len(common.scale)
    scales = 1 if loss.softmax else m
    precision = np.repeat((_GROWTH_PRECISION, _SHIFT_PRECISION), (scales, m))

    def negative_log_posterior(parameters: Doubles) -> tuple[float, Doubles]:
        scale = common.scale * np.exp(parameters[:scales])
        total, by_scale, by_shift = loss(scale, common.shift + parameters[scales:])
        by_growth = by_scale * scale
        by_growth = by_growth.sum(keepdims=True) if loss.softmax else by_growth
        gradient = np.concatenate((by_growth, by_shift)) + precision * parameters
        return total + float(precision @ parameters**2) / 2, gradient

    optimum = _minimum(negative_log_posterior, np.zeros(scales + m))
    scale = np.clip(common.scale * np.exp(optimum[:scales]), *_SCALES)
    return Calibration(scale.astype(np.float32), (common.shift + optimum[scales:]).astype(np.float32))


def _minimum(function: Any, start: Doubles) -> Doubles:
    optimize = import_scipy("Calibrating probabilities").optimize
    found: Doubles = optimize.minimize(function, start, jac=True, method="L-BFGS-B").x
    return found


class _LogLoss:
    """The weighted sum of the log loss of n rows, computed some rows at a time.

    Args:
        scores, targets, task: see ``calibrate``.
        weights: (n,) what each row counts, as it is.
        smoothing: share of each target that is spread over all labels.
    """

    def __init__(
        self, scores: Floats, targets: Targets, task: Task, weights: Doubles, *, smoothing: float = 0.0
    ) -> None:
        n, m = scores.shape
        self.softmax = m > 1 and not task.multi_label
        self.smoothing, self.spread = smoothing, smoothing / (m if self.softmax else 2)
        sets, step = task.sets(targets), max(1, _MOST_AT_ONCE // m)
        slices = [slice(start, start + step) for start in range(0, n, step)]
        self.parts = [(scores[rows], sets[rows], weights[rows, None]) for rows in slices]

    def of(self, calibration: Calibration) -> float:
        """Under a calibration."""
        return self(calibration.scale, calibration.shift)[0]

    def __call__(self, scale: NDArray[Any], shift: NDArray[Any]) -> tuple[float, Doubles, Doubles]:
        """Under an (m,) scale and shift, and its slopes by them, (m,) each."""
        special = import_scipy("Calibrating probabilities").special
        m = len(shift)
        loss, by_scale, by_shift = 0.0, np.zeros(m), np.zeros(m)
        for of_rows, carried, weights in self.parts:
            Z = of_rows.astype(np.float64)
            Y = carried.columns(carried.width - m, carried.width) * (1 - self.smoothing) + self.spread
            logits = Z * scale + shift
            if self.softmax:
                normaliser = special.logsumexp(logits, axis=1, keepdims=True)
                loss += float((weights * (normaliser - (Y * logits).sum(axis=1, keepdims=True))).sum())
                slopes = weights * (np.exp(logits - normaliser) - Y)
            else:
                loss += float((weights * (np.logaddexp(0, logits) - Y * logits)).sum())
                slopes = weights * (special.expit(logits) - Y)
            by_scale += (slopes * Z).sum(axis=0)
            by_shift += slopes.sum(axis=0)
        return loss, by_scale, by_shift
