"""The log odds of one label against all others, and how they depend on what a model computes before them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.calibration import Calibration
from textgraft.task import Task

Doubles = NDArray[np.float64]

_LEAST: Final = {True: 1e-7, False: 1e-30}  # a probability that float32 tells from 0; of several labels, from 1 too
_NODES: Final = 64  # of the quadrature, along a path on which the log odds are smooth


def log_odds_of(label: int, probabilities: NDArray[Any], task: Task) -> Doubles:
    """(n,) the log odds of a label from (n, k) probabilities: those of it against those of all others."""
    p = np.asarray(probabilities, np.float64)
    of_label, least = p[:, label], _LEAST[task.multi_label]
    # What the others have together keeps its digits where the label has nearly all.
    of_others = 1 - of_label if task.multi_label else np.delete(p, label, axis=1).sum(axis=1)
    odds: Doubles = np.log(np.maximum(of_label, least)) - np.log(np.maximum(of_others, least))
    return odds


def mean_slopes(start: NDArray[Any], end: NDArray[Any], calibration: Calibration, task: Task, label: int) -> Doubles:
    """(m,) what a unit of each score adds to the log odds of a label, on average from ``start`` to ``end``.

    The scores are (m,) as ``Calibration`` takes them. The differences ``end - start`` times these slopes sum to the
    difference of the log odds (Aumann and Shapley 1974); where the log odds are linear in the scores, as with two
    labels and with several per text, no path matters.
    """
    slopes: Doubles = calibration.scale.astype(np.float64)
    if task.multi_label:
        return np.where(np.arange(len(slopes)) == label, slopes, 0.0)
    if len(slopes) == 1:
        return slopes * (1 if label == 1 else -1)
    nodes, shares = np.polynomial.legendre.leggauss(_NODES)
    path = start + (nodes[:, None] + 1) / 2 * (np.asarray(end, np.float64) - start)
    others = path * slopes + calibration.shift
    others[:, label] = -np.inf
    others = np.exp(others - others.max(axis=1, keepdims=True))
    others /= others.sum(axis=1, keepdims=True)
    mean: Doubles = (np.arange(len(slopes)) == label) - shares @ others / 2
    return slopes * mean
