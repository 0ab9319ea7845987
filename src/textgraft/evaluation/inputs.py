"""What is evaluated: probabilities with their targets, checked once at the door of this room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.decision import Decision
from textgraft.errors import DataError, SettingError, listed
from textgraft.task import Task
from textgraft.unicode import quoted

Thresholds = Decision | float | ArrayLike | None


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities, the truth and the labels that follow from the probabilities.

    Of n rows that were predicted several times, by models of a repeated cross-validation, there are ``repeats`` times n
    predictions: those of the first repetition in the order of the rows, then those of the second, and so on. A row
    then counts once: what it adds to a sum is the mean over its repetitions, and resamples draw rows. Rows out of fold
    are not independent, since their models share rows of training: each is ``worth`` less than a whole one to intervals
    and tests.
    """

    probabilities: NDArray[Any]  # (n, k) float32 or float64
    targets: NDArray[Any]  # (n,) int64, or (n, k) bool for a multi-label task
    predicted: NDArray[Any]  # as ``targets``
    task: Task
    repeats: int = 1
    worth: float = 1.0
    pseudo: int = 0  # of each repetition the last rows, which nobody has seen: see ``prior``
    answered_from: NDArray[np.float64] | None = None  # (n,) see ``selective``

    def __len__(self) -> int:
        return len(self.probabilities)

    def select(self, at: NDArray[np.intp]) -> Predictions:
        """Those at ``at``, each of them one row."""
        names = ("probabilities", "targets", "predicted", "answered_from")
        parts = {name: part[at] for name in names if (part := getattr(self, name)) is not None}
        return replace(self, repeats=1, **parts)

    @property
    def rows(self) -> int:
        """n; ``len`` counts the predictions, ``repeats`` times as many."""
        return len(self) // self.repeats

    @property
    def truth(self) -> NDArray[np.bool_]:
        """(n, k) bool: which labels each row carries, for both kinds of task."""
        places = np.arange(len(self.task))
        truth: NDArray[np.bool_] = self.targets if self.task.multi_label else self.targets[:, None] == places
        return truth


def check_predictions(
    probabilities: ArrayLike, targets: ArrayLike, task: Task, thresholds: Thresholds = None
) -> Predictions:
    """Checks shapes and values and derives the predicted labels.

    Args:
        probabilities: (n, k); the rows of a single-label task sum to one.
        targets: (n,) integers in 0..k-1, or (n, k) of 0/1 or bool for a multi-label task.
        task: the labels.
        thresholds: a ``Decision``, or the thresholds of one: one number or (k,). None is 0.5: the most probable label,
            or all labels of a multi-label task from one half on.

    Raises:
        DataError: probabilities or targets of the wrong shape, no rows, or values that cannot be.
        SettingError: thresholds that do not fit the task.
    """
    p = _check_probabilities(probabilities, task)
    truth = _check_targets(targets, len(p), task)
    return Predictions(p, truth, decision_of(thresholds, task).targets(p, task), task)


def decision_of(thresholds: Thresholds, task: Task) -> Decision:
    """How labels follow from probabilities.

    Raises:
        SettingError: neither one number nor k numbers, or not finite.
    """
    if isinstance(thresholds, Decision):
        return thresholds
    cuts = np.asarray(0.5 if thresholds is None else thresholds, np.float32)
    if cuts.shape not in ((), (len(task),)) or not np.isfinite(cuts).all():
        raise SettingError(
            f"thresholds must be one number or one for each of the {len(task)} labels; got {_shown(cuts)}."
        )
    return Decision(np.broadcast_to(cuts, (len(task),)))


def check_resampling(resamples: int, seed: int) -> None:
    """Raises SettingError unless there are enough resamples for a 95 % interval and the seed is usable."""
    for name, value, least, advice in (("resamples", resamples, 100, " 1,000 is usual."), ("seed", seed, 0, "")):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
            raise SettingError(f"{name} must be an integer of at least {least}; got {quoted(value)}.{advice}")


def _check_probabilities(probabilities: ArrayLike, task: Task) -> NDArray[Any]:
    p = np.asarray(probabilities)
    if p.dtype != np.float64:
        p = p.astype(np.float32)
    if p.ndim != 2 or p.shape[1] != len(task) or not len(task):
        raise DataError(
            f"Probabilities must have one column for each of the {len(task)} labels ({listed(task.labels)}); "
            f"got an array of shape {p.shape}."
        )
    if not len(p):
        raise DataError("There is nothing to evaluate: the probabilities have no rows.")
    # Rounding in a softmax or a sigmoid may step over the bounds by a few units in the last place.
    wrong = ~((p >= -1e-6) & (p <= 1 + 1e-6)).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"Probabilities must lie between 0 and 1; row {row} of {len(p):,} is [{listed(p[row].tolist())}] "
            f"({int(wrong.sum()):,} such rows). Logits must go through a softmax or a sigmoid first."
        )
    if not task.multi_label:
        off = np.abs(p.sum(axis=1, dtype=np.float64) - 1)
        if off.max() > 1e-3:
            row = int(off.argmax())
            raise DataError(
                f"The probabilities of a single-label task must sum to 1 in each row; row {row} is "
                f"[{listed(p[row].tolist())}]. Where a text may carry several labels, use a multi-label task."
            )
    return p


def _check_targets(targets: ArrayLike, n: int, task: Task) -> NDArray[Any]:
    y = np.asarray(targets)
    expected = (n, len(task)) if task.multi_label else (n,)
    if y.shape != expected:
        raise DataError(
            f"Targets of this {task.kind} task must have shape {expected}, as many rows as the probabilities; "
            f"got {y.shape}."
        )
    if task.multi_label:
        if y.dtype != np.bool_ and not np.isin(y, (0, 1)).all():
            raise DataError("Targets of a multi-label task must be true/false or 0/1, one column per label.")
        return y.astype(np.bool_)
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= len(task):
        raise DataError(
            f"Targets must be integers from 0 to {len(task) - 1}, the places of the labels in the task; got "
            f"{_shown(np.unique(y))} of type {y.dtype}. Task.encode turns label names into them."
        )
    return y.astype(np.int64)


def _shown(values: NDArray[Any]) -> str:
    return f"[{listed(values.ravel().tolist())}]" if values.ndim else str(values.item())
