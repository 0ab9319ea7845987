"""Linear models and their losses.

Minimises ``C * sum_i w_i loss(x_i W + b, y_i) + |W|^2 / 2`` over all labels together, as scikit-learn's linear models
do: a row of weight 2 is that row twice, and all weights times 2 are C times 2. It is preconditioned with the diagonal
of a bound on the Hessian: frequent n-grams, and features of large variance, have a far larger curvature than the
others, and without it the solver spends most of its steps on finding that out.

Where each label is fitted against the rest, labels do not depend on each other: many are fitted some at a time, so that
the solver's memory does not grow with their number. Where they do, rows are gone through some at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.calibration import score_columns
from textgraft.label_sets import LabelSets
from textgraft.linear.minimizing import dot, minimize
from textgraft.task import Targets, Task

Floats = NDArray[np.float32]
Loss = Literal["logistic", "squared_hinge"]
ClassWeight = Literal["balanced"] | None

MOST_AT_ONCE: Final = 1 << 23  # weights and scores; the solver keeps some 26 numbers for each


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

    def rows(self, at: NDArray[Any] | slice) -> Design:
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

    def rows(self, at: NDArray[Any] | slice) -> Matrix:  # noqa: D102
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
        scores = np.empty((X.shape[0], len(self.bias)), np.float32)
        for labels in _slices(len(self.bias), sum(X.shape)):
            scores[:, labels] = X.times(self.weights[:, labels]) + self.bias[labels]
        return scores


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
    labels: NDArray[np.int64] | None = None,
) -> LinearModel:
    """Fits a linear model.

    Args:
        X: the design, n rows.
        targets: (n,) int64, or the n sets of labels of a multi-label task.
        task: the labels.
        C: the inverse strength of the regularisation.
        loss: ``"logistic"`` (over all labels together where a text has one of several: softmax) or
            ``"squared_hinge"`` (one label against the rest: a linear SVM).
        class_weight: ``"balanced"`` weighs rows so that all labels, or both sides of a label, count the same.
        weights: (n,) above 0: what each row counts, besides that; None is 1 each.
        start: a model to start from, such as that of another C.
        labels: the places of those to fit, where each is told from the rest; None for all.
    """
    (n, f), m, sets = X.shape, score_columns(task), task.sets(targets)
    one_of_several = m > 1 and not task.multi_label
    together = loss == "logistic" and one_of_several
    balance = class_weight == "balanced"
    counts = np.ones(n, np.float32)
    if weights is not None:
        C *= float(weights.mean())
        counts = (weights / weights.mean()).astype(np.float32)  # whatever their size, float32 holds them
    squares = np.append(X.squares(counts), counts.sum())
    preconditioner = (1 / (1 + 0.3 * C * squares)).astype(np.float32)[:, None]
    if balance and one_of_several:
        counts = counts * balanced_rows(sets, weights)
    if labels is not None:
        sets, m = sets.only(labels), len(labels)
    rows = _slices(n, m) if together else [slice(0, n)]
    parts = [X] if len(rows) == 1 else [X.rows(at) for at in rows]
    W = np.empty((f + 1, m), np.float32)
    for some in [slice(0, m)] if together else _slices(m, n + f):
        columns = slice(some.start + sets.width - m, some.stop + sets.width - m)  # of two labels the second
        sides = balanced_sides(sets, columns, weights) if balance and not one_of_several else None
        of_parts = [
            _Part(part, sets[at], columns, counts[at, None], sides, _softmax if together else _LOSSES[loss])
            for part, at in zip(parts, rows, strict=True)
        ]
        begin = np.zeros((f + 1, some.stop - some.start), np.float32)
        if start is None:
            begin[-1] = _constants(sets, columns, counts, sides, loss)
        else:
            begin[:-1], begin[-1] = start.weights[:, some], start.bias[some]
        W[:, some] = minimize(_Objective(of_parts, C), begin, preconditioner)
    return LinearModel(W[:-1], W[-1])


def _constants(sets: LabelSets, labels: slice, counts: Floats, sides: Floats | None, loss: Loss) -> Floats:
    """(m,) the bias that is best where there are no features; a solver that starts there is done with rare labels soon.

    Under the softmax what it adds to all labels alike changes nothing.
    """
    carried = sets.weighed(counts.astype(np.float64))[labels]
    others = counts.sum() - carried
    if sides is not None:
        carried, others = carried * sides[1], others * sides[0]
    share = carried / (carried + others)
    if loss == "squared_hinge":
        return np.asarray(2 * share - 1, np.float32)
    share = np.clip(share, 1e-4, 1 - 1e-4)  # of a label that all rows carry there is no best one
    return np.asarray(np.log(share / (1 - share)), np.float32)


def _slices(n: int, size: int) -> list[slice]:
    """All of n things that take ``size`` numbers each, as many at a time as ``MOST_AT_ONCE`` allows."""
    step = max(1, min(n, MOST_AT_ONCE // max(1, size)))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


@dataclass(frozen=True)
class _Part:
    """The loss of some rows, for some labels."""

    X: Design
    sets: LabelSets
    labels: slice
    weights: Floats  # (n, 1)
    sides: Floats | None  # (2, m) what rows without and with each label count besides
    per_row: Callable[[Floats, NDArray[np.bool_]], tuple[Floats, Floats]]

    def __call__(self, W: Floats) -> tuple[float, Floats]:
        """The sum over the rows, and its gradient by W, whose last row is the bias."""
        Y = self.sets.columns(self.labels.start, self.labels.stop)
        values, slopes = self.per_row(self.X.times(W[:-1]) + W[-1], Y)
        weights = self.weights if self.sides is None else self.weights * np.where(Y, self.sides[1], self.sides[0])
        slopes *= weights
        gradient = np.empty_like(W)
        gradient[:-1] = self.X.transposed_times(slopes)
        gradient[-1] = slopes.sum(axis=0)
        return float(np.sum(values * weights, dtype=np.float64)), gradient


@dataclass(frozen=True)
class _Objective:
    """What is minimised: ``C`` times the losses of all parts, and the regularisation."""

    parts: Sequence[_Part]
    C: float

    def __call__(self, W: Floats) -> tuple[float, Floats]:
        total, gradient = self.parts[0](W)
        for part in self.parts[1:]:
            more, slopes = part(W)
            total += more
            gradient += slopes
        gradient *= np.float32(self.C)
        gradient[:-1] += W[:-1]
        return self.C * total + dot(W[:-1], W[:-1]) / 2, gradient


def balanced_rows(sets: LabelSets, weights: NDArray[np.float64] | None = None) -> Floats:
    """(n,) weights of rows that carry one label each, under which labels count the same; 1 on average.

    ``weights`` (n,) above 0 are what each row counts besides; it is by these that labels then count the same.
    """
    weights = np.ones(len(sets)) if weights is None else weights
    totals = sets.weighed(weights)
    carried = totals > 0  # no row has another label, and needs its weight
    share = weights.sum() / (np.count_nonzero(carried) * np.where(carried, totals, 1))
    return np.asarray(share[sets.labels], np.float32)


def balanced_sides(sets: LabelSets, labels: slice, weights: NDArray[np.float64] | None = None) -> Floats:
    """(2, m) weights of rows without and with each of m labels, under which both sides count the same."""
    weights = np.ones(len(sets)) if weights is None else weights
    share = np.clip(sets.weighed(weights)[labels] / weights.sum(), 1 / len(sets), 1 - 1 / len(sets))
    return np.asarray(np.stack((0.5 / (1 - share), 0.5 / share)), np.float32)


def _softmax(scores: Floats, Y: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The multinomial logistic loss by row, (n, 1), and its slope by score."""
    scores = scores - scores.max(axis=1, keepdims=True)
    slopes = np.exp(scores)
    sums = slopes.sum(axis=1, keepdims=True)
    losses = np.log(sums) - (scores * Y).sum(axis=1, keepdims=True)
    slopes /= sums
    slopes -= Y
    return losses, slopes


def _logistic(scores: Floats, Y: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    losses = np.logaddexp(0, scores) - scores * Y
    return losses, np.asarray((1 + np.tanh(scores / 2)) / 2 - Y, np.float32)


def _squared_hinge(scores: Floats, Y: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    signs = np.where(Y, np.float32(1), np.float32(-1))
    lack = np.maximum(0, 1 - signs * scores)
    return lack * lack, -2 * signs * lack


_LOSSES = {"logistic": _logistic, "squared_hinge": _squared_hinge}
