"""How strongly a linear model is regularised: chosen on validation data, where it is calibrated too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.evaluation.calibration import Calibration, fit_calibration
from textgraft.linear.fitting import ClassWeight, Design, LinearModel, Loss, fit_linear
from textgraft.progress import track
from textgraft.task import Targets, Task

Weights = NDArray[np.float64] | None

_GRIDS: dict[Loss, tuple[float, ...]] = {
    "squared_hinge": (0.03, 0.1, 0.3, 1.0, 3.0),
    "logistic": (0.0003, 0.003, 0.03, 0.3, 3.0),
}

_MANY_LABELS, _FEW_LABELS = 512, 256
_MOST_SCORES = 1 << 27  # of validation rows; 512 MB


@dataclass(frozen=True)
class Choice:
    """A model with the C it was fitted with, its calibration, and the log loss on validation data for every C tried.

    ``held`` are the rows held out of the training data as validation data; None where that was given. ``tried_on``
    is how many labels C was chosen on; None for all.
    """

    model: LinearModel
    C: float
    calibration: Calibration
    losses: dict[float, float]
    held: NDArray[np.int64] | None = None
    tried_on: int | None = None
    probabilities: NDArray[np.float32] | None = None
    checks: Dataset | None = None

    def checked(self) -> tuple[NDArray[np.float32], Dataset]:
        """(r, k) calibrated probabilities of the rows that it was checked on, and these rows."""
        assert self.probabilities is not None
        assert self.checks is not None
        return self.probabilities, self.checks

    def to_dict(self) -> dict[str, Any]:
        """What was chosen and why, for ``chosen_``."""
        losses = {f"{C:g}": round(loss, 4) for C, loss in self.losses.items()}
        tried = {} if self.tried_on is None else {"tried_on_labels": self.tried_on}
        return {"C": self.C, "valid_log_loss": losses, **tried}


def choose_linear(
    X: Design,
    targets: Targets,
    valid: Design,
    valid_targets: Targets,
    task: Task,
    *,
    C: float | Sequence[float] | Literal["auto"] = "auto",
    loss: Loss = "squared_hinge",
    class_weight: ClassWeight = None,
    weights: Weights = None,
    valid_weights: Weights = None,
) -> Choice:
    """Fits for every C of a grid, each starting from the one before, and keeps what predicts ``valid`` best.

    What counts is the log loss after calibration, which is far less noisy than accuracy. The grid is given up after
    a C that is worse than the one before: the loss has a single valley along C. Of more than 512 labels, each told from
    the rest, C is chosen on 256 that stand in ``valid``, and then all are fitted once.

    Args:
        X, targets: what to fit to.
        valid, valid_targets: what to choose and calibrate on.
        task: the labels.
        C: the grid, one value, or ``"auto"`` for a grid that goes with the loss.
        loss: see ``fit_linear``.
        class_weight: see ``fit_linear``.
        weights, valid_weights: what each row counts; see ``fit_linear`` and ``fit_calibration``.
    """
    grid = _GRIDS[loss] if isinstance(C, str) else tuple(sorted(np.atleast_1d(C).tolist()))
    fit = partial(fit_linear, X, targets, task, loss=loss, class_weight=class_weight, weights=weights)
    checks = _Checks(valid, valid_targets, task, valid_weights).of_few_rows()
    one_against_the_rest = loss == "squared_hinge" or task.multi_label
    if len(grid) == 1 or len(task) <= _MANY_LABELS or not one_against_the_rest:
        return _best_of(grid, fit, checks, loss)
    labels, of_them = checks.of_few_labels()
    tried = _best_of(grid, partial(fit, labels=labels), of_them, loss)
    return replace(_best_of((tried.C,), fit, checks, loss), losses=tried.losses, tried_on=len(labels))


@dataclass(frozen=True)
class _Checks:
    """What is chosen and calibrated on."""

    X: Design
    targets: Targets
    task: Task
    weights: Weights

    def of_few_rows(self) -> _Checks:
        """Evenly as many rows as their scores have room for: with 10,000 labels 13,421 rows, which is plenty."""
        n, most = self.X.shape[0], max(1, _MOST_SCORES // len(self.task))
        return self if n <= most else self._of_rows(np.linspace(0, n - 1, most).astype(np.int64))

    def _of_rows(self, rows: NDArray[np.int64]) -> _Checks:
        weights = None if self.weights is None else self.weights[rows]
        return _Checks(self.X.rows(rows), self.targets[rows], self.task, weights)

    def of_few_labels(self) -> tuple[NDArray[np.int64], _Checks]:
        """Places of few of the labels, evenly among those that stand here; and the rows that such a text may be.

        Of a task of one label per text these are the rows that carry one of them.
        """
        sets = self.task.sets(self.targets)
        seen = np.flatnonzero(sets.counts) if len(sets.labels) else np.arange(sets.width)
        chosen = seen[np.unique(np.linspace(0, len(seen) - 1, _FEW_LABELS).astype(np.int64))]
        task = Task(tuple(self.task.labels[i] for i in chosen.tolist()), self.task.multi_label)
        few = sets.only(chosen)
        if task.multi_label:
            return chosen, replace(self, targets=few, task=task)
        of_them = self._of_rows(np.flatnonzero(few.sizes))
        return chosen, replace(of_them, targets=few.labels.astype(np.int64), task=task)


def _best_of(grid: Sequence[float], fit: Callable[..., LinearModel], checks: _Checks, loss: Loss) -> Choice:
    best: Choice | None = None
    losses: dict[float, float] = {}
    start = None
    for value in track(grid, "fitting the linear model", total=len(grid), detail=lambda c: f"C={c:g}"):
        start = fit(C=value, start=start)
        calibration, losses[value] = fit_calibration(
            start.scores(checks.X), checks.targets, checks.task, margins=loss, weights=checks.weights
        )
        if best is not None and losses[value] > best.losses[best.C]:
            break
        best = Choice(start, value, calibration, losses)
    assert best is not None
    return best


def fit_chosen(
    X: Design,
    train: Dataset,
    valid: tuple[Design, Dataset] | None,
    *,
    C: float | Sequence[float] | Literal["auto"] = "auto",
    loss: Loss = "squared_hinge",
    class_weight: ClassWeight = None,
    seed: int = 0,
) -> Choice:
    """Fits with the best C: chosen on ``valid``, or on a tenth held out, after which all rows are fitted again.

    Args:
        X: the design of all rows of ``train``.
        train: what to fit to.
        valid: validation data and its design, which is never fitted to; None if there is none.
        C, loss, class_weight: see ``choose_linear``; ``"auto"`` is the strength for weights of 1 on average.
        seed: of the part held out.
    """
    y, task, weights = train.targets, train.task, train.weights
    if weights is not None and isinstance(C, str):  # weights that sum to 1 need the strength of those that sum to n
        weights = weights / weights.mean()
    how: dict[str, Any] = {"C": C, "loss": loss, "class_weight": class_weight}
    if valid is not None and len(valid[1]):
        design, checks = valid
        choice = choose_linear(X, y, design, checks.targets, task, **how, weights=weights, valid_weights=checks.weights)
        return replace(choice, probabilities=_probabilities(choice, design, task), checks=checks)
    from textgraft.data.splits import hold_out_rows  # the room of tables, which a model that predicts does without

    rest, held = hold_out_rows(train, seed=seed)
    of_rest, of_held = (None, None) if weights is None else (weights[rest], weights[held])
    choice = choose_linear(
        X.rows(rest), y[rest], X.rows(held), y[held], task, **how, weights=of_rest, valid_weights=of_held
    )
    model = fit_linear(X, y, task, **how | {"C": choice.C}, weights=weights, start=choice.model)
    probabilities = _probabilities(choice, X.rows(held), task)
    return replace(choice, model=model, held=held, probabilities=probabilities, checks=train.select(held))


def _probabilities(choice: Choice, X: Design, task: Task) -> NDArray[np.float32]:
    return choice.calibration.probabilities(choice.model.scores(X), task)
