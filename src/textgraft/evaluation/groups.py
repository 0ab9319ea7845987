"""What rows are worth that stand in groups: those of one author or thread tell less than as many independent ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.proportions import Z
from textgraft.extras import import_scipy


def worth_of_rows(predictions: Predictions, groups: NDArray[np.int64]) -> float:
    """How much of an independent row each row is worth, at most 1: one over the design effect (Kish 1965).

    That is how much more the share of right rows varies over groups than over rows; few groups count even less, by
    Student's distribution (Korn and Graubard, Survey Methodology 1998). Where all rows are right, or none, that cannot
    be seen, and a group counts as one row.

    Args:
        predictions: of n rows.
        groups: (n,) the number of each row's group, from 0.
    """
    n, count = len(groups), int(groups.max()) + 1
    if count == n:
        return 1.0
    right = (predictions.predicted == predictions.targets).reshape(len(predictions), -1).all(axis=1)
    off = right.reshape(predictions.repeats, n).mean(axis=0)
    off = off - off.mean()
    of_rows, of_groups = float(off @ off), float(np.square(np.bincount(groups, off)).sum())
    effect = of_groups / of_rows if of_rows > 0 else n / count
    student = float(import_scipy("Evaluating with intervals").special.stdtrit(max(count - 1, 1), 0.975))
    return min(1.0, (Z / student) ** 2 * (count - 1) / count / max(effect, 1.0 / n)) if count > 1 else 1.0 / n
