"""How strongly a linear model is regularised: chosen on validation data or out of fold, and calibrated there too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft import class_weights
from textgraft.dataset import Dataset
from textgraft.errors import DataError
from textgraft.evaluation.calibration import Calibrated, Calibration, calibrate, fit_calibration
from textgraft.label_sets import LabelSets
from textgraft.linear.fitting import ClassWeight, Design, LinearModel, Loss, fit_linear
from textgraft.progress import track
from textgraft.task import Targets, Task

Floats = NDArray[np.float32]
Weights = NDArray[np.float64] | None

_GRIDS: dict[Loss, tuple[float, ...]] = {
    "squared_hinge": (0.03, 0.1, 0.3, 1.0, 3.0),
    "logistic": (0.0003, 0.003, 0.03, 0.3, 3.0),
}

_MANY_LABELS, _FEW_LABELS = 512, 256
_MOST_SCORES = 1 << 26  # of validation rows; 256 MB
_FEW_HELD, _FOLDS = 200, 5
USUAL_SCALE: dict[Loss, float] = {"squared_hinge": 2.0, "logistic": 1.0}  # its scores are about half of the log odds


def fits_for(rows: int) -> int:
    """How often a ``Chooser`` fits so many rows for each C, and at the end: out of fold where they are few."""
    return 1 + (_FOLDS if rows < 10 * _FEW_HELD else 1)


@dataclass(frozen=True)
class Choice:
    """A model with the C it was fitted with, its calibration, and the log loss on validation data for every C tried.

    ``scores`` (r, m) are those of the rows ``at`` of the validation data, ascending, by models not fitted to them.
    ``checks`` is that data, once a ``Chooser`` knows it: what was given, a tenth held out, or of few rows all of them.
    ``held`` are rows held out of the training data, of which a model keeps a sample; None where validation data was
    given. ``tried_on`` is how many labels C was chosen on; None for all.
    """

    model: LinearModel
    C: float
    calibrated: Calibrated
    losses: dict[float, float]
    scores: Floats
    at: NDArray[np.int64]
    checks: Dataset | None = None
    held: NDArray[np.int64] | None = None
    tried_on: int | None = None

    @property
    def loss(self) -> float:
        """The log loss on validation data with the C that was chosen, by which choices are compared."""
        return self.losses[self.C]

    @property
    def calibration(self) -> Calibration:
        """What makes probabilities of its scores."""
        return self.calibrated.calibration

    def checked(self) -> tuple[Floats, Dataset]:
        """(r, k) calibrated probabilities of the rows that it was checked on, and these rows."""
        assert self.checks is not None
        checks = self.checks if len(self.at) == len(self.checks) else self.checks.select(self.at)
        return self.calibration.probabilities(self.scores, checks.task), checks

    def to_dict(self) -> dict[str, Any]:
        """What was chosen and why, for ``chosen_``."""
        losses = {f"{C:g}": round(loss, 4) for C, loss in self.losses.items()}
        tried = {} if self.tried_on is None else {"tried_on_labels": self.tried_on}
        return {"C": self.C, "valid_log_loss": losses, **tried, "calibration": self.calibrated.to_dict()}


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
    label_weights: Weights = None,
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
        weights, valid_weights: what each row counts; see ``fit_linear`` and ``calibrate``.
        label_weights: (k,) what ``class_weight`` comes to for each label, which probabilities are freed of.
    """
    fit = partial(fit_linear, task=task, loss=loss, class_weight=class_weight)
    of_fold = partial(fit, X, targets, weights=weights)
    checks = _Checks((_Fold(of_fold, valid),), valid_targets, task, valid_weights).of_few_rows()
    grid = _grid(C, loss)
    one_against_the_rest = loss == "squared_hinge" or task.multi_label
    if len(grid) == 1 or len(task) <= _MANY_LABELS or not one_against_the_rest:
        return _best_of(grid, checks).calibrated(checks, loss, label_weights)
    labels, of_them = checks.of_few_labels()
    tried = _best_of(grid, of_them)
    best = replace(_best_of((tried.C,), checks), losses=tried.losses)
    return replace(best.calibrated(checks, loss, label_weights), tried_on=len(labels))


def _grid(C: float | Sequence[float] | Literal["auto"], loss: Loss) -> tuple[float, ...]:
    return _GRIDS[loss] if isinstance(C, str) else tuple(sorted(np.atleast_1d(C).tolist()))


@dataclass
class _Fold:
    """Fits to some rows and scores others, C by C, each fit starting from the one before."""

    fit: Callable[..., LinearModel]
    X: Design  # of the rows that are scored
    model: LinearModel | None = None

    def scores(self, C: float) -> Floats:
        self.model = self.fit(C=C, start=self.model)
        return self.model.scores(self.X)


