"""A wanted precision or recall: chosen with ``fit`` or later, kept with the model, dropped where it holds no longer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft import MajorityClassifier, NgramClassifier, load
from textgraft.errors import ArtifactError, SettingError
from textgraft.model_directory.manifest import FILE

RNG = np.random.default_rng(0)
WORDS = {"joy": ["fine", "great"], "anger": ["rage", "mad"], "fear": ["dread", "panic"]}


def rows(n: int) -> tuple[list[str], list[Any]]:
    carried = [[label for label in WORDS if RNG.random() < 0.4] for _ in range(n)]
    texts = [
        " ".join(RNG.choice(WORDS[label]) if RNG.random() < 0.8 else "day" for label in labels)
        + f" {RNG.choice(['fine', 'rage', 'of'])} {RNG.integers(10**6)}"
        for labels in carried
    ]
    return texts, carried


TRAIN, NEW = rows(600), rows(600)


def test_labels_that_are_not_named_are_as_they_would_be_without_the_others() -> None:
    usual = NgramClassifier(metric="f1_macro").fit(*TRAIN)
    model = NgramClassifier(metric="f1_macro", thresholds={"joy": "recall 0.9"}).fit(*TRAIN)
    assert [goal.label for goal in model.goals_] == ["joy"]
    assert model.thresholds_[:2].tolist() == usual.thresholds_[:2].tolist()
    assert "'joy' is given from a probability of" in model.notes_[-1]
    assert NgramClassifier(thresholds="global").fit(*TRAIN).goals_ == ()


def test_they_are_kept_with_the_model_and_changed_in_place_or_in_its_directory(tmp_path: Path) -> None:
    model = NgramClassifier(thresholds="recall 0.8", abstain=0.3).fit(*TRAIN)
    assert model.abstention_.abstains
    again = load(model.save(tmp_path / "model"))
    assert again.goals_ == model.goals_
    assert len(again.goals_) == 3
    assert again.thresholds == "recall 0.8"
    assert tg.set_thresholds(model, *NEW, precision=0.6, of=["joy"]) == model.goals_
    assert tg.set_thresholds(tmp_path / "model", *NEW, precision=0.6, of="joy") == model.goals_
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.thresholds_, model.thresholds_)
    assert again.abstention_ == model.abstention_
    assert not model.abstention_.abstains  # which was for what was predicted before
    assert again.chosen_["decision"] == model.chosen_["decision"]


def test_a_damaged_goal_is_refused_and_an_earlier_model_has_none(tmp_path: Path) -> None:
    place = NgramClassifier(thresholds={"joy": "recall 0.8"}).fit(*TRAIN).save(tmp_path / "model")
    content = json.loads((place / FILE).read_text())
    for wrong in ({"label": "other"}, {"measure": "f1"}, {"rows": "many"}):
        (place / FILE).write_text(json.dumps(content | {"goals": [content["goals"][0] | wrong]}))
        with pytest.raises(ArtifactError, match="its goals are not precisions and recalls of its labels"):
            load(place)
    del content["goals"], content["parameters"]["thresholds"]
    (place / FILE).write_text(json.dumps(content | {"format_version": 5}))
    assert load(place).goals_ == ()


def test_a_method_that_holds_out_no_rows_says_so_and_costs_are_refused() -> None:
    texts, labels = TRAIN[0], [carried[0] if carried else "none" for carried in TRAIN[1]]
    floor = MajorityClassifier(thresholds={"joy": "recall 0.9"}).fit(texts, labels)
    assert floor.notes_[-1] == "No threshold was chosen for what is wanted: majority held out no rows."
    names = sorted(set(labels))
    costs = {a: {b: float(a != b) for b in names} for a in names}
    with pytest.raises(SettingError, match="choose either costs"):
        NgramClassifier(metric=costs, thresholds={"joy": "recall 0.9"}).fit(texts, labels)
