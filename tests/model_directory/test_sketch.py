"""What a model keeps of its training data as counts: small, without texts, and checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft import FeatureClassifier, MajorityClassifier, NgramClassifier, StackedClassifier, load
from textgraft.errors import ArtifactError
from textgraft.model_directory.sketch import FILE, MOST_ROWS, Quantity, ScoredTexts, Sketch, capitals, repeated
from textgraft.task import Task

from ..drifting import LABELS, english

TEXTS, GIVEN = english(600, 0)
TASK = Task(LABELS)


@pytest.fixture(scope="module")
def model() -> NgramClassifier:
    return NgramClassifier().fit(TEXTS, GIVEN)


@pytest.fixture(scope="module")
def saved(model: NgramClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.save(tmp_path_factory.mktemp("models") / "m")


def test_a_model_keeps_counts_and_no_text(saved: Path) -> None:
    content = (saved / FILE).read_text("utf-8")
    sketch = load(saved).sketch_
    assert sketch is not None
    assert [each.name for each in sketch.quantities] == [
        "label", "confidence", "length", "language", "capitals", "unknown words",
    ]  # fmt: skip
    assert all(sum(each.counts) == len(TEXTS) for each in sketch.quantities)
    assert "talk" not in content
    assert len(content) < 100_000


def test_what_is_read_is_what_was_counted(model: NgramClassifier, saved: Path) -> None:
    read = Sketch.read(saved, model.task_)
    assert read is not None
    assert model.sketch_ is not None
    assert read.quantities == model.sketch_.quantities
    np.testing.assert_array_equal(read.words, model.sketch_.words)


def test_confidences_are_of_rows_that_the_model_was_not_fitted_to(model: NgramClassifier) -> None:
    assert model.sketch_ is not None
    new = english(600, 1)[0]
    places = model.sketch_.places(ScoredTexts(new, model.predict_proba(new)), model.task_, model.decision)
    own = model.sketch_.places(ScoredTexts(TEXTS, model.predict_proba(TEXTS)), model.task_, model.decision)
    column = [each.name for each in model.sketch_.quantities].index("confidence")
    usual = (len(model.sketch_["confidence"].counts) - 1) / 2
    assert abs(places[:, column].mean() - usual) < abs(own[:, column].mean() - usual)


def test_words_of_a_text_are_known_by_other_texts_alone() -> None:
    often = [f"alpha beta only{i} only{i} only{i}" for i in range(50)]
    unknown = Sketch.of(often)["unknown words"]
    assert unknown.places([0.6]).tolist() == [0]
    assert unknown.edges == (0.6,)


def test_every_method_has_a_sketch(tiny_encoder: Path) -> None:
    features = FeatureClassifier(str(tiny_encoder), neighbour_share=0.2).fit(TEXTS[:200], GIVEN[:200])
    assert features.sketch_ is not None
    assert "familiarity" in features.sketch_
    floor = MajorityClassifier().fit(TEXTS[:200], GIVEN[:200]).sketch_
    assert floor is not None
    assert "label" not in floor
    stack = StackedClassifier(["ngrams", features.twin()]).fit(TEXTS[:200], GIVEN[:200])
    assert stack.sketch_ is not None
    assert {"label", "familiarity"} <= {each.name for each in stack.sketch_.quantities}


def test_familiarity_of_training_texts_is_like_that_of_new_ones(tiny_encoder: Path) -> None:
    model = FeatureClassifier(str(tiny_encoder), neighbour_share=0.2).fit(TEXTS[:300], GIVEN[:300])
    assert model.sketch_ is not None
    new = model.scored(english(300, 2)[0], familiar=True)[1]
    quantity = model.sketch_["familiarity"]
    counts = np.bincount(quantity.places(new), minlength=len(quantity.counts))
    assert np.abs(counts - quantity.counts).max() < 0.1 * 300


def test_of_many_rows_some_are_counted() -> None:
    sketch = Sketch.of([f"text {i}" for i in range(3 * MOST_ROWS)])
    assert all(sum(each.counts) == MOST_ROWS for each in sketch.quantities)


def test_a_text_that_is_much_of_all_counts_once() -> None:
    sketch = Sketch.of([*(f"text {i} of many" for i in range(100)), *(["ok"] * 50)])
    assert sum(sketch["length"].counts) == 101


@given(st.lists(st.sampled_from("abcdefgh"), max_size=300))
def test_repetitions_are_those_after_the_first(texts: list[str]) -> None:
    again = repeated(texts)
    for text in set(texts):
        count = texts.count(text)
        heavy = count >= 5 and count > 0.005 * len(texts)
        assert sum(again[i] for i, each in enumerate(texts) if each == text) == (count - 1 if heavy else 0)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.floats(-1e7, 1e7))
def test_intervals_hold_all_values_and_any_other_has_one(values: list[float], other: float) -> None:
    quantity = Quantity.of_numbers("length", np.array(values))
    places = quantity.places(values)
    assert np.bincount(places, minlength=len(quantity.counts)).tolist() == list(quantity.counts)
    assert 0 <= quantity.places([other])[0] < len(quantity.counts)


@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_texts_have_a_share_of_capitals(texts: list[str]) -> None:
    shares = capitals(texts)
    assert shares.shape == (len(texts),)
    assert ((shares >= 0) & (shares <= 1)).all()


def test_capitals_are_told_from_other_letters() -> None:
    assert capitals(["", "aB c", "ABC!", "äÖ"]).tolist() == [0, 1 / 3, 3 / 4, 1 / 2]


def test_a_language_that_was_not_there_has_a_name() -> None:
    languages = Sketch.of(TEXTS)["language"]
    assert languages.categories is not None
    assert languages.counts[languages.places(["es"])[0]] == 0
    assert languages.categories[languages.places(["es"])[0]] == "es"


def test_an_earlier_model_has_no_sketch(saved: Path, tmp_path: Path) -> None:
    assert Sketch.read(tmp_path, TASK) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(format=2),
        lambda c: c.update(format="1"),
        lambda c: c.update(words=[3, 2]),
        lambda c: c.update(words=[1 << 32]),
        lambda c: c.update(words=[True]),
        lambda c: c.update(more=1),
        lambda c: c.update(quantities={}),
        lambda c: c["quantities"].append(c["quantities"][0]),
        lambda c: c["quantities"][0].update(name="mood"),
        lambda c: c["quantities"][0].update(categories=["another"] * 4),
        lambda c: c["quantities"][0].update(categories=["w", "x", "y", "z"]),
        lambda c: c["quantities"][0]["counts"].pop(),
        lambda c: c["quantities"][2]["edges"].reverse(),
        lambda c: c["quantities"][1]["counts"].__setitem__(0, -1),
        lambda c: c["quantities"][1].update(edges=None),
    ],
)
def test_a_damaged_sketch_is_refused(saved: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((saved / FILE).read_text("utf-8"))
    change(content)
    (tmp_path / FILE).write_text(json.dumps(content), "utf-8")
    with pytest.raises(ArtifactError, match=r"drift\.json"):
        Sketch.read(tmp_path, TASK)
