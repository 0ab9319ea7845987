"""Very many labels: fitted, scored and calibrated some at a time, which changes memory and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from textgraft.dataset import Dataset, Rows
from textgraft.evaluation import calibration
from textgraft.evaluation.calibration import fit_calibration
from textgraft.label_sets import LabelSets
from textgraft.linear import choosing, fitting
from textgraft.linear.choosing import choose_linear
from textgraft.linear.fitting import Loss, Matrix, fit_linear
from textgraft.methods import NgramClassifier, ngrams
from textgraft.task import Task

LABELS, N, F = 12, 600, 30


def made_up(multi_label: bool, labels: int = LABELS) -> tuple[Any, Any, Task]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, labels, N)
    X = rng.normal(size=(labels, F))[y] + rng.normal(size=(N, F))
    task = Task(tuple(f"label {i}" for i in range(labels)), multi_label)
    targets = LabelSets.of_rows([{a, b} for a, b in zip(y, np.roll(y, 1), strict=True)], labels) if multi_label else y
    return X.astype(np.float32), targets, task


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
def test_some_at_a_time_are_fitted_as_all_at_once(
    loss: Loss, class_weight: Any, multi_label: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, targets, task = made_up(multi_label)
    how: Any = {"C": 0.1, "loss": loss, "class_weight": class_weight, "weights": np.linspace(0.5, 2, N)}
    whole = fit_linear(Matrix(X), targets, task, **how).scores(Matrix(X))
    monkeypatch.setattr(fitting, "MOST_AT_ONCE", 5 * (N + F))
    parts = fit_linear(Matrix(X), targets, task, **how).scores(Matrix(X))
    np.testing.assert_allclose(parts, whole, atol=0.05 * np.abs(whole).max())


def test_scores_and_calibration_in_parts_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for multi_label in (False, True):
        X, targets, task = made_up(multi_label)
        model = fit_linear(Matrix(X), targets, task, C=0.1)
        scores = model.scores(Matrix(X))
        found, loss = fit_calibration(scores, targets, task)
        with monkeypatch.context() as small:
            small.setattr(fitting, "MOST_AT_ONCE", 5 * (N + F))
            small.setattr(calibration, "_MOST_AT_ONCE", 70 * LABELS)
            np.testing.assert_allclose(model.scores(Matrix(X)), scores, atol=1e-5)
            in_parts, same = fit_calibration(scores, targets, task)
        assert same == pytest.approx(loss, rel=1e-6)
        np.testing.assert_allclose(in_parts.scale, found.scale, rtol=1e-3)


@pytest.mark.parametrize("multi_label", [False, True])
def test_of_many_labels_c_is_chosen_on_few_and_all_are_fitted(
    multi_label: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, targets, task = made_up(multi_label)
    data: Any = (Matrix(X[:400]), targets[:400], Matrix(X[400:]), targets[400:], task)
    whole = choose_linear(*data, valid_weights=np.ones(200))
    monkeypatch.setattr(choosing, "_MANY_LABELS", 8)
    monkeypatch.setattr(choosing, "_FEW_LABELS", 6)
    few = choose_linear(*data, valid_weights=np.ones(200))
    assert (few.tried_on, whole.tried_on) == (6, None)
    assert few.to_dict()["tried_on_labels"] == 6
    assert few.model.weights.shape == (F, LABELS)
    assert min(few.losses, key=few.losses.__getitem__) == few.C
    chosen = fit_linear(Matrix(X[:400]), targets[:400], task, C=few.C).scores(Matrix(X))
    np.testing.assert_allclose(few.model.scores(Matrix(X)), chosen, atol=0.05 * np.abs(chosen).max())
    # One value is not chosen, and nothing is tried.
    assert choose_linear(*data, C=0.3).tried_on is None


@pytest.mark.parametrize("task", [Task(("a", "b")), Task(("a", "b", "c")), Task(("a", "b"), multi_label=True)])
def test_what_has_no_features_gets_the_share_of_its_label(task: Task) -> None:
    y = np.repeat([0, 1], [150, 50])
    targets: Any = LabelSets.of_rows([[label] for label in y.tolist()], 2) if task.multi_label else y
    bias = fit_linear(Matrix(np.zeros((200, 3), np.float32)), targets, task, C=1).bias
    np.testing.assert_allclose(bias, {1: [-0.5], 2: [0.5, -0.5], 3: [0.5, -0.5, -1]}[len(bias)], atol=1e-3)


def texts_of(labels: int) -> Dataset:
    rng = np.random.default_rng(0)
    targets = np.arange(40 * labels) % labels
    texts = [f"item{t} {'grand ' * (i % 3)}thing{rng.integers(9)} w{rng.integers(99)}" for i, t in enumerate(targets)]
    return Dataset(texts, targets, Task(tuple(map(str, range(labels)))), Rows.numbered(len(texts)))


@pytest.mark.parametrize("characters", ["auto", None])
def test_n_grams_are_summed_as_they_are_looked_up(characters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = texts_of(5)
    model = NgramClassifier(characters=characters).fit(data)
    texts = [*data.texts[:20], "item1 thing never seen before", "", "?!"]
    looked_up = model.predict_proba(texts)
    monkeypatch.setattr(ngrams, "_MOST_SUMS", 0)
    model._prepare()
    np.testing.assert_allclose(model.predict_proba(texts), looked_up, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(texts[3:4]), looked_up[3:4], atol=1e-5)


def test_n_grams_are_as_many_as_the_weights_of_all_labels_have_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    data = texts_of(12)
    free = NgramClassifier().fit(data)
    assert not any("n-grams of each kind" in note for note in free.notes_)
    monkeypatch.setattr(ngrams, "_FEWEST_FEATURES", 10)
    monkeypatch.setattr(ngrams, "_MOST_WEIGHTS", 12 * 3 * 20)
    model = NgramClassifier().fit(data)
    assert model.model_.weights.size <= 12 * 3 * 20
    assert any(
        "With 12 labels only the 20 most frequent n-grams of each kind are kept" in note for note in model.notes_
    )
    assert len(NgramClassifier(max_features=50).fit(data).words_.words) == 50
    assert model.score(data.texts, [data.task.labels[i] for i in np.asarray(data.targets)]) > 0.9
