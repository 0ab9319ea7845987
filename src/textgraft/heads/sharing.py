"""How much the neighbours' votes count beside a head's probabilities, chosen by log loss on rows held out.

The mixture ``(1 - share) * head + share * votes`` is fitted last, on calibrated probabilities: calibration needs the
scores of one model, and what the share has to gain is what is left after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.task import Targets, Task

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SHARPNESSES = (10.0, 20.0, 40.0, 80.0)  # over the median squared distance
USUAL = 20.0
_SHARES = np.arange(0, 1, 0.05)
_FOLDS, _FEWEST_ROWS = 5, 10  # fewer rows cannot tell whether anything is gained
MOST_NUMBERS, MOST_ROWS = 1 << 20, 4_096  # rows times labels, and rows, that it is chosen on
_LEAST = 1e-15  # as metrics have it, no probability is 0


@dataclass(frozen=True)
class Share:
    """The share of the votes, and how sharp they are in units of the median squared distance.

    ``before`` and ``after`` are the log losses without and with them, on rows that they were not chosen on.
    """

    share: float
    sharpness: float
    before: float
    after: float

    def to_dict(self) -> dict[str, Any]:
        """For ``chosen_``."""
        losses = {"log_loss_before": round(self.before, 4), "log_loss_after": round(self.after, 4)}
        return {"share": round(self.share, 4), "sharpness": self.sharpness, **losses}


def choose_share(
    probabilities: Floats,
    votes: Callable[[float], Floats],
    targets: Targets,
    task: Task,
    *,
    weights: Doubles | None = None,
    share: float | Literal["auto"] = "auto",
) -> Share:
    """The share and the sharpness of the least log loss.

    What is chosen is kept only where it gains: where, in a cross-validation of the choice itself (5 folds, drawn at
    random), the log loss is lower than without votes. A share that is given is taken, and the sharpness chosen.

    Args:
        probabilities: (n, k) of a head that was not fitted to these rows.
        votes: gives the (n, k) votes for a sharpness, without those of texts that stand together with a row.
        targets, task: what is right.
        weights: (n,) what each row counts.
        share: the share, or ``"auto"``.
    """
    n = len(probabilities)
    w = np.ones(n) if weights is None else weights / weights.mean()
    sets = task.sets(targets)
    shares = _SHARES if isinstance(share, str) else np.array([share])
    settings = [(a, sharpness) for sharpness in SHARPNESSES for a in shares.tolist()]
    alone = _of_truth(probabilities, sets, task)
    losses = np.empty((len(settings), n))
    for i, sharpness in enumerate(SHARPNESSES):
        voted = _of_truth(votes(sharpness), sets, task)
        for j, a in enumerate(shares.tolist()):
            losses[i * len(shares) + j] = _log_loss((1 - a) * alone + a * voted)
    losses *= w
    without = _log_loss(alone) * w
    if n < _FEWEST_ROWS:
        loss = float(without.sum() / max(n, 1))
        return Share(0.0 if isinstance(share, str) else share, USUAL, loss, loss)
    fold = np.random.RandomState(0).permutation(n) % _FOLDS
    after = 0.0
    for number in range(_FOLDS):
        best = int(losses[:, fold != number].sum(axis=1).argmin())
        after += float(losses[best, fold == number].sum())
    a, sharpness = settings[int(losses.sum(axis=1).argmin())]
    before = float(without.sum())
    if isinstance(share, str) and after >= before:
        a, after = 0.0, before
    return Share(a, sharpness, before / n, after / n)


def _of_truth(probabilities: Floats, sets: Any, task: Task) -> Doubles:
    """(n,) the probability of what is right, of several labels (n, k) of each of them."""
    p = probabilities.astype(np.float64)
    if task.multi_label:
        return np.where(np.asarray(sets), p, 1 - p)
    return np.asarray(p[np.arange(len(p)), sets.labels], np.float64)


def _log_loss(of_truth: Doubles) -> Doubles:
    """(n,) of each row; of several labels their mean."""
    losses = -np.log(np.maximum(of_truth, _LEAST))
    return losses if losses.ndim == 1 else np.asarray(losses.mean(axis=1), np.float64)
