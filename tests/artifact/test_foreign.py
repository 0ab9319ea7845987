from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft
from textgraft import progress
from textgraft.artifact.foreign import load_foreign
from textgraft.artifact.locating import is_foreign
from textgraft.dataset import Dataset, Rows
from textgraft.encoders import resolve
from textgraft.encoders.tokenizing import TextTokenizer
from textgraft.errors import ArtifactError, EncoderError, SettingError, TextgraftError

from ..encoders.families import FAMILIES, _configuration, _tokenizer
from ..trying import EXAMPLES

pytest.importorskip("torch")

TEXTS = [f"the {noun} was {how}" for noun in ("film", "book", "game") for how in ("good", "great", "bad", "awful")]
TEXTS += ["good", "", "great " * 50]
NAMES = ("anger", "joy", "sadness")


def made(folder: Path, family: str = "bert", names: tuple[str, ...] = NAMES, **config: Any) -> Path:
    """A classifier as ``transformers`` saves it, with random weights; ``gpt2`` and ``xlnet`` are families here too."""
    import torch
    import transformers

    if family in FAMILIES:
        start, tokenizer, settings = (
            FAMILIES[family].model,
            _tokenizer(FAMILIES[family]),
            _configuration(FAMILIES[family]),
        )
    elif family == "gpt2":
        start, tokenizer = "GPT2", _tokenizer(FAMILIES["t5"])
        tokenizer._pad_token = None
        sizes = {"vocab_size": 40, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32}
        settings = transformers.GPT2Config(**sizes, bos_token_id=1, eos_token_id=1)
    else:
        start, tokenizer = "XLNet", _tokenizer(FAMILIES["bert"])
        settings = transformers.XLNetConfig(vocab_size=40, d_model=32, n_layer=2, n_head=4, d_inner=48)
    if names:
        settings.id2label, settings.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    for name, value in config.items():
        setattr(settings, name, value)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = getattr(transformers, f"{start}ForSequenceClassification")(settings)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, mean=float(parameter.dim() == 1), std=0.2)
        network.save_pretrained(folder)
    tokenizer.model_max_length = 20
    tokenizer.save_pretrained(folder)
    return folder


def piped(folder: Path) -> np.ndarray[Any, Any]:
    from transformers import pipeline

    answers = pipeline("text-classification", str(folder), top_k=None, device="cpu")(TEXTS, truncation=True)
    return np.array([[one["score"] for one in sorted(each, key=lambda one: one["label"])] for each in answers])


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("family", [name for name in FAMILIES if "t5" not in name] + ["gpt2"])
def test_it_gives_the_probabilities_of_the_pipeline(family: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "model", family)
    assert is_foreign(folder)
    model = load_foreign(folder)
    np.testing.assert_allclose(model.predict_proba(TEXTS), piped(folder), atol=1e-5)
    assert model.classes_.tolist() == list(NAMES)
    assert set(model.predict(TEXTS)) <= set(NAMES)


def test_many_labels_are_judged_one_by_one_at_a_half(tmp_path: Path) -> None:
    folder = made(tmp_path / "model", problem_type="multi_label_classification")
    model = load_foreign(folder)
    probabilities = model.predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities, piped(folder), atol=1e-5)
    expected = [tuple(name for name, p in zip(NAMES, row, strict=True) if p >= 0.5) for row in probabilities]
    assert model.predict(TEXTS) == expected


