from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.evaluation.proportions import rows_for, wilson


def test_the_interval_is_that_of_the_books() -> None:
    # Newcombe, Statistics in Medicine 1998, table I: 81 of 263.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


@given(st.floats(0.01, 0.3), st.floats(0, 1))
def test_as_few_rows_as_suffice(half: float, share: float) -> None:
    def width(n: int) -> float:
        low, high = wilson(share, n)
        return high - low

    n = rows_for(half, share)
    assert width(n) <= 2 * half
    assert n == 1 or width(n - 1) > 2 * half
