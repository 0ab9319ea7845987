"""Inputs of the tiny networks in ``conftest.py``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


def batches(seed: int = 0, count: int = 4) -> list[tuple[Ids, Ids]]:
    rng = np.random.default_rng(seed)
    found = []
    for length in range(5, 5 + count):
        mask = (np.arange(length) < rng.integers(1, length + 1, (6, 1))).astype(np.int64)
        found.append((rng.integers(5, 15, (6, length)) * mask, mask))
    return found
