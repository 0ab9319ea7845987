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
        targets: (n,) int64, or (n, k) bool for a multi-label task.
        task: the labels.
        margins: the loss that the model was fitted with; the scores of a ``"squared_hinge"`` are about half of the
            log odds, which is where the fit starts and what it leans to.
        weights: (n,) above 0: what each row counts; only their proportions matter. None is 1 each.

    Returns:
        The calibration and the mean log loss under it.
    """
    scipy = import_scipy("Calibrating probabilities")
    expit, logsumexp = scipy.special.expit, scipy.special.logsumexp
    m = scores.shape[1]
    usual = np.log(2.0) if margins == "squared_hinge" else 0.0
    softmax = not task.multi_label and m > 1
    Y = targets[:, None] == np.arange(m) if softmax else targets.reshape(len(targets), m).astype(np.bool_)
    Z, signs = scores.astype(np.float64), np.where(Y, 1.0, -1.0)
    scales = 1 if softmax else m
    precision = np.repeat((1.0, _SHIFT_PRECISION), (scales, m))
    w = np.ones((len(Z), 1)) if weights is None else (weights / weights.mean())[:, None]

    def negative_log_posterior(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        growth, shift = parameters[:scales], parameters[scales:]
        scale = np.exp(usual + growth)
        logits = Z * scale + shift
        if softmax:
            normaliser = logsumexp(logits, axis=1, keepdims=True)
            loss = float(np.sum(w[:, 0] * (normaliser[:, 0] - logits[Y])))
            slopes = w * (np.exp(logits - normaliser) - Y)
        else:
            loss = float((w * np.logaddexp(0, -signs * logits)).sum())
            slopes = w * -signs * expit(-signs * logits)
        by_scale = (slopes * Z).sum(axis=0) * scale
        by_scale = by_scale.sum(keepdims=True) if softmax else by_scale
        gradient = np.concatenate((by_scale, slopes.sum(axis=0))) + precision * parameters
        return loss + float(precision @ parameters**2) / 2, gradient

    optimum = scipy.optimize.minimize(negative_log_posterior, np.zeros(scales + m), jac=True, method="L-BFGS-B")
    scale = np.broadcast_to(np.exp(usual + optimum.x[:scales]), (m,)).astype(np.float32)
    loss = (optimum.fun - float(precision @ optimum.x**2) / 2) / max(len(scores), 1)
    return Calibration(scale, optimum.x[scales:].astype(np.float32)), float(loss)
