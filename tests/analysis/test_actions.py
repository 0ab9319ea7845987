from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from textgraft.analysis.actions import Known, actions, correcting
from textgraft.analysis.closer import Looked
from textgraft.analysis.curve import Forecast, LearningCurve, MethodCurve
from textgraft.analysis.label_errors import judge_labels
from textgraft.dataset import Dataset, Rows, Splits
from textgraft.evaluation import Interval, evaluate_probabilities
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.reliability import reliability
from textgraft.evaluation.seen import SeenRows
from textgraft.task import Task

LABELS = Task(("a", "b", "c", "d"))
TRAINING = (1_000, 1_000, 1_000, 1_000)


def answers(right: list[float], *, n: int = 400, seed: int = 0, taken: dict[int, int] | None = None) -> Any:
    """n rows of each label, so many right; wrong ones are spread evenly, or taken for one label."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(4), n)
    predicted = targets.copy()
    wrong = rng.random(len(targets)) > np.repeat(right, n)
    other = (targets + rng.integers(1, 4, len(targets))) % 4
    for true, label in (taken or {}).items():
        other[targets == true] = label
    predicted[wrong] = other[wrong]
    stated = float(np.mean(right))
    p = np.full((len(targets), 4), (1 - stated) / 3, np.float32)
    p[np.arange(len(targets)), predicted] = stated
    return p, targets


def proposed(p: Any, targets: Any, **more: Any) -> dict[str, list[str]]:
    found = evaluate_probabilities(p, targets, LABELS, labels_of_training=TRAINING, training_rows=4_000, resamples=100)
    (confidence,) = reliability(check_predictions(p, targets, LABELS), bins=1)
    known = Known(found, confidence, **{"training_rows": TRAINING, **more})
    keys: dict[str, list[str]] = {}
    for action in actions(known):
        keys.setdefault(action.key, []).append(f"{action.what} {action.evidence} {action.command}")
    return keys


def test_nothing_is_proposed_that_the_figures_do_not_support() -> None:
    false = [proposed(*answers([0.85] * 4, seed=seed)) for seed in range(40)]
    assert sum(map(bool, false)) <= 6


def test_a_label_that_is_found_less_often_is_named() -> None:
    found = proposed(*answers([0.9, 0.9, 0.9, 0.6]))
    assert len(found["weak_label"]) == 1
    assert "rows of d that it misses" in found["weak_label"][0]


def test_a_label_of_few_training_rows_wants_more_of_them() -> None:
    found = proposed(*answers([0.9, 0.9, 0.9, 0.6]), training_rows=(1_000, 1_000, 1_000, 40))
    assert "more rows of d" in found["few_rows"][0]
    assert "40 rows" in found["few_rows"][0]


def test_a_rare_label_is_weighed_where_the_method_can() -> None:
    rare: dict[str, Any] = {"training_rows": (1_000, 1_000, 1_000, 200), "trained_by": ("train", "my table.csv")}
    found = proposed(*answers([0.9, 0.9, 0.9, 0.6]), can_weigh=True, **rare)
    assert found["imbalance"][0].endswith("textgraft train 'my table.csv' --class-weight balanced")
    assert "imbalance" not in proposed(*answers([0.9, 0.9, 0.9, 0.6]), can_weigh=True, class_weight="balanced", **rare)


def test_labels_taken_for_each_other_are_a_pair() -> None:
    found = proposed(*answers([0.8] * 4, taken={0: 1, 1: 0}))
    assert "a from b" in found["confusable"][0]


def test_a_label_that_is_never_given_is_named() -> None:
    found = proposed(*answers([0.9, 0.9, 0.9, 0.0], taken={0: 1, 1: 2, 2: 0, 3: 0}))
    assert next(iter(found)) == "never_given"
    assert "never given" in found["never_given"][0]


@pytest.mark.parametrize(("stated", "key"), [(0.97, "overconfident"), (0.6, "underconfident")])
def test_probabilities_beside_what_is_right_are_said_to_be_so(stated: float, key: str) -> None:
    p, targets = answers([0.85] * 4)
    top = p.argmax(axis=1)
    p = np.full_like(p, (1 - stated) / 3)
    p[np.arange(len(p)), top] = stated
    assert key in proposed(p, targets)


def test_labels_that_are_hardly_right_are_named_with_the_command_that_writes_them() -> None:
    p, targets = answers([0.85] * 4)
    given = np.where(np.arange(len(targets)) % 20 == 0, (targets + 1) % 4, targets)
    sure = np.full_like(p, 0.01)
    sure[np.arange(len(p)), targets] = 0.97
    words = [f"{'abcd'[target]} text {i}" for i, target in enumerate(targets)]
    for labels, keys in ((given, 1), (targets, 0)):
        found = judge_labels(Dataset(words, labels, LABELS, Rows.numbered(len(words))), sure, method="ngrams")
        said = proposed(p, targets, looked=Looked({}, (correcting(("my table.csv",)), ""), found))
        assert len(said.get("label_errors", ())) == keys
        assert all(
            each.endswith("label-errors 'my table.csv' --out suspects.csv") for each in said.get("label_errors", ())
        )


@pytest.mark.parametrize(
    ("gain", "key"),
    [((0.02, 0.01, 0.03), "more_rows"), ((0.001, -0.002, 0.004), "enough_rows"), ((0.01, -0.01, 0.03), None)],
)
def test_more_labels_are_proposed_where_they_would_help_and_refused_where_they_would_not(
    gain: tuple[float, float, float], key: str | None
) -> None:
    p, targets = answers([0.85] * 4)
    curve = MethodCurve("ngrams", (), (Forecast(200, Interval(0.9, 0.8, 0.95), Interval(*gain)),))
    found = LearningCurve("accuracy", False, "100 test rows", (curve,))
    said = proposed(p, targets, looked=Looked({}, curve=found))
    assert [name for name in said if name.endswith("_rows") and name != "few_rows"] == ([key] if key else [])


def test_few_rows_and_no_gain_over_the_floor_are_said() -> None:
    p, targets = answers([0.25] * 4, n=10)
    found = proposed(p, targets)
    assert {"floor", "few_test_rows"} <= found.keys()


def test_rows_seen_in_training_count_from_one_in_a_hundred() -> None:
    p, targets = answers([0.85] * 4)
    found = evaluate_probabilities(p, targets, LABELS, resamples=100)
    data = Dataset(["x"], np.array([0]), LABELS, Rows.numbered(1))
    for trained, leaks, keys in ((8, (), []), (80, (), ["seen"]), (80, ("80 texts.",), ["leaks"])):
        object.__setattr__(found, "seen", SeenRows(trained, 0, 1_600, found.metrics["accuracy"]))
        known = Known(found, splits=Splits(data, leaks=leaks), trained_by=("train", "t.csv"))
        said = actions(known)
        assert [action.key for action in said] == keys
        assert not keys or ("--drop-leaks" in said[0].command) == bool(leaks)
