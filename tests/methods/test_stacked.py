from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft import MajorityClassifier, NgramClassifier, StackedClassifier, load
from textgraft.dataset import Dataset, Rows
from textgraft.errors import SettingError
from textgraft.evaluation.calibration import Calibration, score_columns
from textgraft.evaluation.pooling import fit_weights, pooled
from textgraft.methods.base import TextClassifier
from textgraft.task import Task

from ..stacks import small_members

NOUNS = ("film", "book", "game", "match", "goal", "bank", "rate")
TEXTS = [
    f"the {noun} was {how} {end}" for noun in NOUNS for how in ("good", "great", "bad", "awful") for end in ("", "very")
]
LABELS = [("good", "good", "bad", "bad")[i // 2 % 4] for i in range(len(TEXTS))]
SETS = [{label, "odd"} if i % 3 else {label} for i, label in enumerate(LABELS)]
TASKS = [Task(("a", "b")), Task(("a", "b", "c")), Task(("a", "b", "c"), multi_label=True)]


def answers(task: Task, sharpness: float, seed: int, n: int = 1_500) -> tuple[np.ndarray, np.ndarray]:
    """(n, k) probabilities, and targets that are drawn from them; stated more or less sharply than they are."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, len(task)), scale=1.5).astype(np.float32)
    p = task.probabilities(logits)
    if task.multi_label:
        return task.probabilities(sharpness * logits), rng.random(p.shape) < p
    drawn = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)
    return task.probabilities(sharpness * logits), drawn.clip(0, len(task) - 1)


@pytest.mark.parametrize("task", TASKS)
@given(sharpness=st.floats(0.25, 4), seed=st.integers(0, 1000))
def test_a_member_that_knows_nothing_adds_nothing_and_one_that_exaggerates_counts_less(
    task: Task, sharpness: float, seed: int
) -> None:
    told, targets = answers(task, sharpness, seed)
    nothing = np.full_like(told, 0.5 if task.multi_label else 1 / len(task))
    weights = fit_weights([nothing, told], targets, task)
    assert weights[1] == pytest.approx(1 / sharpness, rel=0.25)
    usual = Calibration.usual(task, score_columns(task))
    both, alone = (
        usual.probabilities(pooled(*each, task), task) for each in (([nothing, told], weights), ([told], weights[1:]))
    )
    np.testing.assert_allclose(both, alone, atol=1e-4)


@given(seed=st.integers(0, 1000), order=st.permutations(range(3)))
def test_the_order_of_members_and_of_rows_is_no_matter(seed: int, order: list[int]) -> None:
    task = TASKS[1]
    told, targets = answers(task, 1.0, seed, n=400)
    rng = np.random.default_rng(seed)
    members = [task.probabilities(np.log(told) + rng.normal(size=told.shape, scale=s)) for s in (0.3, 1.0, 2.0)]
    weights = fit_weights(members, targets, task)
    turned = fit_weights([members[i][::-1] for i in order], targets[::-1], task)
    np.testing.assert_allclose(turned, weights[order], atol=0.02)
    assert weights.min() >= 0


def test_a_row_of_weight_two_is_that_row_twice() -> None:
    told, targets = answers(TASKS[1], 2.0, 0, n=300)
    members = [told, told[:, ::-1]]
    count = np.random.default_rng(0).choice([1, 2], 300)
    twice = np.repeat(np.arange(300), count)
    weighed = fit_weights(members, targets, TASKS[1], count.astype(float))
    np.testing.assert_allclose(
        fit_weights([each[twice] for each in members], targets[twice], TASKS[1]), weighed, atol=0.01
    )


@pytest.fixture
def make(tiny_encoder: Path) -> Callable[[], StackedClassifier]:
    pytest.importorskip("torch")
    return lambda: StackedClassifier(small_members(tiny_encoder))


@pytest.mark.parametrize("labels", [LABELS, SETS], ids=["one label", "several"])
def test_a_saved_stack_answers_alike_and_names_its_members(
    make: Callable[[], StackedClassifier], labels: list, tmp_path: Path
) -> None:
    model = make().fit(TEXTS, labels)
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    load(again.save(tmp_path / "again"))
    assert set(model.chosen_["weights"]) == {"ngrams", "features"}
    assert [member["method"] for member in again.kept_params["members"]] == ["ngrams", "features"]


def test_members_are_fitted_to_all_rows_and_weighed_on_rows_that_they_were_not_fitted_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[set[str]] = []
    asked: list[set[str]] = []
    fit, proba = NgramClassifier.fit, NgramClassifier.predict_proba

    def spied_fit(self: TextClassifier, texts: Dataset, *args: object, **more: object) -> TextClassifier:
        seen.append(set(texts.texts))
        return fit(self, texts, *args, **more)  # type: ignore[arg-type,return-value]

    def spied_proba(self: TextClassifier, texts: list[str]) -> np.ndarray:
        asked.append(set(texts))
        return proba(self, texts)  # type: ignore[arg-type]

    monkeypatch.setattr(NgramClassifier, "fit", spied_fit)
    monkeypatch.setattr(NgramClassifier, "predict_proba", spied_proba)
    members = [
        NgramClassifier(min_count=1, C=1.0),
        {"method": "recurrent", "parameters": {"epochs": 1, "min_count": 1}},
    ]
    StackedClassifier(members).fit(TEXTS, LABELS)
    whole, *folds = seen
    assert whole == set(TEXTS)
    assert set().union(*asked) == set(TEXTS)
    for fitted, predicted in zip(folds, asked, strict=True):
        assert not fitted & predicted


def test_validation_data_weighs_where_it_has_enough_rows() -> None:
    task = Task(("bad", "good"))
    data = Dataset(TEXTS, task.encode(LABELS), task, Rows.numbered(len(TEXTS)))
    valid = data.select(np.tile(np.arange(len(data)), 4))
    members = [
        NgramClassifier(min_count=1, C=1.0),
        {"method": "recurrent", "parameters": {"epochs": 1, "min_count": 1}},
    ]
    model = StackedClassifier(members).fit(data, valid=valid)
    assert model.chosen_["weighed_on_rows"] == len(valid)


def test_few_rows_are_weighed_alike_and_it_is_said(make: Callable[[], StackedClassifier]) -> None:
    model = make().fit(["a good film", "a bad film", "a bad film"], ["good", "bad", "bad"])
    assert model.weights_.tolist() == [0.5, 0.5]
    assert any("too few to weigh the members (ngrams, features) by" in note for note in model.notes_)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        (
            ["ngrams"],
            r"members must be two or more of ngrams, recurrent, features, finetune, each once; got \['ngrams'\]",
        ),
        (["ngrams", "stack"], "members must be two or more of"),
        ([NgramClassifier(), MajorityClassifier()], "members must be two or more of"),
        ([NgramClassifier(C=-1), "features"], "C must be 'auto', a number greater than 0"),
        (
            [{"method": "ngrams", "parameters": {"sead": 1}}, "features"],
            "no hyperparameter 'sead'. Did you mean 'seed'",
        ),
    ],
)
def test_members_that_cannot_be_are_refused_before_any_work(members: list, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        StackedClassifier(members).fit(TEXTS, LABELS)
    with pytest.raises(SettingError, match=sentence):
        _ = StackedClassifier(members).rung


def test_settings_reach_the_members_that_have_them(tiny_encoder: Path) -> None:
    model = StackedClassifier().configure({"encoder": str(tiny_encoder), "min_count": 1, "members": "ngrams, features"})
    ngrams, features = model.members
    assert (ngrams.min_count, features.encoder) == (1, str(tiny_encoder))  # type: ignore[union-attr]
    assert {"encoder", "min_count", "members"} <= model.configurable()
    assert "hidden" not in model.configurable()
    assert model.rung > features.rung  # type: ignore[union-attr]


def test_a_stack_is_weighed_by_what_is_known_of_its_members_and_then_predicts_nothing_out_of_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(StackedClassifier, "_out_of_fold", None)  # a call would fail
    task, rows = Task(("bad", "good")), np.arange(0, len(TEXTS), 2)
    data = Dataset(TEXTS, task.encode(LABELS), task, Rows.numbered(len(TEXTS)))
    right = np.eye(2, dtype=np.float32)[data.targets[rows]] * 0.8 + 0.1
    members = [
        NgramClassifier(min_count=1, C=1.0),
        {"method": "recurrent", "parameters": {"epochs": 1, "min_count": 1}},
    ]
    stack = StackedClassifier(members).weighed_by(rows, [1 - right, right]).fit(data)
    assert stack.chosen_["weighed_on_rows"] == len(rows)
    np.testing.assert_allclose(stack.weights_, fit_weights([1 - right, right], data.targets[rows], task))
    assert all(member.fitted_on_.rows == len(data) for member in stack.members_)
