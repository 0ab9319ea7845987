"""Probabilities from the scores of a linear model, fitted on validation data.

A text with one of several labels: ``softmax(scale * scores + shift)``, one scale for all labels (temperature scaling,
Guo et al. 2017, with their shift of vector scaling). Otherwise a sigmoid for each label (Platt 1999). Both are fitted
by maximum posterior likelihood with weak normal priors, so that a label which the validation data never or always
has still gets a finite, sensible probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError
from textgraft.extras import import_scipy
from textgraft.task import Targets, Task
from textgraft.tensors import Tensors

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_MOST_AT_ONCE = 1 << 22  # scores
_SHIFT_PRECISION = 4.0  # a few rows of validation data must not shift the labels far


@dataclass(frozen=True)
class Calibration:
    """What is done to scores before the softmax or sigmoid: ``scale`` and ``shift`` are (m,) float32, scale > 0."""

    scale: Floats
    shift: Floats

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
        """(n, k) float32 probabilities of (n, m) scores; see ``LinearModel`` for m."""
        logits = scores * self.scale + self.shift
        if logits.shape[1] == 1 and not task.multi_label:
            logits = np.concatenate((np.zeros_like(logits), logits), axis=1)
        return task.probabilities(logits)


def score_columns(task: Task) -> int:
    """m, the columns of the scores; see ``LinearModel``."""
    return 1 if len(task) == 2 and not task.multi_label else len(task)


def fit_calibration(
    scores: Floats, targets: Targets, task: Task, *, margins: str, weights: NDArray[np.float64] | None = None
) -> tuple[Calibration, float]:
    """Fits a calibration to held-out scores.

    Args:
        scores: (n, m) scores.
        targets: (n,) int64, or the n sets of labels of a multi-label task.
        task: the labels.
        margins: the loss that the model was fitted with; the scores of a ``"squared_hinge"`` are about half of the
            log odds, which is where the fit starts and what it leans to.
        weights: (n,) above 0: what each row counts; only their proportions matter. None is 1 each.

    Returns:
        The calibration and the mean log loss under it.
    """
    scipy = import_scipy("Calibrating probabilities")
    m, softmax = scores.shape[1], score_columns(task) > 1 and not task.multi_label
    usual = np.log(2.0) if margins == "squared_hinge" else 0.0
    scales = 1 if softmax else m
    precision = np.repeat((1.0, _SHIFT_PRECISION), (scales, m))
    w = np.ones(len(scores)) if weights is None else weights / weights.mean()
    sets, step = task.sets(targets), max(1, _MOST_AT_ONCE // m)
    slices = [slice(start, start + step) for start in range(0, len(scores), step)]
    parts = [(scores[rows], sets[rows], w[rows, None]) for rows in slices]
    losses = _softmax if softmax else _sigmoids

    def negative_log_posterior(parameters: Doubles) -> tuple[float, Doubles]:
        growth, shift = parameters[:scales], parameters[scales:]
        scale = np.exp(usual + growth)
        loss, by_scale, by_shift = 0.0, np.zeros(m), np.zeros(m)
        for of_rows, carried, counts in parts:
            Z, Y = of_rows.astype(np.float64), carried.columns(sets.width - m, sets.width)
            of_part, slopes = losses(Z * scale + shift, Y, counts)
            loss += of_part
            by_scale += (slopes * Z).sum(axis=0) * scale
            by_shift += slopes.sum(axis=0)
        by_scale = by_scale.sum(keepdims=True) if softmax else by_scale
        gradient = np.concatenate((by_scale, by_shift)) + precision * parameters
        return loss + float(precision @ parameters**2) / 2, gradient

    optimum = scipy.optimize.minimize(negative_log_posterior, np.zeros(scales + m), jac=True, method="L-BFGS-B")
    scale = np.broadcast_to(np.exp(usual + optimum.x[:scales]), (m,)).astype(np.float32)
    loss = (optimum.fun - float(precision @ optimum.x**2) / 2) / max(len(scores), 1)
    return Calibration(scale, optimum.x[scales:].astype(np.float32)), float(loss)


def _softmax(logits: Doubles, Y: NDArray[np.bool_], weights: Doubles) -> tuple[float, Doubles]:
    """The weighted sum of the log loss, and its slopes by logit; all (n, m), ``weights`` (n, 1)."""
    normaliser = import_scipy("Calibrating probabilities").special.logsumexp(logits, axis=1, keepdims=True)
    return float(np.sum(weights[:, 0] * (normaliser[:, 0] - logits[Y]))), weights * (np.exp(logits - normaliser) - Y)


def _sigmoids(logits: Doubles, Y: NDArray[np.bool_], weights: Doubles) -> tuple[float, Doubles]:
    expit = import_scipy("Calibrating probabilities").special.expit
    signs = np.where(Y, 1.0, -1.0)
    return float((weights * np.logaddexp(0, -signs * logits)).sum()), weights * -signs * expit(-signs * logits)