def test_the_tokenizer_is_the_one_that_transformers_makes(tmp_path: Path) -> None:
    from transformers import BertTokenizer

    folder = made(tmp_path / "model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "was", "good", "Good", "g", "##ood"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(str(tmp_path / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    change(folder / "tokenizer_config.json", do_lower_case=True, model_max_length=20)
    np.testing.assert_allclose(load_foreign(folder).predict_proba(TEXTS), piped(folder), atol=1e-5)


def test_it_is_evaluated_saved_and_loaded_like_any_other(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    model = load_foreign(folder)
    labels = [NAMES[i % 3] for i in range(len(TEXTS))]
    data = Dataset(TEXTS, model.task_.encode(labels), model.task_, Rows.numbered(len(TEXTS)))
    evaluation = textgraft.evaluate(model, data)
    assert evaluation.n == len(TEXTS)
    assert not evaluation.floor  # which needs to know the training data
    again = textgraft.load(model.save(tmp_path / "saved"))
    assert not is_foreign(tmp_path / "saved")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    np.testing.assert_allclose(piped(tmp_path / "saved"), model.predict_proba(TEXTS), atol=1e-5)
    assert again.fitted_on_ == model.fitted_on_


def test_labels_that_were_never_named_are_told_and_can_be_named(tmp_path: Path) -> None:
    folder = made(tmp_path / "model", names=(), num_labels=3)
    model = load_foreign(folder)
    assert model.task_.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert "does not name its labels" in model.notes_[0]
    assert 'load(folder, labels=["...", "..."])' in model.notes_[0]
    named = load_foreign(folder, labels=NAMES)
    assert named.task_.labels == NAMES
    assert not named.notes_
    np.testing.assert_array_equal(named.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_whoever_listens_is_told_of_labels_without_names_once(tmp_path: Path) -> None:
    said: list[str] = []

    class Ear:
        start = advance = finish = staticmethod(lambda *_: None)
        say = staticmethod(said.append)

    folder = made(tmp_path / "model", names=(), num_labels=3)
    with progress.listening(Ear()):
        assert load_foreign(folder).notes_ == tuple(said)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["a", "b"], r"has 3 labels \(anger, joy, sadness\); labels= names 2"),
        (["a", "b", "a"], "'a' is there more than"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: list[str], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        load_foreign(made(tmp_path / "model"), labels=labels)


@pytest.mark.parametrize(
    ("family", "config", "sentence"),
    [
        ("bert", {"problem_type": "regression"}, "gives a number and no label .*regression"),
        ("bert", {"num_labels": 1}, "gives a number and no label .num_labels is 1"),
        ("t5", {}, "is a t5 classifier, which runs a decoder"),
        ("xlnet", {}, "is a xlnet classifier, to which textgraft gives other answers than transformers"),
    ],
)
def test_what_is_no_classifier_or_not_computed_alike_is_refused(
    tmp_path: Path, family: str, config: dict[str, Any], sentence: str
) -> None:
    folder = made(tmp_path / "model", family, names=() if "num_labels" in config else NAMES, **config)
    with pytest.raises(ArtifactError, match=sentence):
        load_foreign(folder)


def test_no_code_of_the_model_is_run(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["code.Tokenizer", None]})
    with pytest.raises(EncoderError, match="auto_map"):
        load_foreign(folder)
    change(folder / "config.json", auto_map={"AutoModelForSequenceClassification": "code.Model"})
    with pytest.raises(EncoderError, match="auto_map"):
        load_foreign(folder)
    assert not (tmp_path / "ran").exists()


def test_weights_of_a_kind_that_can_run_code_are_not_read(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"no model\.safetensors"):
        load_foreign(folder)


def test_a_head_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = made(tmp_path / "model")
    path = folder / "model.safetensors"
    tensors = load_file(path)
    save_file({name: t for name, t in tensors.items() if "classifier" not in name}, path, metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"classifier\.bias, classifier\.weight missing"):
        load_foreign(folder)
    save_file(tensors, path, metadata={"format": "pt"})
    change(folder / "config.json", id2label={"0": "a", "1": "b"}, label2id={"a": 0, "b": 1})
    with pytest.raises(EncoderError, match="missing or of another shape"):
        load_foreign(folder)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"architectures": null}', '{"architectures": ["BertModel"]}'])
def test_other_folders_are_not_foreign_classifiers(tmp_path: Path, content: str) -> None:
    assert not is_foreign(tmp_path)
    (tmp_path / "config.json").write_text(content)
    assert not is_foreign(tmp_path)


def test_more_labels_than_work_has_are_refused_before_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path / "model")
    before = (folder / "config.json").read_bytes()
    many = {str(i): f"label {i}" for i in range(200_000)}
    for values in ({"id2label": many}, {"id2label": None, "label2id": None, "num_labels": 3_000_000}):
        change(folder / "config.json", **values)
        with pytest.raises(
            ArtifactError, match=r"labels of .* more than the 100,000 that are taken; TEXTGRAFT_MOST_LAB"
        ):
            load_foreign(folder)
        (folder / "config.json").write_bytes(before)
    monkeypatch.setenv("TEXTGRAFT_MOST_LABELS", "2")
    with pytest.raises(ArtifactError, match=r"3 labels of .* TEXTGRAFT_MOST_LABELS=3 raises that"):
        load_foreign(folder)
    monkeypatch.delenv("TEXTGRAFT_MOST_LABELS")
    (folder / "config.json").write_bytes(before + b" " * (1 << 25))
    with pytest.raises(EncoderError, match=r"has 33,\d+,\d+ bytes; textgraft reads"):
        load_foreign(folder)


