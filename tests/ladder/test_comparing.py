from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from textgraft import MajorityClassifier, NgramClassifier, compare, evaluate, given_splits, load, split
from textgraft.dataset import Dataset, Rows
from textgraft.errors import DataError
from textgraft.task import Task

TASK = Task(("no", "yes"))


def dataset(n: int = 400, seed: int = 0) -> Dataset:
    """Texts whose words tell the label, most of the time."""
    rng = np.random.RandomState(seed)
    targets = rng.randint(0, 2, n)
    words = [["dull", "grey", "slow"], ["bright", "quick", "fine"]]
    texts = [
        " ".join([words[t if rng.rand() < 0.8 else 1 - t][rng.randint(3)], *(f"w{i}" for i in rng.randint(0, 200, 6))])
        for t in targets
    ]
    return Dataset(texts, targets.astype(np.int64), TASK, Rows.numbered(n))


def test_the_floor_is_always_there_and_cheapest_comes_first() -> None:
    comparison = compare([NgramClassifier()], split(dataset(), valid=0))
    assert [result.name for result in comparison.results] == ["majority", "ngrams"]
    assert comparison.recommendation.name == "ngrams"
    assert all(result.texts_per_second > 0 and result.megabytes > 0 for result in comparison.results)


def test_where_nothing_can_be_learnt_the_cheapest_is_recommended() -> None:
    data = dataset()
    noise = Dataset(data.texts, np.random.RandomState(1).randint(0, 2, len(data)), TASK, data.rows)
    comparison = compare([NgramClassifier()], split(noise, valid=0))
    assert comparison.recommendation.name == "majority"
    assert "not measurably worse" in comparison.recommendation.sentence or "cheapest" in str(comparison)


def test_comparing_leaves_the_given_classifiers_as_they_were_and_models_where_asked(tmp_path: Path) -> None:
    given = NgramClassifier(seed=3)
    splits = split(dataset(), valid=0)
    comparison = compare([given, NgramClassifier(C=0.1)], splits, directory=tmp_path)
    assert not hasattr(given, "task_")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["majority", "ngrams-1", "ngrams-2"]
    assert splits.test is not None
    loaded = load(tmp_path / "ngrams-2").predict_proba(splits.test.texts)
    np.testing.assert_array_equal(loaded, comparison.results[2].probabilities)


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


def test_without_a_test_part_there_is_nothing_to_compare_on() -> None:
    with pytest.raises(DataError, match="needs a test part"):
        compare([NgramClassifier()], split(dataset(), test=0))
