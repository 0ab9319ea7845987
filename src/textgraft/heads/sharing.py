"""How much the neighbours' votes count beside a head's probabilities, chosen by log loss on rows held out.

The mixture ``(1 - share) * head + share * votes`` is fitted last, on calibrated probabilities: calibration needs the
scores of one model, and what the share has to gain is what is left after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.label_sets import LabelSets
from textgraft.task import Targets, Task

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_SHARES = np.arange(0, 1, 0.05)
_FOLDS, _FEWEST_ROWS = 5, 10  # fewer rows cannot tell whether anything is gained
_LEAST = 1e-15  # so that no loss is endless


@dataclass(frozen=True)
class Share:
    """The share of the votes, with the log losses without and with them, on rows that it was not chosen on."""

    share: float
    before: float
    after: float

    def to_dict(self) -> dict[str, Any]:
        """For ``chosen_``."""
        losses = {"log_loss_before": round(self.before, 4), "log_loss_after": round(self.after, 4)}
        return {"share": round(self.share, 4), **losses}


def choose_share(
    probabilities: Floats,
    votes: Floats,
    targets: Targets,
    task: Task,
    *,
    weights: Doubles | None = None,
    share: float | Literal["auto"] = "auto",
) -> Share:
    """The share of the least log loss.

    What is chosen is kept only where it gains: where, in a cross-validation of the choice itself (5 folds, drawn at
    random), the log loss is lower than without votes; fewer than 10 rows cannot tell. A share that is given is taken.

    Args:
        probabilities: (n, k) of a head that was not fitted to these rows.
        votes: (n, k) without those of texts that stand together with a row.
        targets, task: what is right.
        weights: (n,) what each row counts.
        share: the share, or ``"auto"``.
    """
    n, sets = len(probabilities), task.sets(targets)
    w = np.ones(n) if weights is None else weights / weights.mean()
    shares = _SHARES if isinstance(share, str) else np.array([0.0, share])
    alone, voted = (_of_truth(p, sets, task) for p in (probabilities, votes))
    losses = np.stack([_log_loss((1 - a) * alone + a * voted) * w for a in shares.tolist()])
    before = float(losses[0].sum()) / max(n, 1)
    if not isinstance(share, str):
        return Share(share, before, float(losses[1].sum()) / max(n, 1))
    fold, after = np.random.RandomState(0).permutation(n) % _FOLDS, 0.0
    for number in range(_FOLDS):
        best = int(losses[:, fold != number].sum(axis=1).argmin())
        after += float(losses[best, fold == number].sum()) / max(n, 1)
    if n < _FEWEST_ROWS or after >= before:
        return Share(0.0, before, before)
    return Share(float(shares[losses.sum(axis=1).argmin()]), before, after)


def _of_truth(probabilities: Floats, sets: LabelSets, task: Task) -> Doubles:
    """(n,) the probability of what is right, of several labels (n, k) of each of them."""
    p = probabilities.astype(np.float64)
    if task.multi_label:
        return np.where(np.asarray(sets), p, 1 - p)
    return np.asarray(p[np.arange(len(p)), sets.labels], np.float64)


def _log_loss(of_truth: Doubles) -> Doubles:
    """(n,) of each row; of several labels their mean."""
    losses = -np.log(np.maximum(of_truth, _LEAST))
    return np.asarray(losses if losses.ndim == 1 else losses.mean(axis=1), np.float64)