def test_a_sparse_file_of_weights_is_not_read(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(40 << 30)
    with pytest.raises(EncoderError, match=r"bytes of .*model are more than the 16,000,000,000 that are taken"):
        load_foreign(folder)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"num_attention_heads": 0}, "ZeroDivisionError|could not be loaded"),
        ({"num_attention_heads": [4]}, "could not be loaded|cannot be used"),
        ({"hidden_size": []}, "could not be loaded|cannot be used"),
        ({"vocab_size": "many"}, "could not be loaded|cannot be used"),
        ({"id2label": ["a", "b", "c"]}, "id2label or label2id is no object"),
        ({"label2id": 3}, "id2label or label2id is no object"),
        ({"id2label": {"0": "a", "7": "b"}}, "does not count them from 0 on|cannot be used|could not be loaded"),
        ({"max_position_embeddings": {}}, "."),
        ({"max_position_embeddings": [3]}, "max_position_embeddings"),
        ({"pad_token_id": [1]}, "."),
        ({"model_type": None}, "."),
        ({"problem_type": 7}, "."),
        ({"architectures": "x"}, "."),
    ],
)
def test_a_configuration_of_other_kinds_of_values_is_a_sentence(
    values: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    folder = made(tmp_path / "model")
    change(folder / "config.json", **values)
    try:
        load_foreign(folder).predict_proba(TEXTS)
    except TextgraftError as error:
        assert re.search(sentence, str(error))  # noqa: PT017
    else:
        assert sentence == "."


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "adapter_config.json",
        "generation_config.json",
        "pytorch_model.bin",
        "more.safetensors",
        "model.safetensors.index.json",
        "vocab.txt",
        "chat_template.jinja",
    ],
)
def test_a_file_that_is_a_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with contextlib.suppress(TextgraftError):
        load_foreign(folder)


def test_files_that_a_tokenizer_names_are_not_read(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    expected = load_foreign(folder).predict_proba(TEXTS)
    os.mkfifo(tmp_path / "pipe")  # whoever opens it waits for ever
    elsewhere = str(tmp_path / "pipe")
    names = ("vocab_file", "merges_file", "tokenizer_file", "spm_file", "special_tokens_map_file", "chat_template_file")
    change(folder / "tokenizer_config.json", **dict.fromkeys(names, elsewhere), fast_tokenizer_files=[elsewhere])
    np.testing.assert_array_equal(load_foreign(folder).predict_proba(TEXTS), expected)


REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1000}
GROWING: dict[str, dict[str, Any]] = {
    "four replacements": {"normalizer": {"type": "Sequence", "normalizers": [REPLACE] * 4}},
    "replacements in each other": {
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": [REPLACE] * 2}] * 2}
    },
    "a pattern of nothing": {
        "normalizer": {"type": "Replace", "pattern": {"Regex": ""}, "content": "b" * 5000},
    },
    "bytes of bytes": {
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
            ]
            * 40,
        }
    },
    "a table of characters": {
        "normalizer": {
            "type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(bytes(4) + b"x" * 100_000 + b"\0").decode(),
        }
    },
    "a prefix": {"normalizer": {"type": "Prepend", "prepend": "p" * 10_000}},
}


