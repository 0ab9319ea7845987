"""Linear models: fitting, choice of the regularisation.

Minimises ``C * sum_i w_i loss(x_i W + b, y_i) + |W|^2 / 2`` over all labels together by L-BFGS (Liu and Nocedal 1989),
preconditioned with the diagonal of a bound on the Hessian: frequent n-grams, and features of large variance, have a
far larger curvature than the others, and without it the solver spends most of its steps on finding that out. All
sums have one fixed order, so the result does not depend on the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import TrainingError
from textgraft.methods.calibration import Calibration, fit_calibration
from textgraft.progress import track
from textgraft.task import Dataset, Targets, Task

Floats = NDArray[np.float32]
Loss = Literal["logistic", "squared_hinge"]
ClassWeight = Literal["balanced"] | None

_GRIDS: dict[Loss, tuple[float, ...]] = {
    "squared_hinge": (0.03, 0.1, 0.3, 1.0, 3.0),
    "logistic": (0.0003, 0.003, 0.03, 0.3, 3.0),
}
_MEMORY, _STEPS, _TOLERANCE, _PATIENCE = 10, 100, 1e-3, 5


class Design(Protocol):
    """A design matrix of n rows and f columns, in whatever form."""

    @property
    def shape(self) -> tuple[int, int]:
        """n, f."""

    def times(self, W: Floats) -> Floats:
        """(n, k) product with an (f, k) matrix."""

    def transposed_times(self, R: Floats) -> Floats:
        """(f, k) product of the transpose with an (n, k) matrix."""

    def squares(self) -> Floats:
        """(f,) sums of the squares of the columns, roughly."""

    def rows(self, at: NDArray[Any]) -> Design:
        """The design of some rows."""


@dataclass(frozen=True)
class Matrix:
    """The design of a dense array or a SciPy CSR matrix, float32."""

    X: Any

    @property
    def shape(self) -> tuple[int, int]:
        """n, f."""
        return (int(self.X.shape[0]), int(self.X.shape[1]))

    def times(self, W: Floats) -> Floats:
        """(n, k) product with an (f, k) matrix."""
        return self.X @ W  # type: ignore[no-any-return]

    def transposed_times(self, R: Floats) -> Floats:
        """(f, k) product of the transpose with an (n, k) matrix."""
        return self.X.T @ R  # type: ignore[no-any-return]

    def squares(self) -> Floats:
        """(f,) sums of the squares of the columns."""
        if isinstance(self.X, np.ndarray):
            return np.asarray(np.einsum("ij,ij->j", self.X, self.X), np.float32)
        return np.asarray(self.X.multiply(self.X).sum(axis=0), np.float32).ravel()

    def rows(self, at: NDArray[Any]) -> Matrix:
        """The design of some rows."""
        return Matrix(self.X[at])


@dataclass(frozen=True)
class LinearModel:
    """Scores are ``x @ weights + bias``: weights (f, m), bias (m,).

    m is 1 for a single-label task of two labels (the score of the second label), else the number of labels.
    """

    weights: Floats
    bias: Floats

    def scores(self, X: Design) -> Floats:
        """(n, m) scores."""
        return X.times(self.weights) + self.bias


@dataclass(frozen=True)
class Choice:
    """A model with the C it was fitted with, its calibration, and the log loss on validation data for every C tried.

    ``held`` are the rows held out of the training data as validation data; None where that was given.
    """

    model: LinearModel
    C: float
    calibration: Calibration
    losses: dict[float, float]
    held: NDArray[np.int64] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What was chosen and why, for ``chosen_``."""
        return {"C": self.C, "valid_log_loss": {f"{C:g}": round(loss, 4) for C, loss in self.losses.items()}}


