from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from textgraft import FeatureClassifier, load
from textgraft.dataset import Dataset, Rows
from textgraft.errors import ArtifactError
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
