"""Heads on vectors: a kernel by its landmarks, votes of neighbours, and how they are chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.dataset import Dataset, Rows
from textgraft.errors import ArtifactError
from textgraft.heads import Head, KeptTexts, fit_head, fitting, kernel
from textgraft.heads.distances import halved, squared_distances, unit
from textgraft.heads.head import Standardised
from textgraft.heads.kernel import Nystroem, RbfKernel
from textgraft.heads.sharing import choose_share
from textgraft.label_sets import LabelSets
from textgraft.linear import LinearModel, Matrix, fit_chosen
from textgraft.task import Task
from textgraft.tensors import Tensors

ONE, SEVERAL = Task(("a", "b", "c")), Task(("a", "b", "c"), multi_label=True)


def vectors(n: int, d: int = 12, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def rings(n: int, task: Task = ONE, seed: int = 0) -> tuple[Any, Dataset]:
    """Rows whose labels a kernel tells apart and a linear model does not, with a distinct text each."""
    rng = np.random.default_rng(seed)
    X = vectors(n, 6, seed)
    y = np.digitize(np.abs(unit(X)[:, 0]), (0.2, 0.45)).astype(np.int64)
    targets: Any = LabelSets.of_rows(({label, 2} for label in y.tolist()), 3) if task.multi_label else y
    words = rng.integers(0, 10**6, (n, 5)).astype(str)
    return X, Dataset([" ".join(row) for row in words], targets, task, Rows.numbered(n))


def kept_of(X: Any, sets: list[set[int]], weights: Any = None) -> KeptTexts:
    return KeptTexts.of(X, np.arange(len(X)), LabelSets.of_rows(sets, 3), weights)


def test_with_all_rows_as_landmarks_the_features_are_the_kernel() -> None:
    X = halved(unit(vectors(80)))
    rbf = RbfKernel(X, 0.7)
    features = Nystroem(rbf).features(X)
    np.testing.assert_allclose(features @ features.T, np.exp(-0.7 * squared_distances(X, X)), atol=2e-3)


def test_between_landmarks_the_kernel_is_exact_and_elsewhere_no_more_than_it() -> None:
    X = unit(vectors(80))
    rbf = RbfKernel(X[:30], 0.7)
    features, exact = Nystroem(rbf).features(X), np.exp(-0.7 * squared_distances(X, X))
    found = features @ features.T
    np.testing.assert_allclose(found[:30], exact[:30], atol=2e-3)
    assert (found.diagonal() <= 1 + 1e-3).all()


def test_a_model_on_the_features_scores_as_its_twin_on_the_kernels_values() -> None:
    X = vectors(60)
    rbf = RbfKernel(halved(unit(X[:40])), 1.3)
    nystroem = Nystroem(rbf)
    model = LinearModel(vectors(40, 3, 1), np.array([0.5, 0, -1], np.float32))
    expected = model.scores(Matrix(nystroem.features(X)))
    np.testing.assert_allclose(rbf.scores(X, nystroem.on_values(model)), expected, atol=5e-3)


@pytest.mark.parametrize("task", [ONE, SEVERAL])
def test_votes_are_the_weighted_shares_of_the_labels(task: Task) -> None:
    X, Q = vectors(20), vectors(7, seed=1)
    sets = [{i % 3} if not task.multi_label else {0, i % 3} for i in range(20)]
    weights = np.linspace(0.5, 2, 20)
    kept = kept_of(X, sets, weights)
    shares = weights * np.exp(-3 * squared_distances(unit(Q).astype(float), kept.vectors.astype(float)))
    expected = shares @ np.asarray(kept.labels).astype(float) / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(kept.votes(Q, 3.0), expected, atol=1e-4)


@given(st.integers(0, 2**31), st.lists(st.sampled_from([1, 2, 3]), min_size=4, max_size=12))
def test_a_text_of_a_whole_weight_votes_as_that_many_texts(seed: int, counts: list[int]) -> None:
    X, Q = vectors(len(counts), seed=seed), vectors(3, seed=seed + 1)
    sets = [{i % 3} for i in range(len(counts))]
    often = np.repeat(np.arange(len(counts)), counts)
    weighed = kept_of(X, sets, np.array(counts, float)).votes(Q, 5.0)
    np.testing.assert_allclose(kept_of(X[often], [sets[i] for i in often]).votes(Q, 5.0), weighed, atol=1e-4)


@given(st.integers(0, 2**31))
def test_what_texts_of_its_own_group_carry_does_not_enter_the_votes_for_a_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, groups = vectors(15, seed=seed), np.arange(15) % 4
    sets, others = ([{int(label)} for label in rng.integers(0, 3, 15)] for _ in range(2))
    mixed = [other if group == 2 else own for own, other, group in zip(sets, others, groups, strict=True)]
    rows = np.flatnonzero(groups == 2)
    before, after = (kept_of(X, each).votes(X[rows], 8.0, groups, groups[rows]) for each in (sets, mixed))
    np.testing.assert_allclose(before, after, atol=1e-6)


@pytest.mark.parametrize("n", [120, 2_400])
def test_labels_by_chance_get_no_votes(n: int) -> None:
    X, data = rings(n)
    chance = np.random.default_rng(1).permutation(data.targets)
    found = fit_head(X, Dataset(data.texts, chance, ONE, data.rows), None, kind="linear")
    # Votes of the rows for themselves would be all right, and take all of the share.
    assert found.chosen["neighbours"]["share"] <= 0.2
    assert found.chosen["neighbours"]["log_loss_after"] > found.chosen["neighbours"]["log_loss_before"] - 0.05


@pytest.mark.parametrize("task", [ONE, SEVERAL])
def test_the_head_of_the_least_loss_is_taken(task: Task) -> None:
    X, data = rings(400, task)
    found = fit_head(X, data, None)
    losses = found.chosen["log_loss_of_heads"]
    assert found.chosen["head"].startswith("kernel")
    assert losses[found.chosen["head"]] == min(losses.values()) < losses["linear"]
    fresh, more = rings(400, task, seed=5)
    p = found.head.probabilities(fresh, task)
    right = np.asarray(more.label_sets)
    plain = fit_head(X, data, None, kind="linear", neighbour_share=0).head.probabilities(fresh, task)
    assert np.abs(p - right).mean() < np.abs(plain - right).mean()
    assert found.probabilities.shape == (len(found.checks), 3)


@pytest.mark.parametrize("n", [60, 2_100])
def test_a_linear_head_without_neighbours_is_the_linear_model_alone(n: int) -> None:
    X, data = rings(n)
    found = fit_head(X, data, None, kind="linear", neighbour_share=0)
    features = Standardised.of(X)
    choice = fit_chosen(features.design(X), data, None, loss="logistic")
    expected = choice.calibration.probabilities(choice.model.scores(features.design(X)), ONE)
    np.testing.assert_array_equal(found.head.probabilities(X, ONE), expected)
    assert found.head.kept is None
    np.testing.assert_array_equal(found.probabilities, choice.checked()[0])


def test_a_row_of_weight_2_is_that_row_twice() -> None:
    X, data = rings(150)
    fresh, more = rings(60, seed=3)
    often = np.sort(np.concatenate([np.arange(150), np.arange(0, 150, 3)]))
    weights = np.where(np.arange(150) % 3 == 0, 2.0, 1.0)
    weighed = Dataset(data.texts, data.targets, ONE, data.rows, weights=weights)
    once, twice = (
        fit_head(A, rows, (fresh, more), kind="kernel", neighbour_share=0.3, C=1.0)
        for A, rows in ((X, weighed), (X[often], data.select(often)))
    )
    # The median distance, which bandwidths are measured by, is that of the rows as they are: not quite the same.
    np.testing.assert_allclose(once.head.probabilities(fresh, ONE), twice.head.probabilities(fresh, ONE), atol=0.05)


def test_votes_that_do_not_gain_are_left_out_and_a_share_that_is_given_is_taken() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    good = np.full((300, 3), 0.05, np.float32)
    good[np.arange(300), y] = 0.9
    noise = rng.dirichlet(np.ones(3), 300).astype(np.float32)
    assert choose_share(good, noise, y, ONE).share == 0
    assert choose_share(good, noise, y, ONE, share=0.3).share == 0.3
    gained = choose_share(noise, good, y, ONE)
    assert gained.share == pytest.approx(0.95)
    assert gained.after < gained.before


def test_of_a_handful_of_rows_no_share_is_chosen() -> None:
    p = np.full((5, 3), 1 / 3, np.float32)
    assert choose_share(p, p, np.zeros(5, np.int64), ONE).share == 0


def test_a_share_that_is_given_is_taken_where_no_row_can_be_held_out() -> None:
    X, data = rings(2)
    two = Dataset(data.texts, np.array([0, 1]), ONE, data.rows)
    assert fit_head(X, two, None, neighbour_share=0.3).head.share == 0.3
    assert fit_head(X, two, None).head.share == 0


def test_a_kernel_that_would_take_too_much_is_not_tried_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_MOST_FEATURES", 300 * 400)
    X, data = rings(400)
    found = fit_head(X, data, None)
    assert found.chosen["head"] == "linear"
    assert found.notes == (
        "With 400 texts and 3 labels a kernel of 400 landmarks would take too much memory or time, so the head is "
        "linear; --head kernel (head='kernel') takes 300.",
    )
    asked = fit_head(X, data, None, kind="kernel", neighbour_share=0)
    assert asked.chosen["landmarks"] == asked.chosen["vectors_kept"] == 300


def test_of_many_texts_evenly_some_vote_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST_KEPT", 50)
    X, data = rings(200)
    found = fit_head(X, data, None, kind="linear", neighbour_share=0.2)
    assert found.head.kept is not None
    assert found.head.kept.rows.tolist() == np.linspace(0, 199, 50).astype(int).tolist()
    assert found.notes == ("Of 200 training texts 50, evenly drawn, vote as neighbours.",)


@pytest.mark.parametrize("share", [0, 0.2])
@pytest.mark.parametrize("kind", ["linear", "kernel"])
@pytest.mark.parametrize("task", [ONE, SEVERAL])
def test_a_head_is_restored_as_it_was_written(task: Task, kind: Any, share: float) -> None:
    X, data = rings(90, task)
    head = fit_head(X, data, None, kind=kind, neighbour_share=share).head
    again = Head.restored(Tensors(head.tensors(), "it"), 6, task)
    np.testing.assert_array_equal(again.probabilities(X, task), head.probabilities(X, task))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("landmarks", np.array([0, 200])),
        ("landmarks", np.zeros(0, np.int64)),
        ("gamma", np.array([-1.0])),
        ("votes", np.array([1.5, 3.0])),
        ("votes", np.array([0.2, 0.0])),
        ("kept_rows", np.arange(90)[::-1]),
        ("kept_starts", np.arange(91) + 1),
        ("kept_labels", np.full(90, 3, np.int32)),
        ("kept_weights", np.zeros(90, np.float32)),
        ("kept_vectors", np.zeros((90, 5), np.float16)),
    ],
)
def test_a_damaged_head_is_refused(name: str, value: Any) -> None:
    X, data = rings(90)
    tensors = fit_head(X, data, None, kind="kernel", neighbour_share=0.2).head.tensors()
    with pytest.raises(ArtifactError, match=r"damaged"):
        Head.restored(Tensors(tensors | {name: value}, "it"), 6, ONE)


def test_the_nearest_come_first_and_ties_by_their_place() -> None:
    X = vectors(12)
    X[7] = X[3]
    kept = kept_of(X, [{0}] * 12)
    (first,) = kept.nearest(3 * X[3:4], 3, ONE.labels)
    assert [each.row for each in first[:2]] == [3, 7]
    assert first[0].similarity == pytest.approx(1, abs=1e-3)
    assert first[0].labels == ("a",)
    assert first[2].similarity < first[1].similarity
    assert len(kept.nearest(X[:1], 50, ONE.labels)[0]) == 12


def test_texts_that_are_all_alike_can_be_fitted() -> None:
    X, data = np.ones((40, 6), np.float32), rings(40)[1]
    p = fit_head(X, data, None, neighbour_share=0.1).head.probabilities(X, ONE)
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