def fit_linear(
    X: Design,
    targets: Targets,
    task: Task,
    *,
    C: float,
    loss: Loss = "squared_hinge",
    class_weight: ClassWeight = None,
    start: LinearModel | None = None,
) -> LinearModel:
    """Fits a linear model.

    Args:
        X: the design, n rows.
        targets: (n,) int64, or (n, k) bool for a multi-label task.
        task: the labels.
        C: the inverse strength of the regularisation.
        loss: ``"logistic"`` (over all labels together where a text has one of several: softmax) or
            ``"squared_hinge"`` (one label against the rest: a linear SVM).
        class_weight: ``"balanced"`` weighs rows so that all labels, or both sides of a label, count the same.
        start: a model to start from, such as that of another C.
    """
    Y = target_matrix(targets, task)
    row_weights = balance(Y, task) if class_weight == "balanced" else np.ones((1, 1), np.float32)
    per_row = _softmax if loss == "logistic" and Y.shape[1] > 1 and not task.multi_label else _LOSSES[loss]

    def objective(W: Floats) -> tuple[float, Floats]:
        values, slopes = per_row(X.times(W[:-1]) + W[-1], Y)
        slopes *= row_weights
        gradient = np.empty_like(W)
        gradient[:-1] = X.transposed_times(slopes)
        gradient[-1] = slopes.sum(axis=0)
        gradient *= np.float32(C)
        gradient[:-1] += W[:-1]
        total = C * float(np.sum(values * row_weights, dtype=np.float64))
        return total + _dot(W[:-1], W[:-1]) / 2, gradient

    squares = np.append(X.squares(), np.float32(X.shape[0]))
    preconditioner = (1 / (1 + 0.3 * C * squares)).astype(np.float32)[:, None]
    W = np.zeros((X.shape[1] + 1, Y.shape[1]), np.float32)
    if start is not None:
        W = np.vstack((start.weights, start.bias[None]))
    W = minimize(objective, W, preconditioner)
    return LinearModel(W[:-1], W[-1])


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
) -> Choice:
    """Fits for every C of a grid, each starting from the one before, and keeps what predicts ``valid`` best.

    What counts is the log loss after calibration, which is far less noisy than accuracy. The grid is given up after
    a C that is worse than the one before: the loss has a single valley along C.

    Args:
        X, targets: what to fit to.
        valid, valid_targets: what to choose and calibrate on.
        task: the labels.
        C: the grid, one value, or ``"auto"`` for a grid that goes with the loss.
        loss: see ``fit_linear``.
        class_weight: see ``fit_linear``.
    """
    grid = _GRIDS[loss] if isinstance(C, str) else tuple(sorted(np.atleast_1d(C).tolist()))
    best: Choice | None = None
    losses: dict[float, float] = {}
    start = None
    for value in track(grid, "fitting the linear model", total=len(grid), detail=lambda c: f"C={c:g}"):
        start = fit_linear(X, targets, task, C=value, loss=loss, class_weight=class_weight, start=start)
        calibration, losses[value] = fit_calibration(start.scores(valid), valid_targets, task, margins=loss)
        if best is not None and losses[value] > best.losses[best.C]:
            break
        best = Choice(start, value, calibration, losses)
    assert best is not None
    return best


