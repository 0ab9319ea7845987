from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textgraft import MajorityClassifier, NgramClassifier, compare, evaluate, given_splits, load, split
from textgraft.data.folds import make_folds
from textgraft.dataset import Dataset, Splits
from textgraft.errors import SettingError
from textgraft.task import Task

from .races import TASK, dataset


def in_folds(data: Dataset, k: int = 4) -> Splits:
    return Splits(data, folds=make_folds(data, k))


def test_the_floor_is_always_there_and_cheapest_comes_first() -> None:
    comparison = compare([NgramClassifier()], split(dataset(), valid=0.3))
    assert [result.name for result in comparison.results] == ["majority", "ngrams"]
    assert comparison.recommendation.name == "ngrams"
    assert all(result.texts_per_second > 0 and result.megabytes > 0 for result in comparison.results)


def test_where_nothing_can_be_learnt_nothing_is_recommended() -> None:
    data = dataset()
    noise = Dataset(data.texts, np.random.RandomState(1).randint(0, 2, len(data)), TASK, data.rows)
    comparison = compare([NgramClassifier()], split(noise))
    assert comparison.recommendation.name is comparison.expected is None
    assert "Nothing is recommended: no method is measurably better than the floor" in str(comparison)


def test_comparing_leaves_the_given_classifiers_as_they_were_and_models_where_asked(tmp_path: Path) -> None:
    given = NgramClassifier(seed=3)
    splits = split(dataset())
    comparison = compare([given, NgramClassifier(C=0.1)], splits, directory=tmp_path)
    assert not hasattr(given, "task_")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["majority", "ngrams-1", "ngrams-2"]
    assert splits.test is not None
    loaded = load(tmp_path / "ngrams-2").predict_proba(splits.test.texts)
    np.testing.assert_array_equal(loaded, comparison.results[2].predictions.probabilities)


def test_leaks_travel_with_the_result() -> None:
    data = dataset(100)
    comparison = compare([MajorityClassifier()], given_splits(data, test=data.select(range(20))))
    assert "20 of 20 test texts also stand in train" in str(comparison)
    assert comparison.to_dict()["leaks"]
    json.dumps(comparison.to_dict(), allow_nan=False)


def test_evaluation_is_the_same_after_saving(tmp_path: Path) -> None:
    splits = split(dataset(), valid=0)
    assert splits.test is not None
    model = NgramClassifier().fit(splits.train)
    model.save(tmp_path / "model")
    assert evaluate(load(tmp_path / "model"), splits.test).to_dict() == evaluate(model, splits.test).to_dict()


def test_the_test_part_has_no_say_in_the_choice() -> None:
    """Whatever the labels of the test part are, the choice and its p-values stay."""
    data = dataset()
    given = split(data, valid=0.3, test=0.2)
    assert given.test is not None
    other = replace(given, test=replace(given.test, targets=1 - given.test.targets))
    methods = [NgramClassifier(), NgramClassifier(C=1e-4)]
    first, second = (compare(methods, splits) for splits in (given, other))
    assert first.recommendation == second.recommendation
    assert first.expected is not None
    assert second.expected is not None
    assert first.expected.metrics["accuracy"].value == pytest.approx(1 - second.expected.metrics["accuracy"].value)


def test_no_method_makes_choices_of_its_own_on_the_rows_that_methods_are_chosen_on() -> None:
    given = split(dataset(), valid=0.3, test=0.2)
    comparison = compare([NgramClassifier()], given)
    alone = NgramClassifier().fit(given.train)
    assert given.test is not None
    np.testing.assert_array_equal(
        comparison.results[1].predictions.probabilities, alone.predict_proba(given.test.texts)
    )


def test_without_a_test_part_rows_are_cross_validated_and_the_choice_is_made_without_each_fold() -> None:
    comparison = compare([NgramClassifier(C=1.0), NgramClassifier(C=1e-4)], split(dataset(150), test=0, valid=0))
    folds = comparison.splits.folds
    assert folds is not None
    assert (folds.k, folds.repeats) == (20, 2)
    assert sum(comparison.choices.values()) == 40
    assert "rows out of fold, the method chosen anew for each fold without its rows" in str(comparison)
    content = comparison.to_dict()
    assert content["folds"] == {"k": 20, "repeats": 2}
    assert content["recommendation"]["candidates"] == 2
    json.dumps(content, allow_nan=False)


@pytest.mark.parametrize("n", [6, 12, 25])
def test_a_tiny_table_gets_figures_and_no_recommendation(n: int) -> None:
    data = dataset(n)
    rare = Dataset(data.texts, np.array([*data.targets[:-1], 2]), Task(("no", "yes", "maybe")), data.rows)
    comparison = compare([NgramClassifier()], in_folds(rare, min(n, 4)))
    assert comparison.recommendation.name is comparison.expected is None
    assert re.search(r"fewer than 3 rows carry .*'maybe' \(1\)", str(comparison))
    assert ("are fewer than 20" in str(comparison)) == (n < 20)
    assert all(result.evaluation.metrics["accuracy"].low < 1 for result in comparison.results)


def test_the_floor_is_not_pulled_down_by_the_rows_that_a_fold_holds_out() -> None:
    data = dataset(40)
    even = Dataset(data.texts, np.arange(40) % 2, TASK, data.rows)
    assert compare([NgramClassifier()], in_folds(even)).results[0].evaluation.metrics["accuracy"].value == 0.5


def test_rows_in_groups_count_as_fewer_independent_ones_and_that_is_said() -> None:
    data = dataset(60)
    grouped = replace(data, groups=np.array([f"author {i // 4}" for i in range(60)], object))
    found = compare([NgramClassifier()], in_folds(grouped))
    assert re.search(r"The 60 rows stand in 15 groups and count as \d+ independent ones in intervals", str(found))
    assert "independent ones" not in str(compare([NgramClassifier()], in_folds(data)))


def test_methods_share_their_metric_in_whatever_form_it_is_given() -> None:
    data, costs = in_folds(dataset(60)), np.array([[0.0, 1.0], [5.0, 0.0]])
    by_array = compare([NgramClassifier(metric=costs), NgramClassifier(metric=costs.tolist())], data)
    assert by_array.metric == "mean_cost"
    assert compare([NgramClassifier()], data, metric="macro-F1").results[1].model.metric == "f1_macro"
    with pytest.raises(SettingError, match="different metrics \\(macro-F1, accuracy\\)"):
        compare([NgramClassifier(metric="f1_macro"), NgramClassifier()], data)
