from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from textgraft import FeatureClassifier, FineTunedClassifier, load
from textgraft.encoders import EMBEDDED
from textgraft.encoders.choosing import choose_encoder
from textgraft.encoders.embedded import Embedded
from textgraft.errors import EncoderError

ENGLISH = ["I did not know that the train is so late", "this is what you get for it", "he was here with them"]
SPANISH = ["no sabía que el tren llega tan tarde", "esto es lo que hay por aquí", "ella está muy bien con ellos"]
VIETNAMESE = ["tôi không biết rằng tàu đến muộn", "đây là những gì bạn có được", "anh ấy đã ở đây với họ"]
NOTHING = ["123", "4711", "0815"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the encoders that count as installed; a test changes it."""
    names = set(EMBEDDED)
    own = {id(source): name for name, source in EMBEDDED.items()}
    monkeypatch.setattr(Embedded, "is_here", property(lambda source: own[id(source)] in names))
    return names


@pytest.mark.parametrize("with_network", [True, False])
@pytest.mark.parametrize("texts", [ENGLISH, SPANISH, VIETNAMESE, ENGLISH + SPANISH, NOTHING])
def test_auto_is_installed_and_knows_the_languages(here: set[str], texts: list[str], with_network: bool) -> None:
    parts = {"en": ENGLISH, "es": SPANISH, "vi": VIETNAMESE}
    wanted = {code for code, part in parts.items() if part[0] in texts}

    def knows(name: str) -> bool:
        return wanted <= EMBEDDED[name].languages and (EMBEDDED[name].has_network or not with_network)

    while any(map(knows, here)):
        name, said = choose_encoder("auto", texts, with_network=with_network)
        assert name in here
        assert f"encoder='auto' is {name}" in said
        assert knows(name)
        here.remove(name)
    with pytest.raises(EncoderError, match="pip install"):
        choose_encoder("auto", texts, with_network=with_network)


def test_english_is_for_the_usual_encoder(here: set[str]) -> None:
    assert choose_encoder("auto", ENGLISH, with_network=True) == (
        "all-MiniLM-L6-v2", "encoder='auto' is all-MiniLM-L6-v2: English in 100 % of 3 texts."
    )  # fmt: skip


def test_a_language_that_nothing_here_knows_is_said_with_what_would(here: set[str]) -> None:
    here -= {"multilingual-e5-small", "universal-sentence-encoder-multilingual"}
    with pytest.raises(
        EncoderError,
        match=r"language of the texts .Spanish in 100 % of 3 texts.*textgraft\[transformers,multilingual\].*Hub",
    ):
        choose_encoder("auto", SPANISH, with_network=False)


def test_a_named_encoder_is_taken_and_doubted_where_it_does_not_know_the_language(here: set[str]) -> None:
    name, said = choose_encoder("all-MiniLM-L6-v2", SPANISH, with_network=True)
    assert name == "all-MiniLM-L6-v2"
    assert said.startswith("Most of the texts are in Spanish, on which 'all-MiniLM-L6-v2' was not trained;")
    for quiet in (ENGLISH, NOTHING):
        assert choose_encoder("all-MiniLM-L6-v2", quiet, with_network=True) == ("all-MiniLM-L6-v2", "")
    assert choose_encoder("./folder", SPANISH, with_network=True) == ("./folder", "")


@pytest.mark.parametrize("method", [FeatureClassifier, FineTunedClassifier])
def test_what_auto_is_stands_in_the_model(
    method: type, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textgraft.methods.graphs.choose_encoder", lambda *_, **__: (str(tiny_encoder), "Because."))
    model = method("auto").fit(["good film", "bad film"] * 20, ["a", "b"] * 20)
    assert model.chosen_["encoder"] == str(tiny_encoder)
    assert "Because." in model.notes_
    assert model.get_params()["encoder"] == "auto"
    again = load(model.save(tmp_path / "model"))
    assert again.get_params()["encoder"] == str(tiny_encoder)
    np.testing.assert_allclose(again.predict_proba(["good"]), model.predict_proba(["good"]), atol=1e-6)


def test_options_of_networks_make_auto_a_network(here: set[str]) -> None:
    here -= set(EMBEDDED) - {"universal-sentence-encoder-multilingual"}
    with pytest.raises(EncoderError, match="No encoder that is installed knows"):
        FeatureClassifier("auto", pooling="cls").fit(ENGLISH * 4, list("abc") * 4)


def test_the_page_on_encoders_names_all_with_their_extra() -> None:
    page = (Path(__file__).parents[2] / "docs" / "encoders.md").read_text("utf-8")
    for name, source in EMBEDDED.items():
        assert re.search(rf"^\| `{name}`.*`{source.extra}`", page, re.MULTILINE)
