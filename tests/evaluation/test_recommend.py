from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import SettingError
from textgraft.evaluation import Entry, cross_fitted, recommend
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.recommend import holm

from .problems import multi_label, names

Y = np.arange(600) % 2
SPLIT_IN_5 = np.arange(600)[None] // 120


def entry(name: str, rung: int, accuracy: float, *, floor: bool = False) -> Entry:
    """Probabilities that are right for exactly this share of the rows, drawn by the rung."""
    wrong = np.random.default_rng(rung).permutation(600) >= round(accuracy * 600)
    predictions = check_predictions(np.eye(2, dtype=np.float32)[np.where(wrong, 1 - Y, Y)], Y, names(2))
    return Entry(name, rung, predictions, floor)


def test_the_cheapest_that_ties_with_the_best_is_taken_and_the_tie_is_called_one() -> None:
    ladder = [entry("dear", 3, 0.93), entry("floor", 0, 0.5, floor=True), entry("cheap", 1, 0.92)]
    found = recommend(ladder)
    assert (found.name, found.best) == ("cheap", "dear")
    assert found.p_values["floor"] < 0.05 < found.p_values["cheap"]
    assert found.sentence.startswith(
        "Recommended: cheap, which ties with the best and is cheaper: accuracy 0.920 and 0.930 (dear), difference -0.01"
    )
    assert list(found.values) == ["floor", "cheap", "dear"]
    assert found.to_dict()["tests"]["cheap"]["p_value_holm"] == found.p_values["cheap"]


def test_the_best_where_it_is_measurably_better() -> None:
    found = recommend([entry("cheap", 1, 0.7), entry("dear", 2, 0.95)])
    assert found.name == found.best == "dear"
    assert "measurably better than all that is cheaper (p < 0.001)" in found.sentence


def test_dearer_ones_that_tie_are_named() -> None:
    found = recommend([entry("cheap", 1, 0.95), entry("dear", 2, 0.94), entry("poor", 3, 0.6)])
    assert found.sentence == "Recommended: cheap, the best; dear ties with it and costs more."


def test_of_equal_methods_the_cheaper() -> None:
    found = recommend([entry("b", 2, 0.8), Entry("a", 1, entry("b", 2, 0.8).predictions)])
    assert found.name == found.best == "a"


def test_one_method_beside_the_floor() -> None:
    found = recommend([entry("floor", 0, 0.5, floor=True), entry("a", 1, 0.9)])
    assert "the only method compared, and measurably better than the floor" in found.sentence


def test_what_is_not_measurably_above_the_floor_is_not_recommended() -> None:
    found = recommend([entry("floor", 0, 0.6, floor=True), entry("a", 1, 0.61)])
    assert found.name is None
    assert "no method is measurably better than the floor" in found.sentence
    assert recommend([entry("floor", 0, 0.9, floor=True), entry("a", 1, 0.6)]).name is None
    assert recommend([entry("floor", 0, 0.9, floor=True)]).best is None


def test_a_cheap_method_that_ties_with_the_floor_is_passed_over() -> None:
    found = recommend([entry("floor", 0, 0.5, floor=True), entry("cheap", 1, 0.54), entry("dear", 2, 0.58)])
    assert found.p_values["floor"] < 0.05 < found.p_values["cheap"]
    assert found.name == "dear"
    assert "the best; cheap ties with it and is cheaper, but not measurably better than the floor." in found.sentence


def test_where_the_data_lack_something_nothing_is_recommended_and_it_is_said() -> None:
    found = recommend([entry("a", 1, 0.9), entry("b", 2, 0.7)], missing="12 rows are fewer than 20")
    assert found.name is None
    assert found.sentence == (
        "Nothing is recommended: 12 rows are fewer than 20. Label more texts; until then the figures say little."
    )


@pytest.mark.parametrize("metric", ["log_loss", "hamming_loss"])
def test_the_best_of_a_loss_is_the_lowest(metric: str) -> None:
    task, p, y = multi_label(300, 3, signal=3)
    noise = check_predictions(multi_label(300, 3, signal=0)[1], y, task)
    entries = [Entry("noise", 1, noise), Entry("signal", 2, check_predictions(p, y, task))]
    assert recommend(entries, metric=metric).name == "signal"


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(SettingError, match="at least one method"):
        recommend([])
    with pytest.raises(SettingError, match="got a, a"):
        recommend([entry("a", 0, 0.9), entry("a", 1, 0.9)])
    with pytest.raises(SettingError, match="alpha must lie between 0 and 1"):
        recommend([entry("a", 0, 0.9)], alpha=5)


def test_the_choice_of_a_fold_does_not_see_its_rows() -> None:
    """Of methods that each know one fold, none is chosen for the fold that it knows."""
    p = []
    for known in range(5):
        right = np.where(SPLIT_IN_5[0] == known, 1.0, 0.5 + 0.01 * known)
        chance = np.random.default_rng(known).random(600) < right
        p.append(np.where(chance[:, None], np.eye(2)[Y], np.eye(2)[1 - Y]).astype(np.float32))
    entries = [Entry(str(i), i + 1, check_predictions(each, Y, names(2))) for i, each in enumerate(p)]
    predicted, chosen = cross_fitted(entries, SPLIT_IN_5, resamples=200)
    assert sum(chosen.values()) == 5
    for known in range(5):
        own = SPLIT_IN_5[0] == known
        assert (predicted.predicted[own] != entries[known].predictions.predicted[own]).any()


def test_one_method_is_its_own_choice() -> None:
    only = entry("a", 1, 0.8)
    predicted, chosen = cross_fitted([only], SPLIT_IN_5, resamples=200)
    np.testing.assert_array_equal(predicted.predicted, only.predictions.predicted)
    assert chosen == {"a": 5}


def test_holm_on_the_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(after >= before for before, after in zip(p_values, corrected, strict=True))
    order: Callable[[int], float] = p_values.__getitem__
    ranked = [corrected[i] for i in sorted(range(len(p_values)), key=order)]
    assert ranked == sorted(ranked)