@pytest.mark.parametrize("what", GROWING)
def test_a_tokenizer_that_makes_texts_grow_is_refused(what: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    change(folder / "tokenizer.json", **GROWING[what])
    with pytest.raises(EncoderError, match=r"is not used: its replacements can make a text .* at most 100 are taken"):
        load_foreign(folder)
    with pytest.raises(EncoderError, match="is not used"):
        TextTokenizer(resolve(str(folder)))


def test_words_that_would_be_searched_for_ever_are_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    for values, clause in (
        ({"max_input_chars_per_word": 10**9}, "max_input_chars_per_word is 1000000000"),
        ({"continuing_subword_prefix": "#" * 1000}, "continuing_subword_prefix has 1,000 characters"),
    ):
        change(folder / "tokenizer.json", model=model | values)
        with pytest.raises(EncoderError, match=clause):
            load_foreign(folder)


def test_a_tokenizer_without_a_longest_text_is_taken(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    change(folder / "tokenizer_config.json", model_max_length=int(1e30))  # as transformers writes it
    model = load_foreign(folder)
    assert model.chosen_["max_tokens"] == 66
    assert model.predict_proba(TEXTS).shape == (len(TEXTS), 3)


NFKD, CLS = {"type": "NFKD"}, {"SpecialToken": {"id": "[CLS]", "type_id": 0}}
COSTLY: dict[str, tuple[dict[str, Any], str]] = {
    "very many steps": (
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": [NFKD] * 300}] * 300}},
        "goes over a text in 90,303 steps, at most 100",
    ),
    "very many processors": (
        {"post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel"}] * 5000}},
        "goes over a text in 5,003 steps, at most 100",
    ),
    "a million tokens around a text": (
        {
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [CLS] * 100,
                "pair": [],
                "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2] * 10_000, "tokens": ["[CLS]"] * 10_000}},
            }
        },
        "more than 1,000 special tokens",
    ),
    "added tokens": (
        {"added_tokens": [{"id": i, "content": f"t{i}", "special": True} for i in range(20_001)]},
        "adds 20,001 tokens to its vocabulary",
    ),
    "long pieces": (
        {"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a" * 299, -1.0], ["b", -1.0]]}},
        "a piece of its vocabulary has 299 characters",
    ),
    "chance": (
        {"model": {"type": "BPE", "dropout": 0.5, "vocab": {"a": 0, "aa": 1}, "merges": [["a", "a"]]}},
        "splits words by chance .dropout is 0.5",
    ),
    "depth": (
        {"normalizer": json.loads('{"type": "Sequence", "normalizers": [' * 200 + json.dumps(NFKD) + "]}" * 200)},
        "goes over a text in 203 steps",
    ),
}


@pytest.mark.parametrize("what", COSTLY)
def test_a_tokenizer_that_would_take_all_memory_or_time_is_refused(what: str, tmp_path: Path) -> None:
    folder, (values, sentence) = made(tmp_path / "model"), COSTLY[what]
    change(folder / "tokenizer.json", **values)
    with pytest.raises(EncoderError, match=sentence):
        load_foreign(folder)
    with pytest.raises(EncoderError, match=sentence):
        TextTokenizer(resolve(str(folder)))


def test_a_vocabulary_of_more_pieces_than_rows_is_refused_before_it_is_made(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    many = {f"w{i}": i for i in range(50_000)}
    change(folder / "tokenizer.json", model={"type": "WordLevel", "unk_token": "w0", "vocab": many})
    with pytest.raises(EncoderError, match=r"has 50,000 pieces, and no table of its weights more than \d+ rows"):
        load_foreign(folder)


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"])
def test_files_that_add_very_many_tokens_are_refused(name: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    many = {str(i): {"content": f"t{i}"} for i in range(20_001)}
    (folder / name).write_text(json.dumps(many if name.startswith("added") else {"added_tokens_decoder": many}))
    with pytest.raises(EncoderError, match=r"names 20,001 tokens, at most 20,000 are taken"):
        load_foreign(folder)


def test_padding_to_any_length_that_a_tokenizer_asks_for_is_left_out(tmp_path: Path) -> None:
    folder = made(tmp_path / "model")
    expected = load_foreign(folder).predict_proba(TEXTS)
    padding = {"direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    for strategy, multiple in (({"Fixed": 10**9}, None), ("BatchLongest", 10**9)):
        change(folder / "tokenizer.json", padding=padding | {"strategy": strategy, "pad_to_multiple_of": multiple})
        np.testing.assert_array_equal(load_foreign(folder).predict_proba(TEXTS), expected)


SMALL = ["config.json", "tokenizer.json", "tokenizer_config.json"]


@pytest.mark.slow
def test_whatever_the_files_of_a_classifier_say_it_is_our_error_or_it_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn by ``damaging``, whose values are the odd ones: lists for objects, nothing, far too much."""
    from .damaging import _bytes, _json

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("TEXTGRAFT_MOST_LABELS", "1000")
    folder = made(tmp_path / "model")
    whole = {name: (folder / name).read_bytes() for name in SMALL}

    @settings(max_examples=max(400, EXAMPLES))
    @given(st.sampled_from(SMALL), st.randoms(use_true_random=False), st.integers(1, 3))
    def check(name: str, chance: random.Random, times: int) -> None:
        content = whole[name]
        for _ in range(times):
            content = (_json if chance.random() < 0.9 else _bytes)(content, chance)
        (folder / name).write_bytes(content)
        try:
            probabilities = load_foreign(folder).predict_proba(TEXTS)
            assert ((probabilities >= 0) & (probabilities <= 1)).all()
        except TextgraftError as error:
            assert not isinstance(error.__cause__, MemoryError)  # noqa: PT017
        finally:
            (folder / name).write_bytes(whole[name])

    check()
