from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from textgraft.evaluation.proportions import auc_ends, rows_for, share_ends, wilson


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


@given(st.integers(1, 200), st.data())
def test_ends_of_a_share_are_where_so_few_or_many_hits_have_half_of_five_percent(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = share_ends(hits, n)
    assert 0 <= low < high <= 1
    if hits:
        assert binom.sf(hits, n, low) + binom.pmf(hits, n, low) / 2 == pytest.approx(0.025, abs=1e-6)
    if hits < n:
        assert binom.cdf(hits - 1, n, high) + binom.pmf(hits, n, high) / 2 == pytest.approx(0.025, abs=1e-6)
    assert share_ends(n - hits, n) == pytest.approx(1 - np.array([high, low]), abs=1e-9)


def test_a_share_of_no_rows_can_be_anything() -> None:
    assert share_ends([0], [0]).tolist() == [[0, 1]]


@pytest.mark.parametrize("share", [0.6, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("n", [10, 20, 50, 100, 500])
def test_shares_are_covered(n: int, share: float) -> None:
    low, high = share_ends(np.arange(n + 1), np.full(n + 1, n)).T
    covered = binom.pmf(np.arange(n + 1), n, share)[(low <= share) & (share <= high)].sum()
    assert 0.93 <= covered <= 0.99


def test_an_area_of_one_is_known_the_better_the_more_rows_there_are() -> None:
    few, many = auc_ends(1.0, 5, 5), auc_ends(1.0, 500, 500)
    assert few[1] == many[1] == 1
    assert few[0] < 0.75
    assert 0.98 < many[0] < 1
