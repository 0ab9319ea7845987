"""Models that may leave a text without an answer: chosen with fit or later, kept with them, the same everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft import MajorityClassifier, NgramClassifier, load
from textgraft.artifact.exporting import export
from textgraft.decision import Abstention
from textgraft.errors import ArtifactError, DataError, SettingError
from textgraft.methods import FeatureClassifier, RecurrentClassifier, StackedClassifier, TextClassifier
from textgraft.model_directory.manifest import FILE
from textgraft.prediction import predict_stream
from textgraft.prediction.streaming import numbered

RNG = np.random.default_rng(0)
WELL, COLD, ILL = ["sun", "walk", "cough", "rest"], ["cough", "nose", "walk", "fever"], ["fever", "cough"]
WORDS = {"well": WELL, "cold": COLD, "ill": ILL}


def rows(n: int, several: bool = False) -> tuple[list[str], list[Any]]:
    labels = RNG.choice(list(WORDS), n, p=[0.7, 0.22, 0.08]).tolist()
    texts = [
        " ".join([*RNG.choice(["the", "a", "of", "day"], 4), RNG.choice(WORDS[label]), str(RNG.integers(10**6))])
        for label in labels
    ]
    return texts, [
        (label, "new") if several and i % 3 else (label,) for i, label in enumerate(labels)
    ] if several else labels


TRAIN, NEW, TEST = rows(600), rows(500), rows(300)
OTHER = ["stocks fell by two points in tokyo", "the parliament votes on a budget", "zq xv wk"] * 5


@pytest.fixture(scope="module")
def model() -> NgramClassifier:
    return NgramClassifier(abstain=0.8).fit(*TRAIN)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, model: NgramClassifier) -> Path:
    """A saved model that has all that can be chosen."""
    place = model.save(tmp_path_factory.mktemp("models") / "model")
    tg.abstain(place, *NEW, accuracy=0.85, coverage=0.9, false_alarms=0.05)
    return place


def test_fit_chooses_the_confidence_for_an_accuracy_and_says_so(model: NgramClassifier) -> None:
    sureness = model.abstention_.sureness
    assert sureness is not None
    assert (sureness.accuracy, sureness.level) == (0.8, 0.95)
    assert model.notes_[-1] == model.chosen_["abstention"]
    assert "answers to texts like these are at least 80 % right" in model.notes_[-1]
    answers = model.answers(TEST[0])
    given = np.array([label is not None for label in answers.labels])
    np.testing.assert_array_equal(given, answers.confidence >= sureness.threshold)
    assert 0 < given.sum() < len(given)
    right = np.array(answers.predicted) == TEST[1]
    assert right[given].mean() > max(0.76, right.mean())


def test_abstaining_changes_no_label_and_no_probability(model: NgramClassifier) -> None:
    usual = NgramClassifier().fit(*TRAIN)
    np.testing.assert_array_equal(usual.predict_proba(TEST[0]), model.predict_proba(TEST[0]))
    assert usual.predict(TEST[0]).tolist() == model.predict(TEST[0]).tolist()  # type: ignore[union-attr]


def test_what_cannot_be_reached_is_a_note_of_fit_and_no_error() -> None:
    model = NgramClassifier(abstain=0.999).fit(*TRAIN)
    assert model.abstention_ == Abstention()
    assert "that takes 2,995 answers without an error" in model.notes_[-1]
    floor = MajorityClassifier(abstain=0.9).fit(*TRAIN)
    assert floor.notes_[-1] == "No threshold was chosen for abstaining: majority held out no rows."


def test_texts_alone_and_together_a_stream_and_a_loaded_model_answer_alike(whole: Path) -> None:
    model, texts = load(whole), [*TEST[0][:60], *OTHER]
    together = model.answers(texts)
    alone = [model.answers([text]) for text in texts]
    assert together.reasons == [each.reasons[0] for each in alone]
    assert together.sets == [each.sets[0] for each in alone if each.sets is not None]
    (streamed,) = predict_stream(model, numbered(texts))
    assert (streamed.reasons, streamed.sets) == (together.reasons, together.sets)
    assert set(together.reasons) == {"", "unsure", "out of scope"}
    assert together.reasons[-1] == "out of scope"
    (of_processes,) = predict_stream(model, numbered(texts), jobs=2, reopen=_reopened(whole))
    assert of_processes.reasons == together.reasons


def _reopened(place: Path) -> Any:
    from functools import partial

    return partial(load, place)


def test_a_saved_model_abstains_as_before_and_an_earlier_one_never_does(whole: Path, tmp_path: Path) -> None:
    model = load(whole)
    again = load(model.save(tmp_path / "again"))
    assert again.abstention_ == model.abstention_
    content = json.loads((whole / FILE).read_text())
    assert content["abstention"]["sureness"]["accuracy"] == 0.85
    del content["abstention"], content["parameters"]["abstain"]
    (tmp_path / "again" / FILE).write_text(json.dumps(content | {"format_version": 5}))
    assert load(tmp_path / "again").abstention_ == Abstention()


def test_a_damaged_threshold_is_refused(whole: Path, tmp_path: Path) -> None:
    place = load(whole).save(tmp_path / "model")
    content = json.loads((place / FILE).read_text())
    content["abstention"]["sets"]["floors"] = [0.5]
    (place / FILE).write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match="its abstention has floors of other labels"):
        load(place)


def test_the_card_says_what_was_chosen_and_who_does_not_know_of_it(whole: Path) -> None:
    card = (whole / "README.md").read_text()
    assert "Tools that take the most probable label, such as the pipeline of `transformers`, do not know of it." in card
    assert "Texts are answered from a confidence of " in card
    assert "have all that they carry in their set of possible labels" in card
    assert "Texts are called out of scope by confidence and likeness to training texts" in card


def test_rows_of_the_training_data_are_left_out_of_the_choice(model: NgramClassifier) -> None:
    mixed = ([*NEW[0], *TRAIN[0]], [*NEW[1], *TRAIN[1]])
    copy = NgramClassifier().fit(*TRAIN)
    found = tg.abstain(copy, *mixed, accuracy=0.8)
    assert found.sureness is not None
    assert found.sureness.rows == len(NEW[0])
    with pytest.raises(DataError, match="was trained on all 600 rows, on which it is surer"):
        tg.abstain(copy, *TRAIN, accuracy=0.8)


def test_what_is_chosen_on_rows_is_said_where_they_are_evaluated() -> None:
    model = NgramClassifier().fit(*TRAIN)
    assert tg.evaluate(model, *NEW).selective is not None
    tg.abstain(model, *NEW, accuracy=0.8, coverage=0.9)
    there, elsewhere = tg.evaluate(model, *NEW), tg.evaluate(model, *TEST)
    assert any("was chosen on these very rows" in note for note in there.notes)
    assert not any("was chosen on these very rows" in note for note in elsewhere.notes)
    assert type(elsewhere).from_dict(json.loads(json.dumps(elsewhere.to_dict()))).selective == elsewhere.selective


def test_texts_out_of_scope_are_told_apart_in_an_evaluation(whole: Path) -> None:
    found = tg.evaluate(load(whole), *TEST, out_of_scope=OTHER).out_of_scope
    assert found is not None
    assert found.auroc.value > found.auroc_of_confidence.value
    assert found.found is not None
    assert found.found.value > 0.9
    with pytest.raises(DataError, match="no texts out of scope"):
        tg.evaluate(load(whole), *TEST, out_of_scope=[])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "Nothing is to be chosen: say the wanted accuracy"),
        ({"accuracy": 97}, "accuracy must be a number above 0 and below 1, such as 0.97; got 97"),
        ({"accuracy": 0.0}, "accuracy must be a number above 0 and below 1"),
        ({"coverage": True}, "coverage must be a number above 0 and below 1"),
        ({"accuracy": 0.9, "by_label": True}, "by_label is about sets"),
        ({"accuracy": 0.9999}, "that takes 29,956 answers without an error"),
    ],
)
def test_what_cannot_be_chosen_is_a_sentence(model: NgramClassifier, asked: dict[str, Any], sentence: str) -> None:
    before = model.abstention_
    with pytest.raises(SettingError, match=sentence):
        tg.abstain(model, *NEW, **asked)
    assert model.abstention_ == before


def test_a_wanted_accuracy_outside_its_range_is_refused_before_fit() -> None:
    with pytest.raises(SettingError, match=r"abstain must be a number above 0 and below 1, such as 0\.97; got 1"):
        NgramClassifier(abstain=1).fit(*TRAIN)


def test_several_labels_are_answered_all_or_not_at_all() -> None:
    train, new = rows(600, several=True), rows(500, several=True)
    model = NgramClassifier().fit(*train)
    found = tg.abstain(model, *new, accuracy=0.5, coverage=0.9, by_label=True)
    assert found.sets is not None
    answers = model.answers(new[0])
    assert answers.sets is not None
    for label, predicted, possible in zip(answers.labels, answers.predicted, answers.sets, strict=True):
        assert label in (None, predicted)
        assert set(predicted) <= set(possible)


def test_probabilities_of_a_foreign_model_that_are_none_are_refused(model: NgramClassifier) -> None:
    class Foreign(NgramClassifier):
        def _proba(self, texts: list[str]) -> Any:
            return np.full((len(texts), 3), 0.9, np.float32)

    foreign = Foreign().fit(*TRAIN)
    with pytest.raises(DataError, match="must sum to 1 in each row"):
        tg.abstain(foreign, *NEW, accuracy=0.8)


@pytest.mark.parametrize("kind", ["features", pytest.param("stack", marks=pytest.mark.slow)])
def test_encoders_know_how_familiar_texts_are(kind: str, tiny_encoder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    features = FeatureClassifier(str(tiny_encoder), neighbour_share=0.1, precision="fp32")
    made: TextClassifier = features if kind == "features" else StackedClassifier(["ngrams", features])
    model = made.fit(TRAIN[0][:200], TRAIN[1][:200])
    found = tg.abstain(model, NEW[0][:100], NEW[1][:100], false_alarms=0.1)
    assert found.scope is not None
    assert found.scope.familiarity_spread is not None
    again = load(model.save(tmp_path / "model"))
    texts = [*TEST[0][:20], *OTHER[:3]]
    assert again.answers(texts).reasons == model.answers(texts).reasons
    probabilities, familiarity = model.scored(texts)
    np.testing.assert_array_equal(probabilities, model.predict_proba(texts))
    assert familiarity is not None
    assert familiarity.shape == (23,)


def test_an_export_abstains_as_the_model_does(tmp_path: Path) -> None:
    for library in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(library)
    network: dict[str, Any] = {"epochs": 6, "batch_size": 16, "learning_rate": 5e-3, "hidden": 8, "width": 8}
    model = RecurrentClassifier("lstm", layers=1, **network).fit(*TRAIN)
    place = model.save(tmp_path / "model")
    tg.abstain(place, *NEW, accuracy=0.5, coverage=0.9, false_alarms=0.05)
    export(place, runtime="onnx", precision="fp32", to=tmp_path / "shipped")
    tg.abstain(place, *NEW, coverage=0.8)  # another choice later, which the shipped one does not have
    own, shipped = load(place, runtime="torch"), load(tmp_path / "shipped", runtime="onnx")
    assert own.abstention_.sureness == shipped.abstention_.sureness
    own.abstention_ = shipped.abstention_
    texts = [*TEST[0][:50], *OTHER]
    before, after = own.answers(texts), shipped.answers(texts)
    far = np.abs(before.confidence - shipped.abstention_.sureness.threshold) > 1e-3  # type: ignore[union-attr]
    assert [r for r, clear in zip(before.reasons, far, strict=True) if clear] == [
        r for r, clear in zip(after.reasons, far, strict=True) if clear
    ]
