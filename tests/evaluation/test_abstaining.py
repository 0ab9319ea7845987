"""When to abstain, which labels are possible, what is out of scope: what is guaranteed holds, by simulation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft.decision import Abstention, confidence
from textgraft.errors import DataError
from textgraft.evaluation.abstaining import (
    abstention_for,
    choose_scope,
    choose_sets,
    choose_sureness,
    unreached,
)
from textgraft.evaluation.exact_tests import LEVEL
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.selective import OfFolds, OutOfScope, Selective, selective, tell_apart
from textgraft.report.abstaining import abstaining
from textgraft.task import Task

DRAWS = 200
TASK = Task(("a", "b", "c"), False)
SEVERAL = Task(("a", "b", "c"), True)


def drawn(rng: np.random.Generator, n: int, sharpness: float = 1.0) -> tuple[Predictions, NDArray[np.float64]]:
    """Rows whose probabilities are a power of the true ones, and (n, k) the true ones."""
    true = rng.dirichlet([0.25, 0.15, 0.1], n)
    targets = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    stated = (true + 1e-9) ** sharpness
    return check_predictions(stated / stated.sum(axis=1, keepdims=True), targets, TASK), true


def drawn_several(rng: np.random.Generator, n: int) -> Predictions:
    true = rng.beta(0.2, 0.6, (n, 3))
    return check_predictions(true**1.3, rng.random((n, 3)) < true, SEVERAL)


def most(share: float, draws: int) -> float:
    """What a share of so many draws exceeds once in a thousand cases or less."""
    return share + 3.1 * float(np.sqrt(share * (1 - share) / draws))


@pytest.mark.parametrize(
    ("sharpness", "wanted", "n"), [(1, 0.95, 600), (3, 0.95, 600), (0.5, 0.9, 300), (3, 0.97, 1500)]
)
def test_answers_are_as_right_as_wanted_with_the_stated_chance(sharpness: float, wanted: float, n: int) -> None:
    rng = np.random.default_rng(0)
    everyone, true = drawn(rng, 100_000, sharpness)
    sure = confidence(everyone.probabilities, everyone.predicted)
    right = true[np.arange(len(true)), everyone.predicted]
    missed = found = 0
    for _ in range(DRAWS):
        chosen = choose_sureness(drawn(rng, n, sharpness)[0], wanted)
        if chosen is not None:
            found += 1
            missed += right[sure >= chosen.threshold].mean() < wanted
    assert missed <= DRAWS * most(1 - LEVEL, DRAWS)
    assert found > DRAWS / 2


def test_a_model_whose_confidence_says_nothing_reaches_no_more_than_its_accuracy() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(DRAWS):
        probabilities = rng.dirichlet([0.3, 0.3], 400)
        right = rng.random(400) < 0.9
        targets = np.where(right, probabilities.argmax(axis=1), probabilities.argmin(axis=1))
        found += choose_sureness(check_predictions(probabilities, targets, Task(("a", "b"), False)), 0.9) is not None
    assert found <= DRAWS * most(1 - LEVEL, DRAWS)


def test_what_can_be_reached_is_reached_at_a_good_part_of_the_best_coverage() -> None:
    rng = np.random.default_rng(2)
    predictions, true = drawn(rng, 4_000)
    chosen = choose_sureness(predictions, 0.95)
    assert chosen is not None
    right = np.sort(true.max(axis=1))[::-1]
    best = np.flatnonzero(right.cumsum() / np.arange(1, 4_001) >= 0.95)[-1] + 1
    assert 0.85 * best < chosen.answered <= best


def test_an_accuracy_that_is_out_of_reach_is_refused_with_the_best_that_is_not() -> None:
    predictions = drawn(np.random.default_rng(3), 1_000)[0]
    abstention, said = abstention_for(predictions, 0.9999)
    assert abstention == Abstention()
    assert said.endswith("that takes 29,956 answers without an error. Give more rows, or ask for less.")
    rng = np.random.default_rng(4)
    noise = check_predictions(rng.dirichlet([1, 1, 1], 1_000), rng.integers(0, 3, 1_000), TASK)
    said = unreached(noise, 0.9)
    assert said.startswith(
        "No threshold on confidence is sure to reach an accuracy of 90 % on 1,000 rows. The highest "
    )
    percents = int(said.partition(" show is ")[2].partition(" %")[0])
    assert 25 < percents < 34
    assert choose_sureness(noise, percents / 100) is not None


@pytest.mark.parametrize("n", [1, 10, 98])
def test_ten_rows_reach_nothing_and_say_how_many_would(n: int) -> None:
    sure = np.tile([0.999, 0.0005, 0.0005], (n, 1))
    predictions = check_predictions(sure, np.zeros(n, np.int64), TASK)
    assert choose_sureness(predictions, 0.97) is None
    assert "that takes 99 answers without an error" in unreached(predictions, 0.97)


def test_equal_confidences_are_answered_together() -> None:
    probabilities = np.repeat([[0.9, 0.1], [0.6, 0.4]], 300, axis=0)
    targets = np.array([0] * 299 + [1] + [0] * 200 + [1] * 100)
    chosen = choose_sureness(check_predictions(probabilities, targets, Task(("a", "b"), False)), 0.95)
    assert chosen is not None
    assert (chosen.threshold, chosen.answered, chosen.right) == (0.9, 300, 299)


def test_what_is_out_of_scope_is_never_answered_and_not_counted_for_accuracy() -> None:
    predictions = drawn(np.random.default_rng(5), 1_000)[0]
    inside = np.arange(1_000) % 2 == 0
    chosen = choose_sureness(predictions, 0.9, inside)
    half = choose_sureness(predictions.select(np.flatnonzero(inside)), 0.9)
    assert chosen is not None
    assert half is not None
    assert (chosen.threshold, chosen.answered, chosen.right) == (half.threshold, half.answered, half.right)
    assert choose_sureness(predictions, 0.9, np.zeros(1_000, np.bool_)) is None


@pytest.mark.parametrize(("by_label", "several", "n"), [*product((False, True), (False, True), (60, 400))])
def test_sets_hold_what_is_true_of_the_wanted_share(by_label: bool, several: bool, n: int) -> None:
    rng = np.random.default_rng(6)
    draw: Any = drawn_several if several else lambda rng, n: drawn(rng, n, 2)[0]
    everyone = draw(rng, 20_000)
    covered = []
    for _ in range(DRAWS):
        sets = choose_sets(draw(rng, n), 0.9, by_label=by_label)
        members = sets.members(everyone.probabilities, everyone.predicted)
        truth = everyone.truth
        if by_label:
            covered.append([members[truth[:, j], j].mean() for j in range(3)])
        else:
            covered.append([(members | ~truth).all(axis=1).mean()])
    of_draws = np.array(covered)
    error = of_draws.std(axis=0) / np.sqrt(DRAWS) + np.sqrt(0.09 / 20_000 / 0.1)
    assert (of_draws.mean(axis=0) >= 0.9 - 3 * error).all()
    if not by_label and not several:
        assert of_draws.mean() < 0.93  # not by holding everything


def test_sets_of_too_few_rows_hold_every_label() -> None:
    predictions = drawn(np.random.default_rng(7), 15)[0]
    sets = choose_sets(predictions, 0.95)
    assert set(sets.floors) == {0.0}
    assert sets.members(predictions.probabilities, predictions.predicted).all()


def test_a_set_always_holds_what_is_predicted() -> None:
    predictions = drawn(np.random.default_rng(8), 2_000)[0]
    sets = choose_sets(predictions, 0.3)
    members = sets.members(predictions.probabilities, predictions.predicted)
    assert members[np.arange(2_000), predictions.predicted].all()


@pytest.mark.parametrize("familiar", [False, True])
def test_texts_in_scope_are_called_out_of_it_as_seldom_as_wanted(familiar: bool) -> None:
    rng = np.random.default_rng(9)
    shares = []
    for _ in range(DRAWS):
        here, there = drawn(rng, 150)[0], drawn(rng, 2_000)[0]
        likeness = [rng.gamma(2, 1, len(each)) if familiar else None for each in (here, there)]
        scope = choose_scope(here, likeness[0], 0.05)
        reasons = Abstention(scope=scope).reasons(there.probabilities, there.predicted, likeness[1])
        shares.append(np.mean([reason == "out of scope" for reason in reasons]))
    assert np.mean(shares) <= 0.05 + 3 * np.std(shares) / np.sqrt(DRAWS)
    assert np.mean(shares) > 0.03


def test_familiarity_tells_what_confidence_does_not() -> None:
    rng = np.random.default_rng(10)
    here, there = drawn(rng, 1_000)[0], drawn(rng, 1_000)[0]
    scope = choose_scope(here, rng.normal(2, 1, 1_000), 0.05)
    sides = [
        (confidence(each.probabilities, each.predicted), rng.normal(mean, 1, 1_000))
        for each, mean in ((here, 2), (there, 0))
    ]
    found = tell_apart(scope, *sides)  # type: ignore[arg-type]
    assert found.auroc.low > found.auroc_of_confidence.high
    assert found.auroc_of_confidence.low < 0.5 < found.auroc_of_confidence.high
    assert OutOfScope.from_dict(found.to_dict()) == found
    without = tell_apart(None, *sides)  # type: ignore[arg-type]
    assert without.auroc == without.auroc_of_confidence
    assert without.found is None


def test_a_scope_needs_rows_enough_for_its_false_alarms() -> None:
    with pytest.raises(DataError, match=r"10\.0% of false alarms, cannot be told from 10 rows; give at least 20"):
        choose_scope(drawn(np.random.default_rng(11), 10)[0], None, 0.1)
    with pytest.raises(DataError, match="give at least 999"):
        choose_scope(drawn(np.random.default_rng(11), 900)[0], None, 0.001)


def test_figures_of_a_model_that_abstains_come_with_intervals_and_as_plain_data() -> None:
    rng = np.random.default_rng(12)
    chosen, test = (drawn(rng, 2_000)[0] for _ in range(2))
    abstention = Abstention(choose_sureness(chosen, 0.95), choose_scope(chosen, None, 0.1), choose_sets(chosen, 0.9))
    found = selective(test, abstention)
    assert found.at_threshold is not None
    assert found.sets is not None
    assert found.at_threshold.accuracy.high > 0.95
    assert found.at_threshold.accuracy.low < found.at_threshold.accuracy.value < found.at_threshold.accuracy.high
    assert found.sets.coverage.low < 0.9 < found.sets.coverage.high + 0.02
    coverages = [point.coverage.value for point in found.curve]
    assert coverages[0] == 1
    assert coverages == sorted(coverages, reverse=True)
    assert Selective.from_dict(found.to_dict()) == found


def test_a_row_that_was_predicted_twice_counts_once() -> None:
    rng = np.random.default_rng(13)
    once = drawn(rng, 500)[0]
    places = np.tile(np.arange(500), 2)
    twice = Predictions(once.probabilities[places], once.targets[places], once.predicted[places], TASK, repeats=2)
    assert selective(twice, Abstention()) == selective(once, Abstention())


def test_out_of_fold_rows_are_answered_by_the_threshold_of_their_own_model() -> None:
    rng = np.random.default_rng(16)
    predictions = drawn(rng, 900)[0]
    sure = confidence(predictions.probabilities, predictions.predicted)
    right = predictions.predicted == predictions.targets
    model = Abstention(choose_sureness(drawn(rng, 2_000)[0], 0.9))
    cuts = np.repeat([0.5, 0.8, np.nan], 300)
    found = selective(replace(predictions, answered_from=cuts, worth=0.67), model)
    given, known = sure >= cuts, ~np.isnan(cuts)
    assert found.at_threshold is not None
    assert model.sureness is not None
    assert found.of_folds == OfFolds(2 / 3, 0.5, 0.8)
    assert found.at_threshold.coverage.value == pytest.approx(given[known].mean())
    assert found.at_threshold.accuracy.value == pytest.approx(right[given].mean())
    assert found.at_threshold.threshold == model.sureness.threshold
    assert Selective.from_dict(found.to_dict()) == found
    assert "For 33.3% of the rows the model of the fold found no such threshold" in " ".join(abstaining(found))
    by_one = selective(replace(predictions, worth=0.67), Abstention(replace(model.sureness, threshold=0.5)))
    alike = selective(replace(predictions, answered_from=np.full(900, 0.5), worth=0.67), model)
    assert by_one.at_threshold is not None
    assert alike.at_threshold is not None
    assert alike.at_threshold.coverage == by_one.at_threshold.coverage
    assert alike.at_threshold.accuracy == by_one.at_threshold.accuracy
    none = selective(replace(predictions, answered_from=np.full(900, np.nan)), model)
    assert none.at_threshold is None
    assert "How it does with --abstain is not known" in " ".join(abstaining(none))
    assert selective(replace(predictions, answered_from=cuts), Abstention()).at_threshold is None


def test_what_was_chosen_is_the_same_after_it_was_written() -> None:
    predictions = drawn(np.random.default_rng(14), 1_000)[0]
    scope = choose_scope(predictions, np.arange(1_000.0), 0.05)
    abstention = Abstention(choose_sureness(predictions, 0.9), scope, choose_sets(predictions, 0.9), "abc")
    assert Abstention.from_dict(abstention.to_dict()) == abstention


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("sureness", "threshold", "0.5"),
        ("sureness", "rows", True),
        ("scope", "confidence_spread", 0.0),
        ("scope", "threshold", None),
        ("sets", "floors", [0.5, 2.0, 0.1]),
        ("sets", "floors", "abc"),
        ("sets", "more", 1),
        ("others", "field", 1),
    ],
)
def test_a_damaged_abstention_is_refused(part: str, field: str, value: Any) -> None:
    predictions = drawn(np.random.default_rng(15), 500)[0]
    scope = choose_scope(predictions, None, 0.05)
    content = Abstention(choose_sureness(predictions, 0.9), scope, choose_sets(predictions, 0.9)).to_dict()
    content.setdefault(part, {})[field] = value
    with pytest.raises((TypeError, ValueError, KeyError)):
        Abstention.from_dict(content)
