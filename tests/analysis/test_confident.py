from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft.analysis.confident import confident_joint, given_rates, right_chances

N, K = 3_000, 4


@pytest.fixture
def noisy() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Probabilities that are right about the truth, and labels of which a tenth is moved to the next label."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(K, 0.1), N).astype(np.float32)
    true = np.array([rng.choice(K, p=row / row.sum()) for row in p.astype(np.float64)])
    moved = rng.random(N) < 0.1
    return p, np.where(moved, (true + 1) % K, true), moved


def test_the_joint_has_as_many_rows_of_each_given_label_as_there_are(noisy) -> None:  # type: ignore[no-untyped-def]
    p, given, moved = noisy
    joint = confident_joint(p, given)
    assert joint.counts.sum(axis=1) == pytest.approx(np.bincount(given, minlength=K))
    assert moved.sum() < joint.wrong < 2 * moved.sum()  # texts that are hard to tell are counted too


def test_rates_say_which_label_is_given_in_place_of_which(noisy) -> None:  # type: ignore[no-untyped-def]
    p, given, _ = noisy
    rates = given_rates(p, given)
    assert rates.sum(axis=0) == pytest.approx(np.ones(K), abs=1e-5)
    nexts = rates[(np.arange(K) + 1) % K, np.arange(K)]
    others = rates[(np.arange(K) + 2) % K, np.arange(K)]
    assert (nexts > 0.05).all()
    assert (others < 0.05).all()


def test_rows_with_moved_labels_come_first(noisy) -> None:  # type: ignore[no-untyped-def]
    p, given, moved = noisy
    right, likeliest = right_chances(p, given, given_rates(p, given))
    by_loss = p[np.arange(N), given]
    first = [np.argsort(ranking)[: moved.sum()] for ranking in (right, by_loss)]
    assert moved[first[0]].mean() > moved[first[1]].mean()
    assert ((likeliest != given) == (right < 0.5)).mean() > 0.9


def test_votes_move_a_row_and_nothing_else(noisy) -> None:  # type: ignore[no-untyped-def]
    p, given, _ = noisy
    rates = given_rates(p, given)
    votes = np.full((N, K), 1 / K, np.float32)
    votes[0] = np.where(np.arange(K) == given[0], 0.97, 0.01)
    with_votes, _ = right_chances(p, given, rates, votes)
    without, _ = right_chances(p, given, rates)
    assert with_votes[1:] == pytest.approx(without[1:], abs=1e-6)
    assert with_votes[0] > without[0]


def test_a_label_that_no_row_is_given_changes_nothing(noisy) -> None:  # type: ignore[no-untyped-def]
    p, given, _ = noisy
    more = np.concatenate((p, np.zeros((N, 1), np.float32)), axis=1)
    joint = confident_joint(more, given)
    assert joint.counts[K].sum() == joint.counts[:, K].sum() == 0
    assert np.isfinite(right_chances(more, given, given_rates(more, given))[0]).all()


@pytest.mark.parametrize("n", [2, 3, 10])
def test_few_rows_give_figures(n: int) -> None:
    p = np.full((n, 2), 0.5, np.float32)
    given = np.arange(n) % 2
    right, _ = right_chances(p, given, given_rates(p, given))
    assert ((right > 0) & (right < 1)).all()
    assert np.isfinite(confident_joint(p, given).wrong)
