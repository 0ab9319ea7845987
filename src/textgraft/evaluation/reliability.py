"""Whether probabilities can be taken at their word, with calibration and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.calibration import Relation
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.proportions import share_ends
from textgraft.task import Task

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Answers of about the same probability.

    Attributes:
        rows: how many; of a multi-label task each label of a row is one.
        stated: their mean probability.
        right: the share of them that is right.
        low, high: the 95 % interval of that share (``share_ends``).
    """

    rows: int
    stated: float
    right: float
    low: float
    high: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What ``vars`` gave."""
        return cls(int(data["rows"]), *(float(data[name]) for name in ("stated", "right", "low", "high")))


def reliability(predictions: Predictions, bins: int = BINS) -> tuple[Bin, ...]:
    """A reliability diagram: bins of equal width of the top probability, those that have rows.

    Of a multi-label task it is the probability of each label of each row (Murphy and Winkler, Applied Statistics 1977).
    """
    p = predictions.probabilities
    if predictions.task.multi_label:
        stated, right = p.ravel(), predictions.targets.ravel()
    else:
        stated, right = p.max(axis=1), p.argmax(axis=1) == predictions.targets
    stated = stated.astype(np.float64)
    place = np.clip(np.ceil(stated * bins).astype(np.int64) - 1, 0, bins - 1)
    rows, sums, hits = (np.bincount(place, weights, bins) for weights in (None, stated, right))
    at = np.flatnonzero(rows)
    worth = predictions.worth / predictions.repeats
    ends = share_ends(hits[at] * worth, rows[at] * worth)
    return tuple(
        Bin(
            max(1, round(rows[i] / predictions.repeats)),
            float(sums[i] / rows[i]),
            float(hits[i] / rows[i]),
            *map(float, of),
        )
        for i, of in zip(at.tolist(), ends, strict=True)
    )


def before_calibration(probabilities: NDArray[Any], task: Task, relation: Relation) -> NDArray[np.float32]:
    """(n, k) what a model would say without its calibration, from what it says with it.

    Calibration is linear in the scores, and these are the log odds up to a constant of each row, which a softmax drops.
    """
    p = np.clip(probabilities.astype(np.float64), 1e-12, 1 - 1e-12)
    logits = np.log(p) - np.log1p(-p) if task.multi_label else np.log(p)
    scale, shift = np.asarray(relation.scale), np.asarray(relation.shift)
    if len(scale) == 1 and not task.multi_label:  # of two labels there is one score, the log odds of the second
        odds = (logits[:, 1:] - logits[:, :1]) * scale + shift
        logits = np.concatenate((np.zeros_like(odds), odds), axis=1)
    else:
        logits = logits * scale + shift
    return task.probabilities(logits.astype(np.float32))