def fit_chosen(
    X: Design,
    train: Dataset,
    valid: tuple[Design, Targets] | None,
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
        valid: design and targets of validation data, which is never fitted to; None if there is none.
        C, loss, class_weight: see ``choose_linear``.
        seed: of the part held out.
    """
    if valid is not None and len(valid[1]):
        return choose_linear(X, train.targets, *valid, train.task, C=C, loss=loss, class_weight=class_weight)
    from textgraft.data.splits import hold_out_rows

    rest, held = hold_out_rows(train, seed=seed)
    y, task = train.targets, train.task
    choice = choose_linear(
        X.rows(rest), y[rest], X.rows(held), y[held], task, C=C, loss=loss, class_weight=class_weight
    )
    model = fit_linear(X, y, task, C=choice.C, loss=loss, class_weight=class_weight, start=choice.model)
    return replace(choice, model=model, held=held)


def target_matrix(targets: Targets, task: Task) -> Floats:
    """(n, m) 0/1 targets: one column for two labels of which a text has one, else one per label."""
    if task.multi_label:
        wanted = targets
    elif len(task) == 2:
        wanted = targets[:, None] == 1
    else:
        wanted = targets[:, None] == np.arange(len(task))
    return np.asarray(wanted, np.float32)


def balance(Y: Floats, task: Task) -> Floats:
    """Weights of rows, (n, 1), or of rows and labels, (n, k), under which labels count the same; 1 on average."""
    if task.multi_label or Y.shape[1] == 1:
        positive = np.clip(Y.mean(axis=0), 1 / len(Y), 1 - 1 / len(Y))
        return np.asarray(np.where(Y > 0, 0.5 / positive, 0.5 / (1 - positive)), np.float32)
    counts = np.maximum(Y.sum(axis=0), 1)
    return np.asarray(Y @ (len(Y) / (np.count_nonzero(Y.any(axis=0)) * counts)), np.float32)[:, None]


def minimize(objective: Callable[[Floats], tuple[float, Floats]], W: Floats, preconditioner: Floats) -> Floats:
    """Minimises a smooth convex function by L-BFGS; stops when five steps together gain less than 0.5 %."""
    value, gradient = objective(W)
    if not np.isfinite(value):
        raise TrainingError(
            f"The linear model cannot be fitted: its loss is {value} at the start, so a feature is not a number."
        )
    values = [value]
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    for _ in range(_STEPS):
        direction = _direction(gradient, pairs, preconditioner)
        slope = _dot(gradient, direction)
        size = 1.0
        while True:
            new_W = W + np.float32(size) * direction
            new_value, new_gradient = objective(new_W)
            if new_value <= value + 1e-4 * size * slope:
                break
            size /= 3
            if size < 1e-5:  # float32 has no more to give
                return W
        step, change = new_W - W, new_gradient - gradient
        curvature = _dot(step, change)
        if curvature > 0:
            pairs.append((step, change, curvature))
        W, value, gradient = new_W, new_value, new_gradient
        values.append(value)
        if len(values) > _PATIENCE and values[-1 - _PATIENCE] - value < _PATIENCE * _TOLERANCE * abs(value):
            break
    return W


def _direction(gradient: Floats, pairs: deque[tuple[Floats, Floats, float]], preconditioner: Floats) -> Floats:
    """The two-loop recursion of L-BFGS."""
    direction = -gradient
    shares = []
    for step, change, curvature in reversed(pairs):
        share = _dot(step, direction) / curvature
        direction -= np.float32(share) * change
        shares.append(share)
    direction *= preconditioner
    if pairs:
        _, change, curvature = pairs[-1]
        direction *= np.float32(curvature / _dot(change, change * preconditioner))
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        direction += np.float32(share - _dot(change, direction) / curvature) * step
    return direction


def _dot(a: Floats, b: Floats) -> float:
    """The inner product of two matrices; not through BLAS, whose order of summing depends on its threads."""
    return float(np.einsum("ij,ij->", a, b))


def _softmax(scores: Floats, Y: Floats) -> tuple[Floats, Floats]:
    """The multinomial logistic loss by row, (n, 1), and its slope by score."""
    scores = scores - scores.max(axis=1, keepdims=True)
    slopes = np.exp(scores)
    sums = slopes.sum(axis=1, keepdims=True)
    losses = np.log(sums) - (scores * Y).sum(axis=1, keepdims=True)
    slopes /= sums
    slopes -= Y
    return losses, slopes


def _logistic(scores: Floats, Y: Floats) -> tuple[Floats, Floats]:
    losses = np.logaddexp(0, scores) - scores * Y
    return losses, np.asarray((1 + np.tanh(scores / 2)) / 2 - Y, np.float32)


def _squared_hinge(scores: Floats, Y: Floats) -> tuple[Floats, Floats]:
    signs = 2 * Y - 1
    lack = np.maximum(0, 1 - signs * scores)
    return lack * lack, -2 * signs * lack


_LOSSES = {"logistic": _logistic, "squared_hinge": _squared_hinge}
