"""Linear models, the choice of their regularisation, and calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from textgraft.dataset import Dataset, Rows
from textgraft.evaluation.calibration import fit_calibration
from textgraft.label_sets import LabelSets
from textgraft.linear.choosing import choose_linear, choose_out_of_fold, fit_chosen
from textgraft.linear.fitting import LinearModel, Loss, Matrix, fit_linear
from textgraft.task import Task

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]

THREE, TWO, MULTI = Task(("a", "b", "c")), Task(("a", "b")), Task(("a", "b", "c"), multi_label=True)


def made_up(labels: int, n: int = 600, f: int = 12, seed: int = 0) -> Arrays:
    """Gaussian features of very different spread, and noisy labels that depend on them."""
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, f)) * np.geomspace(0.1, 3, f)).astype(np.float32)
    scores = X @ rng.standard_normal((f, labels)) + rng.gumbel(size=(n, labels))
    return X, scores.argmax(axis=1).astype(np.int64)


def log_loss(probabilities: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    return float(-np.log(probabilities[np.arange(len(targets)), targets]).mean())


def sk_scores(model: LogisticRegression | LinearSVC, X: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(X @ model.coef_.T + model.intercept_)


@pytest.mark.parametrize("C", [0.01, 1.0])
@pytest.mark.parametrize("task", [TWO, THREE])
def test_logistic_agrees_with_scikit_learn(task: Task, C: float) -> None:
    X, y = made_up(len(task))
    mine = fit_linear(Matrix(X), y, task, C=C, loss="logistic").scores(Matrix(X))
    theirs = sk_scores(LogisticRegression(C=C, max_iter=1000).fit(X, y), X)
    if len(task) == 3:  # a softmax knows no common shift
        mine, theirs = mine - mine.mean(axis=1, keepdims=True), theirs - theirs.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(mine, theirs, atol=0.05 * np.abs(theirs).max())
    assert (np.argmax(mine, axis=1) == np.argmax(theirs, axis=1)).mean() > 0.99


def test_squared_hinge_agrees_with_scikit_learn() -> None:
    X, y = made_up(3)
    mine = fit_linear(Matrix(X), y, THREE, C=0.1).scores(Matrix(X))
    theirs = sk_scores(LinearSVC(C=0.1, intercept_scaling=100, dual=False).fit(X, y), X)
    np.testing.assert_allclose(mine, theirs, atol=0.05 * np.abs(theirs).max())


def test_balanced_weights_agree_with_scikit_learn() -> None:
    X, y = made_up(3)
    rare = np.flatnonzero((y != 2) | (np.arange(len(y)) % 8 == 0))
    X, y = X[rare], y[rare]
    mine = fit_linear(Matrix(X), y, THREE, C=0.1, loss="logistic", class_weight="balanced").scores(Matrix(X))
    theirs = sk_scores(LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000).fit(X, y), X)
    assert (mine.argmax(axis=1) == theirs.argmax(axis=1)).mean() > 0.98


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("task", [TWO, THREE, MULTI])
@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_row_of_weight_3_is_that_row_three_times(form: Any, loss: Loss, task: Task, class_weight: Any) -> None:
    X, y = made_up(len(task))
    targets = y[:, None] <= np.arange(3) if task.multi_label else y
    times = np.random.default_rng(1).integers(1, 4, len(X))
    settings: Any = {"C": 0.3, "loss": loss, "class_weight": class_weight}
    weighed = fit_linear(Matrix(form(X)), targets, task, weights=times.astype(float), **settings)
    repeated = fit_linear(
        Matrix(form(np.repeat(X, times, axis=0))), np.repeat(targets, times, axis=0), task, **settings
    )
    scores = repeated.scores(Matrix(X))
    np.testing.assert_allclose(weighed.scores(Matrix(X)), scores, atol=0.01 * np.abs(scores).max())


@pytest.mark.parametrize("task", [TWO, THREE])
def test_weights_agree_with_scikit_learn(task: Task) -> None:
    X, y = made_up(len(task))
    weights = np.random.default_rng(1).choice([0.2, 1.0, 7.0], len(X))
    mine = fit_linear(Matrix(X), y, task, C=0.1, loss="logistic", weights=weights).scores(Matrix(X))
    theirs = sk_scores(LogisticRegression(C=0.1, max_iter=1000).fit(X, y, sample_weight=weights), X)
    if len(task) == 3:
        mine, theirs = mine - mine.mean(axis=1, keepdims=True), theirs - theirs.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(mine, theirs, atol=0.05 * np.abs(theirs).max())


def test_weights_of_1_change_no_bit() -> None:
    X, y = made_up(3)
    for class_weight in (None, "balanced"):
        one, other = (
            fit_linear(Matrix(X), y, THREE, C=0.3, class_weight=class_weight, weights=weights)  # type: ignore[arg-type]
            for weights in (None, np.ones(len(X)))
        )
        np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("task", [TWO, THREE])
def test_weights_count_in_calibration_and_choice(task: Task) -> None:
    X, y = made_up(len(task))
    times = np.random.default_rng(1).integers(1, 4, 200)
    model = fit_linear(Matrix(X[200:]), y[200:], task, C=0.1)
    scores = model.scores(Matrix(X[:200]))
    _, plain = fit_calibration(scores, y[:200], task)
    one, loss = fit_calibration(scores, y[:200], task, weights=times.astype(float))
    other, expected = fit_calibration(np.repeat(scores, times, axis=0), np.repeat(y[:200], times), task)
    assert loss == pytest.approx(expected, abs=0.01)
    assert loss != pytest.approx(plain, abs=1e-6)
    np.testing.assert_allclose(one.scale, other.scale, rtol=0.1)
    # A half of the validation data that is weighted far above the other half is what C is chosen for.
    half = np.repeat([1e6, 1.0], 100)
    weighed = choose_linear(
        Matrix(X[200:]), y[200:], Matrix(X[:200]), y[:200], task, loss="logistic", valid_weights=half
    )
    alone = choose_linear(Matrix(X[200:]), y[200:], Matrix(X[:100]), y[:100], task, loss="logistic")
    assert weighed.C == alone.C


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
def test_sparse_and_dense_features_give_the_same_model(loss: Loss) -> None:
    X, y = made_up(3)
    X[np.abs(X) < 0.5] = 0
    dense = fit_linear(Matrix(X), y, THREE, C=1, loss=loss)
    scanty = fit_linear(Matrix(sparse.csr_matrix(X)), y, THREE, C=1, loss=loss)
    np.testing.assert_allclose(dense.scores(Matrix(X)), scanty.scores(Matrix(X)), atol=0.02)


def test_a_start_changes_the_way_and_not_the_end() -> None:
    X, y = made_up(3)
    cold = fit_linear(Matrix(X), y, THREE, C=1)
    warm = fit_linear(Matrix(X), y, THREE, C=1, start=fit_linear(Matrix(X), y, THREE, C=0.01))
    np.testing.assert_allclose(cold.scores(Matrix(X)), warm.scores(Matrix(X)), atol=0.05)


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
def test_labels_of_no_row_or_of_every_row_are_learnt_as_such(loss: Loss) -> None:
    X, y = made_up(2)
    Y = np.stack((y == 1, y < 0, y >= 0), axis=1)
    choice = choose_linear(Matrix(X[:400]), Y[:400], Matrix(X[400:]), Y[400:], MULTI, loss=loss)
    probabilities = choice.calibration.probabilities(choice.model.scores(Matrix(X[400:])), MULTI)
    assert (probabilities[:, 1] < 0.05).all()
    assert (probabilities[:, 2] > 0.95).all()
    assert ((probabilities[:, 0] >= 0.5) == Y[400:, 0]).mean() > 0.75


def test_the_choice_is_the_c_of_the_least_loss() -> None:
    X, y = made_up(3, n=150, f=60)
    choice = choose_linear(Matrix(X[:100]), y[:100], Matrix(X[100:]), y[100:], THREE, C=(0.001, 0.01, 1, 100))
    assert choice.losses[choice.C] == min(choice.losses.values())
    np.testing.assert_array_equal(choice.scores, choice.model.scores(Matrix(X[100:])))
    fitted, loss = fit_calibration(choice.scores, y[100:], THREE)
    assert log_loss(fitted.probabilities(choice.scores, THREE), y[100:]) == pytest.approx(loss, abs=1e-4)
    assert loss == choice.losses[choice.C]


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"])
@pytest.mark.parametrize("task", [TWO, THREE, MULTI])
def test_out_of_fold_every_row_is_scored_by_a_model_that_did_not_see_it(task: Task, loss: Loss) -> None:
    X, y = made_up(len(task), n=60, f=50)
    targets: Any = LabelSets.of(y[:, None] <= np.arange(3)) if task.multi_label else y
    fold = np.random.default_rng(0).integers(0, 5, 60)
    weights = np.linspace(0.5, 2, 60)
    choice = choose_out_of_fold(Matrix(X), targets, fold, task, C=(0.01, 0.1), loss=loss, weights=weights)
    assert choice is not None
    assert sorted(choice.at.tolist()) == list(range(60))
    for number in range(5):
        rest, held = np.flatnonzero(fold != number), fold[choice.at] == number
        model = fit_linear(Matrix(X[rest]), targets[rest], task, C=choice.C, loss=loss, weights=weights[rest])
        expected = model.scores(Matrix(X[choice.at[held]]))
        np.testing.assert_allclose(choice.scores[held], expected, atol=0.05 * np.abs(expected).max())


def test_labels_of_one_fold_alone_are_not_judged_by() -> None:
    X, y = made_up(3, n=60)
    fold = np.where(y == 2, 0, np.arange(60) % 5)
    choice = choose_out_of_fold(Matrix(X), y, fold, THREE, C=0.1)
    assert choice is not None
    assert sorted(choice.at.tolist()) == np.flatnonzero(y != 2).tolist()
    assert choice.model.weights.shape == (12, 3)
    assert choose_out_of_fold(Matrix(X), y, y, THREE, C=0.1) is None


@pytest.mark.parametrize("n", [6, 300, 2500])
def test_few_rows_choose_out_of_fold_and_many_on_a_tenth(n: int) -> None:
    X, y = made_up(3, n=n)
    words = np.random.default_rng(0).integers(0, 10**6, (n, 5)).astype(str)
    data = Dataset([" ".join(row) for row in words], y, THREE, Rows.numbered(n))
    choice = fit_chosen(Matrix(X), data, None)
    probabilities, checks = choice.checked()
    assert choice.held is not None
    assert probabilities.shape == (len(checks), 3)
    assert len(choice.held) <= 0.15 * n + 1
    whole = fit_linear(Matrix(X), y, THREE, C=choice.C).scores(Matrix(X))
    np.testing.assert_allclose(choice.model.scores(Matrix(X)), whole, atol=0.05 * np.abs(whole).max())
    if n < 2000:
        assert len(checks) > len(choice.held)
        np.testing.assert_array_equal(checks.targets, y[choice.at])
    else:
        assert checks.texts == data.select(choice.held).texts


def test_weights_of_labels_leave_probabilities_true() -> None:
    X, y = made_up(3, n=3000)
    rare = np.flatnonzero((y != 2) | (np.arange(len(y)) % 8 == 0))
    X, y = X[rare], y[rare]
    half = len(y) // 2
    data = Dataset([""] * half, y[:half], THREE, Rows.numbered(half))
    valid = (Matrix(X[half:]), Dataset([""] * (len(y) - half), y[half:], THREE, Rows.numbered(len(y) - half)))
    losses: list[Loss] = ["logistic", "squared_hinge"]
    for loss in losses:
        plain, _ = fit_chosen(Matrix(X[:half]), data, valid, C=0.1, loss=loss).checked()
        balanced, checks = fit_chosen(
            Matrix(X[:half]), data, valid, C=0.1, loss=loss, class_weight="balanced"
        ).checked()
        shares = np.bincount(checks.targets) / len(checks)
        np.testing.assert_allclose(balanced.mean(axis=0), shares, atol=0.02)
        assert log_loss(balanced, y[half:]) == pytest.approx(log_loss(plain, y[half:]), abs=0.02)


def test_a_single_c_is_taken_as_it_is() -> None:
    X, y = made_up(2)
    assert choose_linear(Matrix(X), y, Matrix(X), y, TWO, C=0.5).C == 0.5


@pytest.mark.parametrize("task", [TWO, THREE])
@pytest.mark.parametrize("factor", [0.2, 1.0, 8.0])
def test_calibration_undoes_a_wrong_scale(task: Task, factor: float) -> None:
    X, y = made_up(len(task), n=4000)
    model = fit_linear(Matrix(X[:2000]), y[:2000], task, C=1, loss="logistic")
    distorted = LinearModel(model.weights * np.float32(factor), model.bias * np.float32(factor) + np.float32(0.5))
    scores = distorted.scores(Matrix(X[2000:]))
    calibration, loss = fit_calibration(scores[:1000], y[2000:3000], task)
    right, _ = fit_calibration(model.scores(Matrix(X[2000:3000])), y[2000:3000], task)
    ideal = right.probabilities(model.scores(Matrix(X[3000:])), task)
    assert np.isfinite(loss)
    found = calibration.probabilities(scores[1000:], task)
    assert log_loss(found, y[3000:]) == pytest.approx(log_loss(ideal, y[3000:]), abs=0.01)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_calibration_on_one_row_stays_sensible() -> None:
    scores = np.array([[0.7, -0.9, -1.1]], np.float32)
    calibration, _ = fit_calibration(scores, np.array([0]), THREE)
    probabilities = calibration.probabilities(scores, THREE)
    assert (calibration.scale > 0).all()
    assert 0.5 < probabilities[0, 0] < 0.999
