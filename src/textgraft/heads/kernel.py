"""An RBF kernel as features of a linear model: of few rows exact, of more by Nystroem's method.

``exp(-gamma |x - y|^2)`` with m landmarks among the rows is approximated by the inner products of m features
(Williams and Seeger 2000, Using the Nystroem Method to Speed Up Kernel Machines). Where all rows are landmarks, that is
the kernel itself. A linear model on these features is one on the kernel's values, which is all that predicting needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.extras import import_scipy
from textgraft.heads.distances import blocks, squared_distances, unit
from textgraft.linear import LinearModel, Matrix

Floats = NDArray[np.float32]

MOST_LANDMARKS, FEW_LANDMARKS, FEWEST_LANDMARKS = 4_096, 500, 256
_MOST_FEATURES = 1 << 26  # rows times landmarks; 256 MB
_MOST_PRODUCTS = 1 << 31  # rows times landmarks times labels, which the solver goes through some hundred times
_JITTER = 1e-5  # on the diagonal: rows that are nearly alike make the kernel nearly singular


def landmarks_for(rows: int, labels: int) -> int:
    """How many landmarks memory and time allow; at least 256."""
    most = min(MOST_LANDMARKS, _MOST_FEATURES // rows, _MOST_PRODUCTS // (rows * labels))
    return max(FEWEST_LANDMARKS, most)


@dataclass(frozen=True)
class RbfKernel:
    """The values of a kernel between any rows and its (m, d) landmarks."""

    landmarks: Floats
    gamma: float

    def values(self, X: NDArray[Any]) -> NDArray[Any]:
        """(n, m) of (n, d) vectors of length 1, in their precision."""
        exponents = squared_distances(X, self.landmarks.astype(X.dtype))
        np.maximum(exponents, 0, out=exponents)
        exponents *= -self.gamma
        np.exp(exponents, out=exponents)
        return exponents

    def scores(self, X: Floats, model: LinearModel) -> Floats:
        """(n, m) of a linear model on the values of (n, d) vectors of an encoder, some rows at a time."""
        scores = np.empty((len(X), len(model.bias)), np.float32)
        for rows in blocks(len(X), len(self.landmarks)):
            scores[rows] = model.scores(Matrix(self.values(unit(X[rows]))))
        return scores


class Nystroem:
    """Features whose inner products are the values of a kernel."""

    def __init__(self, kernel: RbfKernel) -> None:
        scipy = import_scipy("Training a kernel head")
        self.kernel = kernel
        values = kernel.values(kernel.landmarks.astype(np.float64))
        values[np.diag_indices_from(values)] += _JITTER
        self._root = scipy.linalg.cholesky(values, lower=True, overwrite_a=True, check_finite=False)

    def features(self, X: Floats) -> Floats:
        """(n, m) of (n, d) vectors of an encoder."""
        scipy = import_scipy("Training a kernel head")
        root, features = self._root.astype(np.float32), np.empty((len(X), len(self._root)), np.float32)
        for rows in blocks(*features.shape):
            values = self.kernel.values(unit(X[rows]))
            features[rows] = scipy.linalg.solve_triangular(root, values.T, lower=True, check_finite=False).T
        return features

    def on_values(self, model: LinearModel) -> LinearModel:
        """The model on the kernel's values that scores as one on the features does."""
        scipy = import_scipy("Training a kernel head")
        weights = scipy.linalg.solve_triangular(
            self._root, model.weights.astype(np.float64), lower=True, trans="T", check_finite=False
        )
        return LinearModel(np.asarray(weights, np.float32), model.bias)
