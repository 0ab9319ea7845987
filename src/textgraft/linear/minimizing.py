"""L-BFGS (Liu and Nocedal 1989), preconditioned with a diagonal.

All sums have one fixed order, so the result does not depend on the number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import TrainingError

Floats = NDArray[np.float32]

_MEMORY, _STEPS, _TOLERANCE, _PATIENCE = 10, 100, 1e-3, 5


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
        slope = dot(gradient, direction)
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
        curvature = dot(step, change)
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
        share = dot(step, direction) / curvature
        direction -= np.float32(share) * change
        shares.append(share)
    direction *= preconditioner
    if pairs:
        _, change, curvature = pairs[-1]
        direction *= np.float32(curvature / dot(change, change * preconditioner))
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        direction += np.float32(share - dot(change, direction) / curvature) * step
    return direction


def dot(a: Floats, b: Floats) -> float:
    """The inner product of two matrices; not through BLAS, whose order of summing depends on its threads."""
    return float(np.einsum("ij,ij->", a, b))
