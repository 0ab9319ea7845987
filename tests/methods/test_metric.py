"""A method with a metric that matters: what it predicts, what is kept with it, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft import MajorityClassifier, NgramClassifier, load
from textgraft.errors import SettingError
from textgraft.ladder import evaluate
from textgraft.methods import METHODS, TextClassifier
from textgraft.methods.estimator import clone

RNG = np.random.default_rng(0)
WORDS = {
    "well": ["sun", "walk", "cough", "rest"],
    "cold": ["cough", "nose", "walk", "fever"],
    "ill": ["fever", "cough"],
}
LABELS = RNG.choice(list(WORDS), 600, p=[0.7, 0.22, 0.08]).tolist()
TEXTS = [" ".join([*RNG.choice(["the", "a", "of", "day"], 5), RNG.choice(WORDS[label])]) for label in LABELS]
COSTS = {"well": {"well": 0, "cold": 1, "ill": 2}, "cold": {"well": 1, "cold": 0, "ill": 1},
         "ill": {"well": 50, "cold": 20, "ill": 0}}  # fmt: skip


@pytest.fixture(scope="module")
def usual() -> NgramClassifier:
    return NgramClassifier().fit(TEXTS[:400], LABELS[:400])


def test_a_metric_changes_decisions_and_no_probabilities(usual: NgramClassifier) -> None:
    model = NgramClassifier(metric="f1:ill").fit(TEXTS[:400], LABELS[:400])
    np.testing.assert_array_equal(model.predict_proba(TEXTS[400:]), usual.predict_proba(TEXTS[400:]))
    ill = [(each.predict(TEXTS[400:]) == "ill").sum() for each in (usual, model)]  # type: ignore[operator, union-attr]
    assert ill[1] > ill[0]
    assert model.chosen_["decision"].startswith("Thresholds were chosen for F1 of ill: ")
    assert model.notes_[-1] == model.chosen_["decision"]


@pytest.mark.parametrize("metric", ["f1_macro", "recall:ill@0.4", "log_loss", COSTS])
def test_metric_thresholds_and_costs_are_kept_with_the_model(tmp_path: Path, metric: Any) -> None:
    model = NgramClassifier(metric=metric).fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()  # type: ignore[union-attr]
    np.testing.assert_array_equal(again.thresholds_, model.thresholds_)
    assert again.get_params()["metric"] == metric
    assert evaluate(again, TEXTS[:50], LABELS[:50]).headline == str(model.metric_)
    assert evaluate(again, TEXTS[:50], LABELS[:50], metric="f1:cold").headline == "f1:cold"


def test_costs_of_a_file_are_kept_by_name_and_the_file_is_needed_no_more(tmp_path: Path) -> None:
    table = tmp_path / "costs.csv"
    rows = [f"{true},{','.join(map(str, row.values()))}" for true, row in COSTS.items()]
    table.write_text("\n".join([",well,cold,ill", *rows]))
    NgramClassifier(metric=table).fit(TEXTS, LABELS).save(tmp_path / "model")
    table.unlink()
    manifest = json.loads((tmp_path / "model" / "textgraft.json").read_text())
    assert manifest["parameters"]["metric"]["ill"] == {"cold": 20, "ill": 0, "well": 50}
    model = load(tmp_path / "model")
    p = model.predict_proba(TEXTS).astype(float)
    costs = np.array([[0, 1, 1], [20, 0, 50], [1, 2, 0]])  # cold, ill, well
    assert model.predict(TEXTS).tolist() == model.classes_[(p @ costs).argmin(axis=1)].tolist()  # type: ignore[union-attr]
    card = (tmp_path / "model" / "README.md").read_text()
    assert "It was chosen for mean cost." in card
    assert "The label with the lowest expected cost is given, which is not always the most probable one." in card
    assert "| ill | 20 | 0 | 50 |" in card


def test_the_card_says_which_thresholds_are_not_those_of_the_most_probable_label(tmp_path: Path) -> None:
    model = NgramClassifier(metric="balanced_accuracy").fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text()
    shown = ", ".join(f"{label} {t:.2f}" for label, t in zip(model.task_.labels, model.thresholds_, strict=True))
    assert f"which is not always the most probable one: {shown}. Tools that take the most probable one" in card


def test_the_majority_by_costs_is_the_label_that_is_cheapest_on_average() -> None:
    assert set(MajorityClassifier(metric=COSTS).fit(TEXTS, LABELS).predict(TEXTS)) == {"ill"}
    assert set(MajorityClassifier().fit(TEXTS, LABELS).predict(TEXTS)) == {"well"}


@pytest.mark.parametrize("method", METHODS)
def test_a_metric_of_other_labels_is_refused_before_any_work(method: str) -> None:
    model: TextClassifier = METHODS[method](metric="f1:flu")
    with pytest.raises(SettingError, match="a label that the task does not have; the labels are cold, ill, well"):
        model.fit(TEXTS, LABELS)
    assert clone(model).get_params()["metric"] == "f1:flu"


def test_labels_of_several_are_decided_each_by_itself(tmp_path: Path) -> None:
    sets = [[label, "any"] if i % 3 else [label] for i, label in enumerate(LABELS)]
    model = NgramClassifier(metric="f1_macro").fit(TEXTS, sets)
    assert (model.thresholds_ < 0.5).any()
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").predict(TEXTS) == model.predict(TEXTS)
