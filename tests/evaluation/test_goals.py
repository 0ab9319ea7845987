"""Thresholds for a wanted precision or recall: what is guaranteed holds, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft.decision import Decision, Goal
from textgraft.evaluation.exact_tests import LEVEL
from textgraft.evaluation.goals import about_goals, choose_goals
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.wanted import Wanted
from textgraft.task import Task

DRAWS = 200
ONE, SEVERAL = Task(("a", "b", "c"), False), Task(("a", "b", "rare"), True)
Drawn = tuple[Predictions, NDArray[np.float64]]


def several(rng: np.random.Generator, n: int, sharpness: float) -> Drawn:
    """Rows whose probabilities are a power of the true ones, and (n, k) the true ones."""
    true = np.stack([rng.beta(0.3, 0.6, n), rng.beta(0.2, 1.5, n), rng.beta(0.1, 2, n)], axis=1)
    return check_predictions(true**sharpness, rng.random((n, 3)) < true, SEVERAL), true


def one(rng: np.random.Generator, n: int, sharpness: float) -> Drawn:
    true = rng.dirichlet([0.25, 0.15, 0.1], n)
    targets = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    stated = (true + 1e-9) ** sharpness
    return check_predictions(stated / stated.sum(axis=1, keepdims=True), targets, ONE), true


def given_by(decision: Decision, predictions: Predictions, j: int) -> NDArray[np.bool_]:
    targets = decision.targets(predictions.probabilities, predictions.task)
    return np.asarray(targets[:, j] if predictions.task.multi_label else targets == j)


@pytest.mark.parametrize(
    ("draw", "j", "n", "sharpness", "wanted"),
    [
        (several, 0, 1500, 1, Wanted("precision", 0.9)),
        (several, 0, 400, 3, Wanted("precision", 0.8)),
        (several, 2, 1500, 0.5, Wanted("recall", 0.9)),
        (several, 1, 400, 3, Wanted("recall", 0.8)),
        (one, 2, 1500, 3, Wanted("precision", 0.9)),
        (one, 2, 500, 0.5, Wanted("precision", 0.8)),
        (one, 1, 500, 1, Wanted("recall", 0.9)),
    ],
)
def test_what_is_wanted_is_reached_with_the_stated_chance(
    draw: type, j: int, n: int, sharpness: float, wanted: Wanted
) -> None:
    rng = np.random.default_rng(0)
    everyone, true = draw(rng, 40_000, sharpness)
    missed = found = 0
    for _ in range(DRAWS):
        predictions, _ = draw(rng, n, sharpness)
        chosen = choose_goals({j: wanted}, predictions, Decision.usual(predictions.task))
        if chosen.goals:
            found += 1
            taken = given_by(chosen.decision, everyone, j)
            hits = true[taken, j].sum()
            missed += hits < wanted.share * (taken.sum() if wanted.measure == "precision" else true[:, j].sum())
    share = 1 - LEVEL
    assert missed <= DRAWS * (share + 3.1 * np.sqrt(share * (1 - share) / DRAWS))
    assert found > DRAWS / 2


@pytest.mark.parametrize(("draw", "j"), [(several, 0), (one, 2)])
def test_what_can_be_reached_is_reached_at_little_cost(draw: type, j: int) -> None:
    predictions, _ = draw(np.random.default_rng(1), 20_000, 1)
    for wanted in (Wanted("precision", 0.9), Wanted("recall", 0.9)):
        (goal,) = choose_goals({j: wanted}, predictions, Decision.usual(predictions.task)).goals
        share = goal.hits / (goal.given if wanted.measure == "precision" else goal.carry)
        assert wanted.share < share < wanted.share + 0.02
    assert (goal.rows, goal.carry) == (20_000, predictions.truth[:, j].sum())


@settings(max_examples=100)
@given(
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.sampled_from([one, several]),
    st.sampled_from(["precision", "recall"]),
    st.floats(0.01, 0.99),
    st.integers(0, 6),
)
def test_what_is_counted_is_what_the_decision_gives_and_other_thresholds_stay(
    seed: int, n: int, draw: type, measure: str, share: float, digits: int
) -> None:
    rng = np.random.default_rng(seed)
    predictions, _ = draw(rng, n, 1)
    p = np.round(predictions.probabilities, digits).astype(np.float32)  # with ties, zeros and ones
    if not predictions.task.multi_label:
        p = (p + 1e-9) / (p + 1e-9).sum(axis=1, keepdims=True)
    predictions = check_predictions(p, predictions.targets, predictions.task)
    before = Decision(np.array([0.2, 0.5, 0.3], np.float32))
    chosen = choose_goals({1: Wanted(measure, share)}, predictions, before)
    if not chosen.goals:
        assert chosen.unreached.keys() == {"b"}
        assert chosen.decision.thresholds.tolist() == before.thresholds.tolist()
        return
    (goal,), taken = chosen.goals, given_by(chosen.decision, predictions, 1)
    assert (goal.given, goal.hits) == (taken.sum(), (taken & predictions.truth[:, 1]).sum())
    assert goal.hits >= share * (goal.given if measure == "precision" else goal.carry)
    assert ((chosen.decision.thresholds > 0) & (chosen.decision.thresholds < 1)).all()
    ratio = chosen.decision.thresholds[[0, 2]] / before.thresholds[[0, 2]]
    assert ratio[0] == pytest.approx(1 if predictions.task.multi_label else ratio[1], rel=1e-5)


def test_what_is_out_of_reach_is_said_with_the_highest_that_is_not() -> None:
    predictions, _ = several(np.random.default_rng(2), 1_000, 1)
    usual = Decision.usual(SEVERAL)
    chosen = choose_goals({0: Wanted("precision", 0.999), 2: Wanted("recall", 0.99)}, predictions, usual)
    carry, rare = (int(predictions.truth[:, j].sum()) for j in (0, 2))
    assert chosen.decision.thresholds.tolist() == [0.5] * 3
    first, second = chosen.unreached.values()
    assert first.startswith(
        f"No threshold of 'a' is sure to reach a precision of 99.9 % on 1,000 rows, of which {carry} carry it: that "
        "takes 2,995 rows that carry it, and no error. The highest that they show is "
    )
    percents = int(first.split()[-2])
    assert choose_goals({0: Wanted("precision", percents / 100)}, predictions, usual).goals
    highest = int(100 * 0.05 ** (1 / rare))  # of recall, where no row that carries it is missed
    assert second == (
        f"No threshold of 'rare' is sure to reach a recall of 99 % on 1,000 rows, of which {rare} carry it: that takes "
        f"299 rows that carry it. The highest that they show is {highest} %."
    )
    assert about_goals(chosen, SEVERAL).endswith(f"show is {highest} %. Its threshold stays at 0.500.")


@pytest.mark.parametrize("measure", ["precision", "recall"])
@pytest.mark.parametrize("positive", [False, True])
def test_rows_without_the_label_or_one_row_reach_nothing_and_say_so(measure: str, positive: bool) -> None:
    for n in (1, 5):
        predictions = check_predictions(np.full((n, 3), 0.3), np.full((n, 3), positive and n == 1), SEVERAL)
        chosen = choose_goals({1: Wanted(measure, 0.9)}, predictions, Decision.usual(SEVERAL))
        assert not chosen.goals
        assert "that takes 29 rows that carry it" in chosen.unreached["b"]


def test_a_goal_is_read_as_it_was_written() -> None:
    goal = Goal("spam", "recall", 0.9, 0.95, 100, 60, 50, 48, "f")
    assert Goal.from_dict(goal.to_dict()) == goal
    for wrong in ({"measure": "f1"}, {"rows": 1.5}, {"label": 3}, {"more": 1}):
        with pytest.raises((ValueError, TypeError)):
            Goal.from_dict(goal.to_dict() | wrong)
