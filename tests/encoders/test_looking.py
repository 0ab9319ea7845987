"""What an encoder makes of texts, to be looked at: tokens, ids, masks, what is cut, and the states of the tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.encoders import EMBEDDED, Encoder, open_encoder
from textgraft.errors import DataError, EncoderError, SettingError

from .families import save_family
from .tiny_sentences import NAME, carry

pytest.importorskip("torch")

TEXT = "The film was good"
LONG = "the film was very good and the book was not bad " * 12
TEXTS = [TEXT, "a very very bad book", "goal", "", "the match was not great and the game was awful"]


def opened(folder: Path, **options: object) -> Encoder:
    encoder = open_encoder(folder, **({"precision": "fp32", "cache": False} | options))  # type: ignore[arg-type]
    assert isinstance(encoder, Encoder)
    return encoder


def test_a_text_is_shown_as_tokens_ids_and_mask(tiny_encoder: Path) -> None:
    seen = opened(tiny_encoder).tokenize(TEXT)
    assert seen.tokens == ["[CLS]", "the", "film", "was", "good", "[SEP]"]
    assert seen.ids[:1].tolist() == [2]
    assert seen.mask.tolist() == [1] * 6
    assert seen.special.tolist() == [True, False, False, False, False, True]
    assert [TEXT[i:j] for i, j in seen.spans.tolist()] == ["", "The", "film", "was", "good", ""]
    assert (seen.windows, seen.cut) == ((slice(0, 6),), "")
    drawn = str(seen).splitlines()
    assert drawn[0].startswith("6 tokens of ")
    assert [line.split()[:2] for line in drawn[2:5]] == [["token", "[CLS]"], ["id", "2"], ["mask", "1"]]


@given(st.lists(st.sampled_from(["film", "Book", "xyz", "é", "  ", ".", "\n"]), max_size=60), st.integers(8, 20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_what_is_seen_and_what_is_cut_is_the_text(tiny_encoder: Path, words: list[str], most: int) -> None:
    text = " ".join(words)
    encoder = opened(tiny_encoder)
    cut = encoder.tokenize(text, max_tokens=most, long="truncate", pad=True)
    assert len(cut) == len(cut.ids) == len(cut.mask) == len(cut.spans) == most
    assert text.endswith(cut.cut)
    seen = text[: len(text) - len(cut.cut)]
    assert not seen[int(cut.spans.max(initial=0)) :].strip()  # nothing between the last token and what is cut
    [row] = encoder.tokenizer.windows([text], most, "truncate").ids
    assert cut.ids[cut.mask == 1].tolist() == row.tolist()
    assert (cut.ids[cut.mask == 0] == encoder.tokenizer.pad_id).all()
    whole = encoder.tokenize(text, max_tokens=most, long="window")
    assert whole.cut == ""
    assert [whole.ids[window].tolist() for window in whole.windows] == [
        row.tolist() for row in encoder.tokenizer.windows([text], most, "window").ids
    ]
    covered = np.zeros(len(text), np.bool_)
    for i, j in whole.spans.tolist():
        covered[i:j] = True
    assert not "".join(text[i] for i in np.flatnonzero(~covered)).strip()


def test_what_a_text_says_is_neither_markup_nor_obeyed(tiny_encoder: Path) -> None:
    encoder = opened(tiny_encoder, max_tokens=8, long="truncate")
    seen = encoder.tokenize("film <script>alert(1)</script> \x1b[31m " * 4)
    assert seen.cut
    assert "<script" not in seen._repr_html_()
    assert "&lt;script&gt;" in seen._repr_html_()
    assert "\x1b" not in str(seen) + seen._repr_html_()


def test_several_windows_are_drawn_apart(tiny_encoder: Path) -> None:
    drawn = str(opened(tiny_encoder, max_tokens=16).tokenize(LONG))
    assert "windows that overlap" in drawn
    assert "window 2" in drawn
    assert max(map(len, drawn.splitlines()[1:])) <= 88


@pytest.mark.parametrize("text", [["a", "b"], None, b"film"])
def test_one_text_is_shown_at_a_time(tiny_encoder: Path, text: object) -> None:
    with pytest.raises(SettingError, match="one text"):
        opened(tiny_encoder).tokenize(text)  # type: ignore[arg-type]


def test_options_that_cannot_be_used_are_refused(tiny_encoder: Path) -> None:
    with pytest.raises(SettingError, match="between 8 and 64"):
        opened(tiny_encoder).tokenize(TEXT, max_tokens=65)
    with pytest.raises(SettingError, match="long must be one of"):
        opened(tiny_encoder).tokenize(TEXT, long="middle")  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_pooled_states(tiny_encoder: Path, pooling: str) -> None:
    encoder = opened(tiny_encoder, pooling=pooling, long="truncate")
    states = encoder.states(TEXTS)
    pooled = states.mean() if pooling == "mean" else states.first()
    np.testing.assert_allclose(pooled, encoder.encode(TEXTS), atol=1e-5)


def test_padding_changes_no_state(tiny_encoder: Path) -> None:
    encoder = opened(tiny_encoder)
    together = encoder.states([*TEXTS, LONG])
    for i, text in enumerate([*TEXTS, LONG]):
        alone = encoder.states([text])
        length = len(together.tokens[i])
        assert alone.values.shape == (1, length, encoder.width)
        np.testing.assert_allclose(together.values[i, :length], alone.values[0], atol=1e-5)
        assert not together.values[i, length:].any()
        assert together.mask[i].tolist() == [1] * length + [0] * (together.mask.shape[1] - length)
        assert together.tokens[i] == encoder.tokenize(text, long="truncate").tokens
    assert together.values.dtype == np.float32
    assert together.cut.tolist() == [False] * len(TEXTS) + [True]
    assert f"{together.padding:.1%} of {together.mask.size:,} places are padding; 1 text cut off" in str(together)


def test_no_texts_have_no_states(tiny_encoder: Path) -> None:
    states = opened(tiny_encoder).states([])
    assert len(states) == 0
    assert "0 texts" in str(states)


def test_one_string_is_no_list_of_texts(tiny_encoder: Path) -> None:
    with pytest.raises(DataError, match="Put it in brackets"):
        opened(tiny_encoder).states("film")


def test_more_states_than_memory_holds_are_refused(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textgraft.encoders.hidden_states.free_memory", lambda: 10_000)
    with pytest.raises(SettingError, match="fewer texts at a time"):
        opened(tiny_encoder).states(TEXTS)


@pytest.mark.parametrize("family", ["distilbert", "roberta", "t5"])
def test_encoders_of_other_families_are_opened_from_a_folder(tmp_path: Path, family: str) -> None:
    pytest.importorskip("transformers")
    encoder = opened(save_family(family, tmp_path, bare=False))
    seen, states = encoder.tokenize("a film"), encoder.states(["a film", "the film was good"])
    assert states.tokens[0] == seen.tokens
    assert set(seen.tokens) >= {"a", "film"}
    np.testing.assert_allclose(states.mean(), encoder.encode(["a film", "the film was good"]), atol=1e-4)


def test_a_fine_tuned_model_is_an_encoder_too(tiny_encoder: Path, tmp_path: Path) -> None:
    texts, labels = ["good film", "bad film", "great book", "awful book"] * 3, ["up", "down"] * 6
    model = tg.FineTunedClassifier(str(tiny_encoder), epochs=1, precision="fp32").fit(texts, labels)
    model.save(tmp_path / "model")
    encoder = opened(tmp_path / "model")
    np.testing.assert_allclose(encoder.states(texts).mean(), model.encode(texts), atol=1e-5)


def test_auto_needs_texts_and_is_refused() -> None:
    with pytest.raises(SettingError, match="by the language of the texts"):
        open_encoder("auto")


def test_an_encoder_without_states_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(EMBEDDED, NAME, carry(tmp_path))
    encoder = open_encoder(NAME, cache=False)
    assert encoder.encode(["a film"]).shape == (1, encoder.width)
    for look in (encoder.tokenize, encoder.states):
        with pytest.raises(EncoderError, match="one vector per text"):
            look("a film")
    with pytest.raises(SettingError, match="one way to read texts"):
        open_encoder(NAME, pooling="cls")
