"""Linear models and their losses.

Minimises ``C * sum_i w_i loss(x_i W + b, y_i) + |W|^2 / 2`` over all labels together, as scikit-learn's linear models
do: a row of weight 2 is that row twice, and all weights times 2 are C times 2. It is preconditioned with the diagonal
of a bound on the Hessian: frequent n-grams, and features of large variance, have a far larger curvature than the
others, and without it the solver spends most of its steps on finding that out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft.linear.minimizing import dot, minimize
from textgraft.task import Targets, Task

Floats = NDArray[np.float32]
Loss = Literal["logistic", "squared_hinge"]
ClassWeight = Literal["balanced"] | None


class Design(Protocol):
    """A design matrix of n rows and f columns, in whatever form."""

    @property
    def shape(self) -> tuple[int, int]:
        """n, f."""

    def times(self, W: Floats) -> Floats:
        """(n, k) product with an (f, k) matrix."""

    def transposed_times(self, R: Floats) -> Floats:
        """(f, k) product of the transpose with an (n, k) matrix."""

    def squares(self, weights: Floats | None = None) -> Floats:
        """(f,) sums of the squares of the columns, roughly, of rows that count as (n,) ``weights`` say."""

    def rows(self, at: NDArray[Any]) -> Design:
        """The design of some rows."""


@dataclass(frozen=True)
class Matrix:
    """The design of a dense array or a SciPy CSR matrix, float32."""

    X: Any

    @property
    def shape(self) -> tuple[int, int]:  # noqa: D102
        return (int(self.X.shape[0]), int(self.X.shape[1]))

    def times(self, W: Floats) -> Floats:  # noqa: D102
        return self.X @ W  # type: ignore[no-any-return]

    def transposed_times(self, R: Floats) -> Floats:  # noqa: D102
        return self.X.T @ R  # type: ignore[no-any-return]

    def squares(self, weights: Floats | None = None) -> Floats:  # noqa: D102
        if isinstance(self.X, np.ndarray):
            weighed = self.X if weights is None else self.X * weights[:, None]
            return np.asarray(np.einsum("ij,ij->j", weighed, self.X), np.float32)
        squares = self.X.multiply(self.X)
        return np.asarray(squares.sum(axis=0) if weights is None else squares.T @ weights, np.float32).ravel()

    def rows(self, at: NDArray[Any]) -> Matrix:  # noqa: D102
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


def fit_linear(
    X: Design,
    targets: Targets,
    task: Task,
    *,
    C: float,
    loss: Loss = "squared_hinge",
    class_weight: ClassWeight = None,
    weights: NDArray[np.float64] | None = None,
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
        weights: (n,) above 0: what each row counts, besides that; None is 1 each.
        start: a model to start from, such as that of another C.
    """
    Y = target_matrix(targets, task)
    row_weights = balance(Y, task, weights) if class_weight == "balanced" else np.ones((1, 1), np.float32)
    counts = None
    if weights is not None:
        mean = float(weights.mean())
        C, counts = C * mean, (weights / mean).astype(np.float32)  # whatever their size, float32 holds them
        row_weights = row_weights * counts[:, None]
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
        return total + dot(W[:-1], W[:-1]) / 2, gradient

    squares = np.append(X.squares(counts), np.float32(X.shape[0] if counts is None else counts.sum()))
    preconditioner = (1 / (1 + 0.3 * C * squares)).astype(np.float32)[:, None]
    zeros = np.zeros((X.shape[1] + 1, Y.shape[1]), np.float32)
    W = minimize(objective, zeros if start is None else np.vstack((start.weights, start.bias[None])), preconditioner)
    return LinearModel(W[:-1], W[-1])


def target_matrix(targets: Targets, task: Task) -> Floats:
    """(n, m) 0/1 targets: one column for two labels of which a text has one, else one per label."""
    if task.multi_label:
        wanted = targets
    elif len(task) == 2:
        wanted = targets[:, None] == 1
    else:
        wanted = targets[:, None] == np.arange(len(task))
    return np.asarray(wanted, np.float32)


def balance(Y: Floats, task: Task, weights: NDArray[np.float64] | None = None) -> Floats:
    """Weights of rows, (n, 1), or of rows and labels, (n, k), under which labels count the same; 1 on average.

    Args:
        Y: (n, m) targets, see ``target_matrix``.
        task: the labels.
        weights: (n,) above 0: what each row counts besides; it is by these that labels then count the same.
    """
    if task.multi_label or Y.shape[1] == 1:
        share = Y.mean(axis=0) if weights is None else np.average(Y, axis=0, weights=weights)
        positive = np.clip(share, 1 / len(Y), 1 - 1 / len(Y))
        return np.asarray(np.where(Y > 0, 0.5 / positive, 0.5 / (1 - positive)), np.float32)
    total, counts = (len(Y), Y.sum(axis=0)) if weights is None else (weights.sum(), weights @ Y)
    counts = np.where(counts > 0, counts, 1)  # no row has such a label, and needs its weight
    return np.asarray(Y @ (total / (np.count_nonzero(Y.any(axis=0)) * counts)), np.float32)[:, None]


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
