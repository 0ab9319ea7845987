from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft import MajorityClassifier, NgramClassifier, load
from textgraft.artifact import read_manifest
from textgraft.errors import ArtifactError

TEXTS = [f"{word} {i}" for i in range(20) for word in ("good film", "bad film")]
LABELS = ["yes", "no"] * 20


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return NgramClassifier().fit(TEXTS, LABELS).save(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved model that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def change(folder: Path, **values: object) -> None:
    path = folder / "textgraft.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_manifest_says_what_was_trained_on_what_with_what(saved: Path) -> None:
    manifest = read_manifest(saved)
    assert manifest.method == "ngrams"
    assert manifest.task == {"labels": ["no", "yes"], "multi_label": False}
    assert manifest.fitted_on["rows"] == 40
    assert len(manifest.fitted_on["fingerprint"]) == 64
    assert {"python", "textgraft", "numpy", "scikit-learn"} <= manifest.versions.keys()
    assert set(manifest.files) == {path.name for path in saved.iterdir()} - {"textgraft.json", "README.md"}


def test_no_file_of_a_model_can_run_code(saved: Path) -> None:
    assert {path.suffix for path in saved.iterdir()} <= {".json", ".jsonl", ".md", ".safetensors", ".txt"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"format_version": 99}, "has format version 99; this textgraft reads up to 6. Install a newer"),
        ({"format": "zip"}, "was not written by textgraft"),
        ({"method": "quantum"}, "method 'quantum'; this textgraft knows majority, ngrams"),
        ({"future": 1}, "damaged: unknown future"),
        ({"task": []}, "of the wrong type task"),
        ({"thresholds": [0.5]}, "labels, classes and thresholds differ in number"),
        ({"parameters": {"depth": 3}}, "is damaged"),
        ({"files": {"../secret.json": {"bytes": 1, "sha256": ""}}}, "not the name of a file in it"),
        ({"files": {"/etc/passwd": {"bytes": 1, "sha256": ""}}}, "not the name of a file in it"),
        ({"classes": {"values": ["a", "b"], "dtype": "M8[s]"}}, "labels in textgraft.json are of a type"),
        ({"files": {}}, "holds files that are not of the model: drift.json, ngrams.json"),
        ({"files": {"gone.json": {"bytes": 1, "sha256": ""}}}, r"gone\.json is missing"),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(model: Path, values: dict[str, object], sentence: str) -> None:
    change(model, **values)
    with pytest.raises(ArtifactError, match=sentence):
        load(model)


def test_a_changed_weights_file_is_refused(model: Path) -> None:
    path = next(model.glob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match="its sha256 differs"):
        load(model)


def test_a_weights_file_that_is_a_link_is_refused(model: Path, tmp_path: Path) -> None:
    path = next(model.glob("*.safetensors"))
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="not the name of a file in it"):
        load(model)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_manifest_never_ends_in_anything_but_our_error(saved: Path, data: st.DataObject) -> None:
    folder = saved.parent / "fuzzed"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(saved, folder)
    path = folder / "textgraft.json"
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    with contextlib.suppress(ArtifactError):
        load(folder).predict_proba(["good film"])


def test_a_string_type_of_absurd_size_is_not_believed(model: Path) -> None:
    change(model, classes={"values": ["no", "yes"], "dtype": "<U1000000000"})
    assert load(model).classes_.dtype.itemsize < 100


def test_a_file_that_is_not_of_the_model_is_neither_read_nor_deleted(model: Path) -> None:
    (model / "adapter_config.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"not of the model: adapter_config\.json"):
        load(model)
    with pytest.raises(ArtifactError, match="other things in it"):
        MajorityClassifier().fit(TEXTS, LABELS).save(model)
    assert (model / "adapter_config.json").exists()


def test_what_is_not_there_or_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="There is no model directory"):
        load(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match=r"it has no textgraft\.json"):
        load(tmp_path)


def test_a_model_replaces_a_model_but_nothing_else(tmp_path: Path) -> None:
    majority = MajorityClassifier().fit(TEXTS, LABELS)
    majority.save(tmp_path / "model")
    NgramClassifier().fit(TEXTS, LABELS).save(tmp_path / "model")
    assert read_manifest(tmp_path / "model").method == "ngrams"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(ArtifactError, match="a folder with other things in it"):
        majority.save(tmp_path / "photos")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "photos"]


KILLED = """
import os, signal, sys
from pathlib import Path
from textgraft import MajorityClassifier

class Dies(MajorityClassifier):
    def write_state(self, folder):
        super().write_state(folder)
        os.kill(os.getpid(), signal.SIGKILL)

Dies().fit(["a", "b"], ["x", "y"]).save(sys.argv[1])
"""


def test_a_process_killed_while_saving_leaves_the_earlier_model_whole(tmp_path: Path) -> None:
    MajorityClassifier().fit(["a", "b", "c"], ["x", "y", "y"]).save(tmp_path / "model")
    before = (tmp_path / "model" / "textgraft.json").read_bytes()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "model")], env=os.environ, check=False)
    assert ended.returncode == -9
    assert (tmp_path / "model" / "textgraft.json").read_bytes() == before
    assert load(tmp_path / "model").predict(["a"]).tolist() == ["y"]  # type: ignore[union-attr]


def test_a_model_of_the_first_format_is_read_and_written_in_the_present_one(tmp_path: Path) -> None:
    model = MajorityClassifier().fit(["a", "b", "c"], ["x", "y", "y"])
    path = model.save(tmp_path / "model") / "textgraft.json"
    content = json.loads(path.read_text("utf-8"))
    present, content["format_version"] = content["format_version"], 1
    del content["card"]
    path.write_text(json.dumps(content), "utf-8")
    assert read_manifest(tmp_path / "model").format_version == 1
    again = load(tmp_path / "model")
    assert again.predict(["a"]).tolist() == ["y"]  # type: ignore[union-attr]
    again.save(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "textgraft.json").read_text("utf-8"))["format_version"] == present


@pytest.mark.parametrize("runtime", ["onnx", "openvino", "onnx-int8"])
def test_a_method_that_needs_no_export_says_so(saved: Path, runtime: str) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    with pytest.raises(ArtifactError, match=r"needs no export: the method 'ngrams' computes with NumPy alone"):
        load(saved, runtime=runtime)


def test_a_model_that_is_too_large_is_refused_before_it_is_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(model.glob("*.safetensors")).name
    files = json.loads((model / "textgraft.json").read_text())["files"]
    change(model, files=files | {name: files[name] | {"bytes": 40 << 30}})
    with (model / name).open("r+b") as file:
        file.truncate(40 << 30)  # of which the disk holds next to nothing
    with pytest.raises(
        ArtifactError, match=r"42,949,\d+,\d+ bytes of .*model are more than the 16,000,000,000 that are"
    ):
        load(model)
    monkeypatch.setenv("TEXTGRAFT_MOST_MODEL_BYTES", "50_000_000_000")
    with pytest.raises(ArtifactError, match="is damaged: its tensors end at"):
        load(model)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_whoever_may_read_a_model_may_read_all_of_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        folder = NgramClassifier().fit(TEXTS, LABELS).save(tmp_path / "model")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
