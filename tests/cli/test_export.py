"""``textgraft export`` on a small recurrent model, through the command line."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from .commands import refused, said

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 rows of two labels, in columns that are named by chance."""
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "said", "mood"])
        for i in range(120):
            writer.writerow([i, f"the film number {i} was {('good', 'bad')[i % 2]}", ("up", "down")[i % 2]])
    return path


@pytest.fixture(scope="module")
def model(table: Path) -> Path:
    out = table.parent / "model"
    options = [
        "--method",
        "recurrent",
        "--hidden",
        8,
        "--layers",
        1,
        "--width",
        8,
        "--epochs",
        8,
        "--learning-rate",
        0.02,
    ]
    said("train", table, "--text", "said", "--label", "mood", "--valid", table, "--out", out, *options)
    return out


def test_attempts_are_a_table_and_the_last_line_says_how_to_go_on(model: Path, tmp_path: Path) -> None:
    place = shutil.copytree(model, tmp_path / "model")
    output = said("export", place, "--runtime", "onnx", "--precision", "fp32")
    assert "onnx, compared with the model in fp32 on" in output
    assert "largest difference" in output
    assert "taken" in output
    assert "now holds onnx fp32" in output.splitlines()[-1]
    assert (place / "onnx-fp32.onnx").exists()
    assert "up" in said("predict", place, "the film was good")


def test_as_json_with_texts_of_another_table_read_like_those_of_training(
    model: Path, table: Path, tmp_path: Path
) -> None:
    words = ["--runtime", "onnx", "--precision", "fp32", "--data", table, "--to", tmp_path / "shipped", "--json"]
    content = json.loads(said("export", model, *words))
    assert content["directory"] == str(tmp_path / "shipped")
    assert content["compared_on"] == str(table)
    assert content["attempts"][0]["parity"]["texts"] == 120
    assert content["attempts"][0]["fault"] is None
    kept = {path.name for path in model.iterdir()}
    assert {"sample.jsonl", "seen.safetensors"} & kept == {"sample.jsonl", "seen.safetensors"}
    assert not {"sample.jsonl", "seen.safetensors"} & {path.name for path in (tmp_path / "shipped").iterdir()}
    assert (tmp_path / "shipped" / "drift.json").exists()  # a service wants it


def test_what_does_not_pass_is_refused_in_one_line(model: Path, tmp_path: Path) -> None:
    place = shutil.copytree(model, tmp_path / "model")
    before = sorted(path.name for path in place.iterdir())
    # In so many long texts, all different, some probability differs in its last bit, whatever adds up the sums.
    rng, words = np.random.default_rng(0), np.array(["the", "film", "number", "was", "good", "bad", "odd"])
    rows = [f"{' '.join(rng.choice(words, 60))},{('up', 'down')[i % 2]}" for i in range(300)]
    (tmp_path / "long.csv").write_text("\n".join(["said,mood", *rows]))
    error = refused(
        "export",
        place,
        "--runtime",
        "onnx",
        "--precision",
        "fp32",
        "--max-difference",
        0,
        "--data",
        tmp_path / "long.csv",
    )
    assert "at most 0 is allowed" in error
    assert sorted(path.name for path in place.iterdir()) == before


def test_the_full_range_is_refused_where_bytes_saturate(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert "no VNNI instructions" in refused("export", model, "--runtime", "onnx", "--full-range")
    assert "The full range is for int8" in refused("export", model, "--precision", "fp32", "--full-range")


def test_columns_of_the_training_data_are_known_without_reading_the_model(
    model: Path, table: Path, tmp_path: Path
) -> None:
    place = shutil.copytree(model, tmp_path / "model")
    (place / "model.safetensors").write_bytes(b"")
    (tmp_path / "short.csv").write_text("id,text,mood\n1,good,up\n")
    error = refused("export", place, "--runtime", "onnx", "--data", tmp_path / "short.csv")
    assert "said" in error
    assert "model.safetensors" in refused("export", place, "--runtime", "onnx", "--data", table)
