from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from textgraft import MajorityClassifier, NgramClassifier, evaluate, given_splits, load, split
from textgraft.data.dividing import divide
from textgraft.data.folds import make_folds
from textgraft.dataset import Dataset, Rows, Splits
from textgraft.errors import ArtifactError, DataError
from textgraft.ladder import train
from textgraft.report.abstaining import abstaining
from textgraft.task import Task


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 200)
    texts = [
        f"{('dull', 'fine')[t]} w{i} w{j}" for t, i, j in zip(targets, *rng.integers(0, 90, (2, 200)), strict=True)
    ]
    return Dataset(texts, targets.astype(np.int64), Task(("no", "yes")), Rows.numbered(200))


def test_the_model_is_saved_with_its_metrics_and_the_leaks_behind_them(data: Dataset, tmp_path: Path) -> None:
    splits = given_splits(data, test=data.select(range(50)))
    trained = train(MajorityClassifier(), splits, directory=tmp_path / "m")
    kept = json.loads((tmp_path / "m" / "textgraft.json").read_text("utf-8"))["evaluation"]
    assert kept == trained.results()
    assert "50 of 50 test texts" in kept["leaks"][0]


def test_the_probabilities_are_those_of_the_test_rows(data: Dataset, tmp_path: Path) -> None:
    splits = split(data, valid=0)
    assert splits.test is not None
    trained = train(NgramClassifier(), splits, directory=tmp_path / "m")
    assert trained.predictions is not None
    np.testing.assert_array_equal(
        trained.predictions.probabilities, load(tmp_path / "m").predict_proba(splits.test.texts)
    )
    assert trained.evaluation is not None
    assert trained.evaluation.to_dict() == evaluate(trained.model, splits.test).to_dict()


def test_without_a_test_part_nothing_is_evaluated(data: Dataset, tmp_path: Path) -> None:
    trained = train(NgramClassifier(), split(data, test=0, valid=0), directory=tmp_path / "m")
    assert trained.evaluation is trained.predictions is trained.results() is None
    assert load(tmp_path / "m").predict(["fine w1 w2"]).tolist() == ["yes"]


def test_with_folds_all_rows_are_trained_on_and_each_is_predicted_without_it(data: Dataset, tmp_path: Path) -> None:
    splits = divide(data)
    assert splits.folds is not None
    trained = train(NgramClassifier(), splits, directory=tmp_path / "m")
    assert trained.model.fitted_on_.rows == 200
    assert trained.predictions is not None
    fold = splits.folds.of_row[1]
    own = np.flatnonzero(fold == 4)
    alone = NgramClassifier().fit(data.select(fold != 4)).predict_proba([data.texts[i] for i in own])
    np.testing.assert_array_equal(trained.predictions.probabilities[200 + own], alone)
    kept = json.loads((tmp_path / "m" / "textgraft.json").read_text("utf-8"))["evaluation"]
    assert kept == trained.results()


def test_out_of_fold_each_row_is_answered_by_a_threshold_that_was_chosen_without_it(data: Dataset) -> None:
    folds = make_folds(data, 3)
    trained = train(NgramClassifier(abstain=0.8), Splits(data, folds=folds))
    assert trained.evaluation is not None
    assert trained.evaluation.selective is not None
    found = trained.evaluation.selective
    answered, right = 0.0, 0.0
    for number in range(3):
        held = folds.of_row[0] == number
        model = NgramClassifier(abstain=0.8).fit(data.select(~held))
        p = model.predict_proba([data.texts[i] for i in np.flatnonzero(held)])
        given = np.array(model.abstention_.reasons(p, p.argmax(axis=1))) == ""
        answered, right = answered + given.sum(), right + (given & (p.argmax(axis=1) == data.targets[held])).sum()
    assert found.at_threshold is not None
    assert found.of_folds is not None
    assert found.of_folds.share == 1
    assert found.at_threshold.coverage.value == pytest.approx(answered / 200)
    assert found.at_threshold.accuracy.value == pytest.approx(right / answered)
    assert found.wanted == 0.8
    shown = " ".join(abstaining(found))
    assert "of the 200 rows are answered, each by the threshold that the model of its fold chose itself" in shown


def test_a_place_that_is_taken_is_refused_before_anything_is_trained(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    model = NgramClassifier()
    with pytest.raises(ArtifactError, match="other things in it"):
        train(model, split(data), directory=tmp_path)
    assert not hasattr(model, "task_")


def test_more_probabilities_than_can_be_held_are_refused_before_training(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = split(data)
    monkeypatch.setenv("TEXTGRAFT_MOST_PROBABILITIES", "50")
    model = NgramClassifier()
    said = r"80 probabilities \(40 rows times 2 labels\) are more than the 50.*25 rows at most"
    with pytest.raises(DataError, match=said):
        train(model, splits)
    assert not hasattr(model, "task_")
    monkeypatch.setenv("TEXTGRAFT_MOST_PROBABILITIES", "80")
    train(model, splits)
