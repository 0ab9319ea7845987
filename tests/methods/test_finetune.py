from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from textgraft import FineTunedClassifier, load
from textgraft.dataset import Dataset, Rows
from textgraft.errors import EncoderError, SettingError
from textgraft.task import Task

pytest.importorskip("torch")

TASK = Task(("bad", "good"))
TEXTS = [
    f"the {noun} was {how}" for noun in ("film", "book", "game", "match") for how in ("good", "great", "bad", "awful")
]
LABELS = ["good", "good", "bad", "bad"] * 4


def dataset(texts: list[str], labels: list[str]) -> Dataset:
    return Dataset(texts, TASK.encode(labels), TASK, Rows.numbered(len(texts)))


def tuned(encoder: Path, **settings: object) -> FineTunedClassifier:
    usual = {"precision": "fp32", "learning_rate": 1e-2, "epochs": 8, "batch_size": 4}
    return FineTunedClassifier(str(encoder), **(usual | settings))  # type: ignore[arg-type]


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
    plain = tuned(tiny_encoder, **settings).fit(data, valid=check)
    balanced = tuned(tiny_encoder, class_weight="balanced", **settings).fit(data, valid=check)
    assert (balanced.predict(TEXTS) == "bad").sum() > (plain.predict(TEXTS) == "bad").sum()
    assert plain.thresholds_.tolist() == [0.5, 0.5]
    np.testing.assert_allclose(balanced.thresholds_, [2 / 62, 60 / 62], rtol=1e-6)


def test_the_folder_is_one_that_transformers_reads(tiny_encoder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    model = tuned(tiny_encoder, epochs=2).fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    network = AutoModelForSequenceClassification.from_pretrained(str(tmp_path / "model")).eval()
    assert network.config.id2label == {0: "bad", 1: "good"}
    ids = model.network_.windows(TEXTS[:1]).ids
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


def test_the_end_of_a_long_text_counts_in_windows_and_not_when_cut(tiny_encoder: Path) -> None:
    texts = [f"{'film ' * 40}{how}" for how in ("good", "awful")] * 8
    data = dataset(texts, ["good", "bad"] * 8)
    whole = tuned(tiny_encoder, max_tokens=16, epochs=1).fit(data, valid=data)
    assert not np.array_equal(*whole.predict_proba(texts[:2]))
    cut = tuned(tiny_encoder, max_tokens=16, long="truncate", epochs=1).fit(data, valid=data)
    np.testing.assert_array_equal(*cut.predict_proba(texts[:2]))
    assert "longer than 16 tokens and were cut" in " ".join(cut.notes_)


def test_a_long_text_is_the_mean_of_its_windows(tiny_encoder: Path) -> None:
    model = tuned(tiny_encoder, epochs=1, max_tokens=16).fit(TEXTS, LABELS)
    classifier = model.network_
    windows = classifier.windows(["good film " * 20 + "awful bank"])
    import torch

    with torch.no_grad():
        each = np.concatenate([classifier.logits(windows, np.array([i])).numpy() for i in range(len(windows.ids))])
    mean = (each * windows.weight[:, None]).sum(axis=0)
    expected = np.exp(mean) / np.exp(mean).sum()
    np.testing.assert_allclose(model.predict_proba(["good film " * 20 + "awful bank"])[0], expected, atol=1e-6)


def test_thresholds_are_tuned_on_validation_data_and_kept(tiny_encoder: Path, tmp_path: Path) -> None:
    rows = [["good"] if "good" in text or "great" in text else ["bad", "film"] for text in TEXTS]
    settings = {"epochs": 1, "learning_rate": 1e-4}
    model = tuned(tiny_encoder, **settings).fit([*TEXTS, "the bank"], [*rows, []])
    plain = tuned(tiny_encoder, thresholds=0.5, **settings).fit([*TEXTS, "the bank"], [*rows, []])
    assert plain.thresholds_.tolist() == [0.5, 0.5, 0.5]
    assert model.thresholds_.tolist() != [0.5, 0.5, 0.5]
    np.testing.assert_array_equal(model.predict_proba(TEXTS), plain.predict_proba(TEXTS))
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").thresholds_, model.thresholds_)


def test_a_label_that_validation_lacks_is_told(tiny_encoder: Path) -> None:
    data = dataset(TEXTS, LABELS)
    model = tuned(tiny_encoder, epochs=1).fit(data, valid=data.select([0, 1, 4, 5]))
    assert "No validation text carries 'bad'" in " ".join(model.notes_)


@pytest.mark.parametrize("trained", ["head", 1, "lora"])
def test_what_is_not_trained_stays_as_it_was(tiny_encoder: Path, tmp_path: Path, trained: object) -> None:
    from safetensors.numpy import load_file

    pytest.importorskip("peft")
    model = tuned(tiny_encoder, trained=trained, epochs=2).fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    before, after = load_file(tiny_encoder / "model.safetensors"), load_file(tmp_path / "model" / "model.safetensors")
    changed = {name for name, values in before.items() if not np.array_equal(after[f"bert.{name}"], values)}
    changed = {name for name in changed if not name.startswith("pooler.")}
    if trained == "head":
        assert not changed
    elif trained == 1:
        assert changed
        assert all(name.startswith("encoder.layer.1.") for name in changed)
    else:
        assert {name.split(".")[-2] for name in changed} == {"query", "value"}
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_a_budget_that_suffices_changes_nothing_and_a_small_one_is_told(tiny_encoder: Path) -> None:
    free = tuned(tiny_encoder, epochs=2).fit(TEXTS, LABELS)
    ample = tuned(tiny_encoder, epochs=2, budget="1h").fit(TEXTS, LABELS)
    np.testing.assert_array_equal(free.predict_proba(TEXTS), ample.predict_proba(TEXTS))
    short = tuned(tiny_encoder, epochs=100_000, budget=1).fit(TEXTS, LABELS)
    assert short.chosen_["steps"] < 100_000
    assert "The budget of 1 ended training after" in " ".join(short.notes_)


def test_training_leaves_the_callers_random_numbers_alone(tiny_encoder: Path) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tuned(tiny_encoder, epochs=1).fit(TEXTS, LABELS)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_checkpoints_stay_until_the_model_is_saved(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "training"
    model = tuned(tiny_encoder, epochs=2, folder=folder).fit(TEXTS, LABELS)
    assert list(folder.glob("step-*"))
    again = tuned(tiny_encoder, epochs=2, folder=folder, resume=True).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert again.chosen_["valid_scores"] == model.chosen_["valid_scores"]
    (folder / "step-by-step").mkdir()
    model.save(tmp_path / "model")
    assert [path.name for path in folder.glob("step-*")] == ["step-by-step"]


def test_a_fitted_model_comes_whole_out_of_a_pickle(tiny_encoder: Path) -> None:
    model = tuned(tiny_encoder, epochs=1).fit(TEXTS, LABELS)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(TEXTS), model.predict_proba(TEXTS))


@pytest.mark.parametrize("weight", [-1, 0, float("nan"), "2"])
def test_a_class_weight_that_is_none_is_refused(tiny_encoder: Path, weight: object) -> None:
    with pytest.raises(SettingError, match="class_weight of 'bad' must be a number"):
        tuned(tiny_encoder, class_weight={"bad": weight}).fit(TEXTS, LABELS)