@dataclass(frozen=True)
class _Checks:
    """What is chosen and calibrated on: the rows that the folds score, one fold after the other."""

    folds: tuple[_Fold, ...]
    targets: Targets
    task: Task
    weights: Weights
    at: NDArray[np.int64] | None = None  # where they stand; None is in order

    def scores(self, C: float) -> Floats:
        parts = [fold.scores(C) for fold in self.folds]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def of_few_rows(self) -> _Checks:
        """Evenly as many rows as their scores have room for: with 10,000 labels 6,710 rows, which is plenty."""
        n, most = len(self.targets), max(1, _MOST_SCORES // len(self.task))
        return self if n <= most else self._of_rows(np.linspace(0, n - 1, most).astype(np.int64))

    def _of_rows(self, rows: NDArray[np.int64]) -> _Checks:
        weights = None if self.weights is None else self.weights[rows]
        (fold,) = self.folds
        return _Checks((_Fold(fold.fit, fold.X.rows(rows)),), self.targets[rows], self.task, weights, rows)

    def of_few_labels(self) -> tuple[NDArray[np.int64], _Checks]:
        """Places of few of the labels, evenly among those that stand here; and the rows that such a text may be.

        Of a task of one label per text these are the rows that carry one of them.
        """
        sets = self.task.sets(self.targets)
        seen = np.flatnonzero(sets.counts) if len(sets.labels) else np.arange(sets.width)
        chosen = seen[np.unique(np.linspace(0, len(seen) - 1, _FEW_LABELS).astype(np.int64))]
        task = Task(tuple(self.task.labels[i] for i in chosen.tolist()), self.task.multi_label)
        few = sets.only(chosen)
        rows = self if task.multi_label else self._of_rows(np.flatnonzero(few.sizes))
        (fold,) = rows.folds
        folds = (_Fold(partial(fold.fit, labels=chosen), fold.X),)
        targets: Targets = few if task.multi_label else few.labels.astype(np.int64)
        return chosen, replace(rows, folds=folds, targets=targets, task=task)


@dataclass(frozen=True)
class _Best:
    C: float
    model: LinearModel
    scores: Floats
    losses: dict[float, float]

    def calibrated(self, checks: _Checks, loss: Loss, label_weights: Weights) -> Choice:
        usual = Calibration.usual(checks.task, self.scores.shape[1], USUAL_SCALE[loss], label_weights)
        found = calibrate(self.scores, checks.targets, checks.task, usual=usual, weights=checks.weights)
        at = np.arange(len(self.scores)) if checks.at is None else checks.at
        return Choice(self.model, self.C, found, self.losses, self.scores, at)


def _best_of(grid: Sequence[float], checks: _Checks) -> _Best:
    best: _Best | None = None
    losses: dict[float, float] = {}
    for value in track(grid, "fitting the linear model", total=len(grid), detail=lambda c: f"C={c:g}"):
        scores = checks.scores(value)
        losses[value] = fit_calibration(scores, checks.targets, checks.task, weights=checks.weights)[1]
        if best is not None and losses[value] > losses[best.C]:
            break
        model = checks.folds[0].model
        assert model is not None
        best = _Best(value, model, scores, losses)
    assert best is not None
    return best


def choose_out_of_fold(
    X: Design,
    targets: Targets,
    fold: NDArray[np.int64],
    task: Task,
    *,
    C: float | Sequence[float] | Literal["auto"] = "auto",
    loss: Loss = "squared_hinge",
    class_weight: ClassWeight = None,
    weights: Weights = None,
    label_weights: Weights = None,
) -> Choice | None:
    """As ``choose_linear``, but every row is scored by a model of the other folds; the model is that of the first.

    Args:
        X, targets, weights: all rows.
        fold: (n,) the fold of each.
        task, C, loss, class_weight, label_weights: see ``choose_linear``.

    Returns:
        The choice; None where no row can be scored, since each has a label that stands in its fold alone.
    """
    fit = partial(fit_linear, task=task, loss=loss, class_weight=class_weight)

    def of(rows: NDArray[np.int64]) -> dict[str, Any]:
        return {"X": X.rows(rows), "targets": targets[rows], "weights": None if weights is None else weights[rows]}

    parts = list(_scored(task.sets(targets), fold))
    if not parts:
        return None
    folds = tuple(_Fold(partial(fit, **of(rest)), X.rows(held)) for rest, held in parts)
    at = np.concatenate([held for _, held in parts])
    checks = _Checks(folds, targets[at], task, None if weights is None else weights[at], at)
    choice = _best_of(_grid(C, loss), checks).calibrated(checks, loss, label_weights)
    order = np.argsort(at)
    return replace(choice, scores=choice.scores[order], at=at[order])


def _scored(sets: LabelSets, fold: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Of each fold the rows outside it, and those within it that have only labels which these have, too."""
    for number in np.unique(fold).tolist():
        rest, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        rows, labels = sets[held].pairs()
        strange = np.bincount(rows[sets[rest].counts[labels] == 0], minlength=len(held))
        if not strange.all():
            yield rest, held[strange == 0]


@dataclass(frozen=True)
class Chooser:
    """Chooses on ``valid``; or out of fold; or on a tenth held out. Then all rows are fitted.

    Out of fold is where a tenth would be fewer than 200 rows, on which choices are mostly chance. The rows are the same
    for every design, so that the losses of several can be compared.

    Attributes:
        train: what to fit to, n rows.
        valid: validation data, which is never fitted to; None if there is none.
        C: see ``choose_linear``; ``"auto"`` is the strength for weights of 1 on average.
        loss, class_weight: see ``fit_linear``.
        held: rows held out of the training data, of which a model keeps a sample; None where validation data is given.
        fold: (n,) what is not of one number is scored apart: the folds, or 1 for what is held out and 0 for the rest;
            None where validation data is given.
        out_of_fold: whether all folds are scored.
    """

    train: Dataset
    valid: Dataset | None
    C: float | Sequence[float] | Literal["auto"]
    loss: Loss
    class_weight: ClassWeight
    held: NDArray[np.int64] | None = None
    fold: NDArray[np.int64] | None = None
    out_of_fold: bool = False

    @classmethod
    def of(
        cls,
        train: Dataset,
        valid: Dataset | None,
        *,
        C: float | Sequence[float] | Literal["auto"] = "auto",
        loss: Loss = "squared_hinge",
        class_weight: ClassWeight = None,
        seed: int = 0,
    ) -> Chooser:
        """Draws the folds, or what is held out, with a seed."""
        if valid is not None and len(valid):
            return cls(train, valid, C, loss, class_weight)
        # The room of tables, which a model that predicts does without.
        from textgraft.data.folds import fold_of_row
        from textgraft.data.grouping import stay_together
        from textgraft.data.splits import hold_out_rows

        groups = stay_together(train, seed)  # once for both: near-duplicates are most of the work
        rest, held = hold_out_rows(train, seed=seed, groups=groups)
        if len(held) < _FEW_HELD and len(train.task) <= _MANY_LABELS:
            with suppress(DataError):  # where too few rows may stand apart, a tenth it is
                fold = fold_of_row(train, _FOLDS, seed, groups)
                if any(_scored(train.label_sets, fold)):
                    return cls(train, None, C, loss, class_weight, held, fold, out_of_fold=True)
        apart = np.ones(len(train), np.int64)
        apart[np.setdiff1d(rest, held)] = 0
        return cls(train, None, C, loss, class_weight, held, apart)

    def choose(self, X: Design, valid: Design | None, grid: Sequence[float] | None = None) -> Choice:
        """The best C for a design of all rows of ``train``, and for ``valid`` that of its rows; see ``choose_linear``.

        ``grid`` are the values that ``"auto"`` stands for, where they are not those that go with the loss. The model of
        the choice is not fitted to what was held out yet.
        """
        y, task, weights = self.train.targets, self.train.task, self._weights
        how: dict[str, Any] = {
            "C": grid if grid is not None and isinstance(self.C, str) else self.C,
            "loss": self.loss,
            "class_weight": self.class_weight,
            "label_weights": class_weights.label_weights(self.train, self.class_weight),
        }
        if self.valid is not None and valid is not None:
            y_valid, w_valid = self.valid.targets, self.valid.weights
            choice = choose_linear(X, y, valid, y_valid, task, **how, weights=weights, valid_weights=w_valid)
            return replace(choice, checks=self.valid)
        assert self.fold is not None
        assert self.held is not None
        if self.out_of_fold:
            found = choose_out_of_fold(X, y, self.fold, task, **how, weights=weights)
            assert found is not None
            return replace(found, checks=self.train, held=self.held)
        rest, held = np.flatnonzero(self.fold == 0), self.held
        rest = rest if len(rest) else held  # of a handful of rows none can be spared
        of_rest, of_held = (None, None) if weights is None else (weights[rest], weights[held])
        choice = choose_linear(
            X.rows(rest), y[rest], X.rows(held), y[held], task, **how, weights=of_rest, valid_weights=of_held
        )
        return replace(choice, checks=self.train.select(held), held=held)

    def fitted(self, choice: Choice, X: Design) -> Choice:
        """The choice with a model that is fitted to all rows of ``train``."""
        if self.valid is not None:
            return choice
        fit: dict[str, Any] = {"loss": self.loss, "class_weight": self.class_weight, "weights": self._weights}
        y, task = self.train.targets, self.train.task
        return replace(choice, model=fit_linear(X, y, task, **fit, C=choice.C, start=choice.model))

    def rows(self, choice: Choice) -> NDArray[np.int64] | None:
        """(r,) where the rows that were scored stand in ``train``; None where validation data is given."""
        if self.held is None:
            return None
        return choice.at if self.out_of_fold else self.held[choice.at]

    @property
    def _weights(self) -> Weights:
        weights = self.train.weights
        if weights is not None and isinstance(self.C, str):  # those that sum to 1 need the strength of n
            weights = weights / weights.mean()
        return weights


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
    """Fits one design with the best C; see ``Chooser``.

    Args:
        X: the design of all rows of ``train``.
        train: what to fit to.
        valid: validation data and its design, which is never fitted to; None if there is none.
        C, loss, class_weight: see ``choose_linear``.
        seed: of the folds and of the part held out.
    """
    design, data = valid or (None, None)
    chooser = Chooser.of(train, data, C=C, loss=loss, class_weight=class_weight, seed=seed)
    return chooser.fitted(chooser.choose(X, design), X)
