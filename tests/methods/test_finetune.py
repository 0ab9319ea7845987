from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from textgraft import FineTunedClassifier, load
from textgraft.errors import EncoderError, SettingError
from textgraft.task import Dataset, Rows, Task

pytest.importorskip("torch")

TASK = Task(("bad", "good"))
TEXTS = [
    f"the {noun} was {how}" for noun in ("film", "book", "game", "match") for how in ("good", "great", "bad", "awful")
]
LABELS = ["good", "good", "bad", "bad"] * 4


def dataset(texts: list[str], labels: list[str]) -> Dataset:
    return Dataset(texts, TASK.encode(labels), TASK, Rows.numbered(len(texts)))


def tuned(folder: Path, **settings: object) -> FineTunedClassifier:
    usual = {"precision": "fp32", "learning_rate": 1e-2, "epochs": 8, "batch_size": 4}
    return FineTunedClassifier(str(folder), **(usual | settings))  # type: ignore[arg-type]


def test_it_learns_and_keeps_the_best_epoch(tiny_encoder: Path) -> None:
    data = dataset(TEXTS, LABELS)
    model = tuned(tiny_encoder).fit(data, valid=data)
    assert model.score(TEXTS, LABELS) == 1
    scores = model.chosen_["valid_scores"]
    assert scores[model.chosen_["best_epoch"] - 1] == max(scores)


def test_validation_data_chooses_the_epoch_and_is_never_trained_on(tiny_encoder: Path) -> None:
    data = dataset(TEXTS, LABELS)
    turned = dataset(TEXTS[:8], [{"good": "bad", "bad": "good"}[label] for label in LABELS[:8]])
    first = tuned(tiny_encoder, epochs=1).fit(data, valid=data.select(range(8)))
    second = tuned(tiny_encoder, epochs=1).fit(data, valid=turned)
    np.testing.assert_array_equal(first.predict_proba(TEXTS), second.predict_proba(TEXTS))


def test_neighbours_and_padding_do_not_change_a_probability(tiny_encoder: Path) -> None:
    model = tuned(tiny_encoder, epochs=1).fit(TEXTS, LABELS)
    texts = [*TEXTS, "good " * 30, "", "bad"]
    alone = np.concatenate([model.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(model.predict_proba(texts), alone, atol=1e-5)


def test_texts_are_cut_where_said_and_the_share_is_told(tiny_encoder: Path) -> None:
    texts = [*TEXTS, "good " * 40]
    model = tuned(tiny_encoder, epochs=1, max_tokens=8, long="truncate").fit(texts, [*LABELS, "good"])
    assert 0 < model.chosen_["texts_cut"] < 0.2
    same = model.predict_proba(["film " * 6 + "good", "film " * 6 + "awful " * 9])
    np.testing.assert_array_equal(same[0], same[1])


def test_balanced_weights_help_the_rare_label(tiny_encoder: Path) -> None:
    texts, labels = [*TEXTS[:2] * 30, *TEXTS[2:4]], ["good"] * 60 + ["bad"] * 2
    data, check = dataset(texts, labels), dataset(TEXTS, LABELS)
    settings = {"epochs": 1, "learning_rate": 1e-3}
    plain = tuned(tiny_encoder, **settings).fit(data, valid=check).predict_proba(TEXTS)[:, 0].mean()
    balanced = tuned(tiny_encoder, class_weight="balanced", **settings).fit(data, valid=check)
    assert balanced.predict_proba(TEXTS)[:, 0].mean() > plain


def test_the_folder_is_one_that_transformers_reads(tiny_encoder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    model = tuned(tiny_encoder, epochs=2).fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    network = AutoModelForSequenceClassification.from_pretrained(str(tmp_path / "model")).eval()
    assert network.config.id2label == {0: "bad", 1: "good"}
    ids, _ = model.network_.cut(TEXTS[:1])
    with torch.no_grad():
        theirs = network(input_ids=torch.tensor(ids[0][None].astype(np.int64))).logits.softmax(1).numpy()
    np.testing.assert_allclose(model.predict_proba(TEXTS[:1]), theirs, atol=1e-5)


def test_a_loaded_model_does_not_need_the_first_encoder(tiny_encoder: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    model = tuned(folder, epochs=1).fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    shutil.rmtree(folder)
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert json.loads((tmp_path / "model" / "textgraft.json").read_text())["chosen"]["epochs"] == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1; got 0"),
        ({"max_tokens": 9999}, "max_tokens must be between 8 and 64"),
        ({"learning_rate": -1.0}, "learning_rate must be"),
        ({"precision": "fp8"}, "precision must be one of"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tiny_encoder: Path, settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        tuned(tiny_encoder, **settings).fit(TEXTS, LABELS)


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="There is no encoder folder"):
        FineTunedClassifier(str(tmp_path / "nothing")).fit(TEXTS, LABELS)
