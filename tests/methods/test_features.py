from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from textgraft import FeatureClassifier, load
from textgraft.dataset import Dataset, Rows
from textgraft.errors import ArtifactError, SettingError
from textgraft.task import Task

pytest.importorskip("torch")

TEXTS = [
    f"the {noun} was {how}" for noun in ("film", "book", "game", "match") for how in ("good", "great", "bad", "awful")
]
LABELS = ["good", "good", "bad", "bad"] * 4


def test_a_frozen_encoder_is_not_changed_by_fitting(tiny_encoder: Path) -> None:
    before = (tiny_encoder / "model.safetensors").read_bytes()
    model = FeatureClassifier(str(tiny_encoder), precision="fp32").fit(TEXTS, LABELS)
    first = model.encoder_.encode(TEXTS)
    again = FeatureClassifier(str(tiny_encoder), precision="fp32").fit(TEXTS[::-1], LABELS[::-1])
    np.testing.assert_allclose(again.encoder_.encode(TEXTS), first, atol=1e-6)
    assert (tiny_encoder / "model.safetensors").read_bytes() == before


def test_it_learns_what_the_vectors_tell_apart(tiny_encoder: Path) -> None:
    model = FeatureClassifier(str(tiny_encoder), precision="fp32", C=10.0).fit(TEXTS * 3, LABELS * 3)
    assert model.score(TEXTS, LABELS) >= 0.9


def test_validation_data_calibrates_and_is_never_fitted_to(tiny_encoder: Path) -> None:
    task = Task(("bad", "good"))
    data = Dataset(TEXTS, task.encode(LABELS), task, Rows.numbered(len(TEXTS)))
    turned = Dataset(TEXTS, 1 - data.targets, task, data.rows)
    first, second = (
        FeatureClassifier(str(tiny_encoder), precision="fp32", head="linear", C=1.0).fit(data, valid=valid)
        for valid in (data, turned)
    )
    np.testing.assert_array_equal(first.head_.model.weights, second.head_.model.weights)
    assert first.head_.calibration.scale != second.head_.calibration.scale


def test_a_saved_model_is_small_and_names_its_encoder(tiny_encoder: Path, tmp_path: Path) -> None:
    model = FeatureClassifier(str(tiny_encoder), precision="fp32").fit(TEXTS, LABELS)
    model.save(tmp_path / "model")
    assert sum(path.stat().st_size for path in (tmp_path / "model").iterdir()) < 20_000
    assert model.outside_bytes == (tiny_encoder / "model.safetensors").stat().st_size
    content = json.loads((tmp_path / "model" / "textgraft.json").read_text())
    assert content["parameters"]["encoder"] == str(tiny_encoder)


def test_another_version_of_the_encoder_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    FeatureClassifier(str(folder), precision="fp32").fit(TEXTS, LABELS).save(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-3}))
    with pytest.raises(ArtifactError, match="another version of the encoder"):
        load(tmp_path / "model")


def test_a_model_with_a_kernel_and_neighbours_is_saved_and_loaded_as_it_is(tiny_encoder: Path, tmp_path: Path) -> None:
    model = FeatureClassifier(str(tiny_encoder), precision="fp32", head="kernel", neighbour_share=0.2)
    model.fit(TEXTS, LABELS).save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert isinstance(again, FeatureClassifier)
    assert again.neighbours(TEXTS) == model.neighbours(TEXTS)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "The model's files hold the vectors and labels of 16 of these texts" in card
    assert not any(text.encode() in (tmp_path / "model" / "features.safetensors").read_bytes() for text in TEXTS)


def test_a_model_of_an_earlier_release_is_a_linear_head(tiny_encoder: Path, tmp_path: Path) -> None:
    model = FeatureClassifier(str(tiny_encoder), precision="fp32", head="linear", neighbour_share=0)
    model.fit(TEXTS, LABELS).save(tmp_path / "model")
    manifest = json.loads((tmp_path / "model" / "textgraft.json").read_text())
    del manifest["parameters"]["head"], manifest["parameters"]["neighbour_share"]
    (tmp_path / "model" / "textgraft.json").write_text(json.dumps(manifest))
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert (again.head, again.neighbour_share) == ("linear", 0)  # type: ignore[attr-defined]


def test_a_training_text_is_its_own_nearest_whatever_was_left_out(tiny_encoder: Path) -> None:
    texts = [*TEXTS, "a bank rate", "very good rate"]
    labels = [*LABELS, "good", "bad"]
    weights = np.where(np.arange(len(texts)) % 5 == 1, 0.0, 1.0)
    model = FeatureClassifier(str(tiny_encoder), precision="fp32", neighbour_share=0.1)
    model.fit(texts, labels, sample_weight=weights)
    for place in np.flatnonzero(weights).tolist():
        (found,) = model.neighbours([texts[place]], n=3)
        assert (found[0].row, found[0].labels) == (place, (labels[place],))
        assert found[0].similarity == pytest.approx(1, abs=1e-3)
        assert found[0].similarity >= found[1].similarity >= found[2].similarity
        assert weights[[each.row for each in found]].all()
    assert model.neighbours([]) == []


def test_a_model_without_vectors_of_training_texts_says_how_to_have_them(tiny_encoder: Path) -> None:
    model = FeatureClassifier(str(tiny_encoder), precision="fp32", head="linear", neighbour_share=0).fit(TEXTS, LABELS)
    with pytest.raises(SettingError, match=r"keeps no vectors .* \(neighbour_share=0.1\)"):
        model.neighbours(TEXTS)
    with pytest.raises(SettingError, match="n must be"):
        model.neighbours(TEXTS, n=0)


def test_a_head_and_a_share_that_cannot_be_are_refused(tiny_encoder: Path) -> None:
    with pytest.raises(SettingError) as refused:
        FeatureClassifier(str(tiny_encoder), head="cubic", neighbour_share=1.5).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    assert "head must be one of 'auto', 'linear', 'kernel'; got 'cubic'." in str(refused.value)
    assert "neighbour_share must be 'auto' or a number from 0 to 0.95; got 1.5." in str(refused.value)
