"""How well a share is known from so many rows: what a test part can tell, before anything is trained."""

from __future__ import annotations

import math

Z = 1.959964  # of the normal distribution, for 95 %


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share that is seen in n rows (Wilson, JASA 1927).

    Args:
        share: of the rows, from 0 to 1.
        n: rows, at least 1.
    """
    scale = 1 + Z * Z / n
    middle = (share + Z * Z / (2 * n)) / scale
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / scale
    return middle - half, middle + half


def rows_for(half: float, share: float) -> int:
    """The fewest rows from which a share is known to ``half`` either way, as ``wilson`` has it."""
    least, most = 0, 1
    while _half(share, most) > half:
        least, most = most, 2 * most
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if _half(share, middle) <= half else (middle, most)
    return most


def _half(share: float, n: int) -> float:
    low, high = wilson(share, n)
    return (high - low) / 2
