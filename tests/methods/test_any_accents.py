"""The same text gives the same answer, however its letters are written in Unicode."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft import export, load
from textgraft.errors import SettingError
from textgraft.methods import (
    METHODS,
    FeatureClassifier,
    FineTunedClassifier,
    NgramClassifier,
    RecurrentClassifier,
    StackedClassifier,
    TextClassifier,
)
from textgraft.unicode import FORMS, in_form

from ..stacks import small_members
from ..trying import EXAMPLES

JOY = [f"{more} {noun}" for noun in ("fête", "gâteau", "été") for more in ("une", "la très", "cette", "ma")]
ANGER = [f"{more} {noun}" for noun in ("échec", "déçu", "mécontent") for more in ("un", "le très", "ce", "mon")]
TEXTS = [f"{text} {end}" for text in JOY + ANGER for end in ("", "game", "film")]
LABELS = ["joy"] * (len(TEXTS) // 2) + ["anger"] * (len(TEXTS) // 2)
ACCENTS = st.text(
    st.sampled_from("aeiouçñ ,éàêïőűśẹ́ệ한가각ガぱΩÅ\u0301\u0302\u0323\u0327\u1161\u11a8ΐΰא\u05bc"), max_size=20
)
ANY_TEXT = st.one_of(
    st.lists(st.one_of(st.sampled_from([word for text in TEXTS for word in text.split()]), ACCENTS)).map(" ".join),
    st.text(max_size=20),
)
ALIKE = [("ｆêｔｅ", "fête"), ("l\ufb01n", "lfin"), ("fête…", "fête..."), ("①", "1")]  # not in NFC, but in NFKC

BY_WORDS = ("ngrams", "recurrent")


@pytest.fixture(scope="module")
def models(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[TextClassifier, Path]]:
    """One of each method with the place where it is saved."""
    encoder = str(tiny_encoder)
    made = (
        METHODS["majority"](),
        NgramClassifier(min_count=1),
        FeatureClassifier(encoder, precision="fp32"),
        RecurrentClassifier(hidden=8, width=8, epochs=2, min_count=1, precision="fp32"),
        FineTunedClassifier(encoder, precision="fp32", epochs=1),
        StackedClassifier(small_members(tiny_encoder)),
    )
    assert {model.method for model in made} == set(METHODS)
    folder = tmp_path_factory.mktemp("accents")
    return {model.method: (model, model.fit(TEXTS, LABELS).save(folder / model.method)) for model in made}


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=EXAMPLES)
@given(text=ANY_TEXT)
def test_composed_and_decomposed_accents_are_the_same_text(
    models: dict[str, tuple[TextClassifier, Path]], method: str, text: str
) -> None:
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]  # type: ignore[arg-type]
    answers = [models[method][0].predict_proba([form]) for form in (text, *forms)]
    np.testing.assert_array_equal(answers[1], answers[0])
    np.testing.assert_array_equal(answers[2], answers[0])


@pytest.mark.parametrize("method", BY_WORDS)
@settings(max_examples=EXAMPLES)
@given(text=ANY_TEXT)
def test_words_that_are_alike_for_unicode_are_the_same(
    models: dict[str, tuple[TextClassifier, Path]], method: str, text: str
) -> None:
    model = models[method][0]
    forms = [unicodedata.normalize(form, text) for form in ("NFKC", "NFKD")]  # type: ignore[arg-type]
    answers = [model.predict_proba([form]) for form in (text, *forms)]
    np.testing.assert_array_equal(answers[1], answers[0])
    np.testing.assert_array_equal(answers[2], answers[0])


@pytest.mark.parametrize("method", BY_WORDS)
@pytest.mark.parametrize(("given", "plain"), ALIKE)
def test_full_width_letters_and_ligatures_are_plain_ones(
    models: dict[str, tuple[TextClassifier, Path]], method: str, given: str, plain: str
) -> None:
    model = models[method][0]
    np.testing.assert_array_equal(model.predict_proba([given]), model.predict_proba([plain]))


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_model_reads_texts_as_it_did(models: dict[str, tuple[TextClassifier, Path]], method: str) -> None:
    model, place = models[method]
    again = load(place)
    assert again.unicode == model.unicode
    for form in ("NFC", "NFD"):
        texts = [unicodedata.normalize(form, text) for text in TEXTS]  # type: ignore[arg-type]
        np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(TEXTS))


@pytest.mark.parametrize("method", [method for method in METHODS if METHODS[method]().unicode != "none"])
def test_a_model_of_an_earlier_release_reads_texts_as_it_did(
    models: dict[str, tuple[TextClassifier, Path]], method: str, tmp_path: Path
) -> None:
    model = models[method][0]
    earlier = type(model)(**model.get_params() | {"unicode": "none"}).fit(TEXTS, LABELS)
    path = earlier.save(tmp_path / "model") / "textgraft.json"
    content = json.loads(path.read_text("utf-8"))
    assert content["parameters"].pop("unicode") == "none"
    content["format_version"] = 2
    path.write_text(json.dumps(content), "utf-8")
    again = load(tmp_path / "model")
    assert again.unicode == "none"
    texts = [unicodedata.normalize("NFD", text) for text in TEXTS] + [given for given, _ in ALIKE]
    np.testing.assert_array_equal(again.predict_proba(texts), earlier.predict_proba(texts))
    again.save(tmp_path / "again")
    assert load(tmp_path / "again").unicode == "none"


def test_a_table_of_decomposed_texts_gives_the_model_of_composed_ones() -> None:
    apart = [unicodedata.normalize("NFD", text) for text in TEXTS]
    one, other = NgramClassifier().fit(TEXTS, LABELS), NgramClassifier().fit(apart, LABELS)
    np.testing.assert_array_equal(one.predict_proba(TEXTS), other.predict_proba(TEXTS))
    assert one.words_.words == other.words_.words


@pytest.mark.parametrize("method", ["features", "finetune", "recurrent"])
def test_an_export_reads_texts_as_the_model_does(
    models: dict[str, tuple[TextClassifier, Path]], method: str, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    model, place = models[method]
    export(place, runtime="onnx", precision="fp32", to=tmp_path / "shipped")
    again = load(tmp_path / "shipped", runtime="onnx")
    apart = [unicodedata.normalize("NFD", text) for text in TEXTS]
    np.testing.assert_allclose(again.predict_proba(apart), model.predict_proba(TEXTS), atol=1e-5)
    np.testing.assert_array_equal(again.predict_proba(apart), again.predict_proba(TEXTS))


def test_the_form_can_be_chosen_and_another_word_is_refused() -> None:
    model = NgramClassifier(unicode="none").fit(TEXTS, LABELS)
    apart = [unicodedata.normalize("NFD", text) for text in TEXTS]
    assert not np.array_equal(model.predict_proba(apart), model.predict_proba(TEXTS))
    with pytest.raises(SettingError, match="unicode must be one of 'nfc', 'nfkc', 'none'; got 'nfd'"):
        NgramClassifier(unicode="nfd").fit(TEXTS, LABELS)  # type: ignore[arg-type]


@settings(max_examples=EXAMPLES)
@given(texts=st.lists(st.text(max_size=10), max_size=5), form=st.sampled_from(FORMS))
def test_a_text_in_its_form_stays_in_it(texts: list[str], form: str) -> None:
    once = in_form(texts, form)  # type: ignore[arg-type]
    assert in_form(once, form) == once  # type: ignore[arg-type]
    if form == "none":
        assert once == texts
