"""How labels follow from probabilities: the most probable one, those above their thresholds, or the cheapest one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.task import Task


@dataclass(frozen=True, eq=False)
class Decision:
    """What is predicted where.

    Attributes:
        thresholds: (k,) float32, above 0 and below 1. A label of a multi-label task is predicted from this probability
            on. A single-label task predicts the label whose probability is the largest multiple of its threshold, which
            is the most probable one where all thresholds are equal; of two labels with thresholds ``(1 - t, t)`` it is
            the second one from the probability ``t`` on.
        costs: (k, k) of a single-label task, a row for each true label and a column for each predicted one; the label
            with the lowest expected cost is predicted, and thresholds play no part (Elkan, IJCAI 2001). None where
            there are none.
    """

    thresholds: NDArray[np.float32]
    costs: NDArray[np.float64] | None = None

    @classmethod
    def usual(cls, task: Task) -> Decision:
        """The most probable label, or all from one half on."""
        return cls(np.full(len(task), 0.5, np.float32))

    def targets(self, probabilities: NDArray[Any], task: Task) -> NDArray[Any]:
        """Targets from (n, k) probabilities: (n,) int64, or (n, k) bool for a multi-label task."""
        if task.multi_label:
            return np.asarray(probabilities >= self.thresholds)
        if self.costs is not None:
            return np.asarray((probabilities @ self.costs).argmin(axis=1), np.int64)
        if (self.thresholds != self.thresholds[0]).any():
            probabilities = probabilities / self.thresholds
        return np.asarray(probabilities.argmax(axis=1), np.int64)
