"""A fine-tuned model directory is one that ``transformers`` reads, with the same probabilities."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft import FineTunedClassifier, load
from textgraft.errors import EncoderError

from ..encoders.families import FAMILIES, save_family

pytest.importorskip("torch")

TEXTS = [f"the {noun} was {how}" for noun in ("film", "book", "game") for how in ("good", "great", "bad", "awful")]
ONE = ["yes", "yes", "no", "no"] * 3
MANY = [["yes"], ["yes", "film"], [], ["no", "film"]] * 3
OTHERS = [*TEXTS, "good", "a game of words that nobody knows", "", "great " * 50]
READ = [name for name in FAMILIES if "t5" not in name]


def saved(family: str, folder: Path, labels: Any = ONE, **settings: Any) -> tuple[FineTunedClassifier, Path]:
    encoder = save_family(family, folder / "encoder")
    settings = {"epochs": 1, "batch_size": 4, "precision": "fp32"} | settings
    model = FineTunedClassifier(str(encoder), **settings).fit(TEXTS, labels)
    return model, model.save(folder / "model")


def piped(folder: Path, texts: list[str], **options: Any) -> np.ndarray[Any, Any]:
    """(n, k) probabilities by the pipeline of ``transformers``, columns in the order of the labels."""
    from transformers import pipeline

    answers = pipeline("text-classification", str(folder), top_k=None, device="cpu")(texts, truncation=True, **options)
    return np.array([[one["score"] for one in sorted(each, key=lambda one: one["label"])] for each in answers])


@pytest.mark.parametrize("family", READ)
def test_the_pipeline_gives_the_same_probabilities(family: str, tmp_path: Path) -> None:
    model, folder = saved(family, tmp_path, long="truncate")
    np.testing.assert_allclose(piped(folder, OTHERS), model.predict_proba(OTHERS), atol=1e-5)


def test_so_it_does_for_many_labels_and_in_batches(tmp_path: Path) -> None:
    model, folder = saved("bert", tmp_path, MANY)
    np.testing.assert_allclose(piped(folder, TEXTS, batch_size=5), model.predict_proba(TEXTS), atol=1e-5)


def test_network_and_tokenizer_are_read_apart_and_know_the_labels(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model, folder = saved("roberta", tmp_path, MANY)
    network = AutoModelForSequenceClassification.from_pretrained(str(folder)).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    assert network.config.problem_type == "multi_label_classification"
    assert network.config.id2label == {0: "film", 1: "no", 2: "yes"}
    assert network.config.label2id == {"film": 0, "no": 1, "yes": 2}
    assert tokenizer.model_max_length == model.chosen_["max_tokens"]
    with torch.no_grad():
        logits = network(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    np.testing.assert_allclose(logits.sigmoid().numpy(), model.predict_proba(TEXTS), atol=1e-5)


def test_an_encoder_that_says_nothing_of_its_tokenizer_will_do(tiny_encoder: Path, tmp_path: Path) -> None:
    assert not (tiny_encoder / "tokenizer_config.json").exists()
    model = FineTunedClassifier(str(tiny_encoder), epochs=1, precision="fp32").fit(TEXTS, ONE)
    folder = model.save(tmp_path / "model")
    np.testing.assert_allclose(piped(folder, TEXTS, batch_size=5), model.predict_proba(TEXTS), atol=1e-5)


def test_other_files_in_the_directory_do_not_disturb(tmp_path: Path) -> None:
    model, folder = saved("distilbert", tmp_path)
    for name in (
        "README.md",
        "parity.json",
        "sample.jsonl",
        "onnx-int8.onnx",
        "openvino-int8.xml",
        "openvino-int8.bin",
    ):
        (folder / name).write_text("{}")
    np.testing.assert_allclose(piped(folder, TEXTS), model.predict_proba(TEXTS), atol=1e-5)


def test_a_model_loaded_and_saved_again_is_still_read(tmp_path: Path) -> None:
    model, folder = saved("electra", tmp_path)
    shutil.rmtree(tmp_path / "encoder")
    again = load(folder).save(tmp_path / "again")
    np.testing.assert_allclose(piped(again, TEXTS), model.predict_proba(TEXTS), atol=1e-5)
    assert (again / "tokenizer_config.json").read_text() == (folder / "tokenizer_config.json").read_text()


def test_the_card_says_who_reads_it(tmp_path: Path) -> None:
    _, bert = saved("bert", tmp_path / "bert")
    _, t5 = saved("t5", tmp_path / "t5")
    assert 'pipeline("text-classification", "model", top_k=None)' in (bert / "README.md").read_text()
    assert "`transformers` has no class for a classifier on the encoder half of T5" in (t5 / "README.md").read_text()


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_weights_without_the_head_are_not_loaded_as_a_classifier(family: str, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    from textgraft.finetuning.network import read_classifier

    model, folder = saved(family, tmp_path)
    path = folder / "model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("classifier.")}
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"classifier\.bias, classifier\.weight missing"):
        read_classifier(folder, model.task_, 32, "window", "fp32")
