"""Several classifiers' probabilities made one: a sum of their log odds with positive weights.

That is the logarithmic opinion pool (Genest and Zidek, Statistical Science 1986) with weights that are fitted to rows
which no member was trained on, as stacking has it (Wolpert, Neural Networks 1992; positive weights: Breiman, Machine
Learning 1996). The weights need not sum to one: their sum is the temperature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.calibration import score_columns
from textgraft.extras import import_scipy
from textgraft.task import Targets, Task

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LEAST = 1e-6  # a probability; a member that is sure of itself and wrong must not outvote all others
_PRIOR = 1.0  # rows' worth of a normal prior around equal weights
_MOST_SCORES = 1 << 22  # of a member, to fit a weight to


def log_odds(probabilities: Floats, task: Task) -> Floats:
    """(n, m) scores of (n, k) probabilities, as ``Calibration`` takes them: logarithms, of pairs their difference."""
    p = np.clip(probabilities, LEAST, 1 - LEAST)
    if task.multi_label:
        return np.log(p) - np.log1p(-p)
    logs = np.log(p)
    return logs[:, 1:] - logs[:, :1] if score_columns(task) == 1 else logs


def pooled(members: Sequence[Floats], weights: Floats, task: Task) -> Floats:
    """(n, m) scores: the weighted sum of the log odds of M members' (n, k) probabilities."""
    scores = np.zeros_like(log_odds(members[0], task))
    for probabilities, weight in zip(members, weights.tolist(), strict=True):
        if weight:
            scores += weight * log_odds(probabilities, task)
    return scores


def fit_weights(members: Sequence[Floats], targets: Targets, task: Task, weights: Doubles | None = None) -> Floats:
    """The weights with the least log loss, 0 or above.

    Args:
        members: M times (n, k) probabilities of rows that the members were not trained on.
        targets: of these rows.
        task: the labels.
        weights: (n,) what each row counts; None is 1 each.

    Returns:
        (M,) float32, of which one at least is above 0.
    """
    scipy = import_scipy("Stacking classifiers")
    n, m = len(members[0]), score_columns(task)
    few = np.linspace(0, n - 1, min(n, max(1, _MOST_SCORES // m))).astype(np.int64)
    Z = np.stack([log_odds(probabilities[few], task) for probabilities in members]).astype(np.float64)  # (M, n, m)
    sets = task.sets(targets[few])
    Y = sets.columns(sets.width - m, sets.width).astype(np.float64)
    w = np.ones(len(few)) if weights is None else weights[few] / weights[few].mean()
    equal = np.full(len(Z), 1 / len(Z))
    softmax = m > 1 and not task.multi_label

    def loss(a: Doubles) -> tuple[float, Doubles]:
        logits = np.tensordot(a, Z, axes=1)
        if softmax:
            normaliser = scipy.special.logsumexp(logits, axis=1)
            rows, slopes = normaliser - (Y * logits).sum(axis=1), np.exp(logits - normaliser[:, None]) - Y
        else:
            rows, slopes = (np.logaddexp(0, logits) - Y * logits).sum(axis=1), scipy.special.expit(logits) - Y
        off = a - equal
        gradient = np.tensordot(Z, w[:, None] * slopes, axes=2)
        return float(w @ rows + _PRIOR * off @ off / 2), gradient + _PRIOR * off

    found = scipy.optimize.minimize(loss, equal, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(Z)).x
    return np.asarray(found if found.any() else equal, np.float32)
