"""Which export is taken: one that this processor computes alike, and of several the fastest, as it is remembered."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from textgraft import RecurrentClassifier, load, progress
from textgraft.artifact import read_manifest
from textgraft.artifact.choosing import _read_memory
from textgraft.artifact.exporting import export
from textgraft.cache import cache_folder
from textgraft.errors import ArtifactError

for library in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(library)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recurrent model with an export."""
    texts = [f"the film was {how} {more}" for how in ("good", "bad") for more in ("", "and long", "in the end") * 20]
    model = RecurrentClassifier("lstm", hidden=4, layers=1, width=4, epochs=1)
    place = model.fit(texts, ["up"] * 60 + ["down"] * 60).save(tmp_path_factory.mktemp("models") / "model")
    export(place, runtime="onnx", precision="fp32")
    return place


def with_needs(place: Path, needs: list[str] | None) -> None:
    """Makes the manifest's export say what it needs, or not say it, as earlier releases did."""
    manifest = json.loads((place / "textgraft.json").read_text())
    manifest["exports"][0] |= {"precision": "int8", "needs": needs}
    if needs is None:
        del manifest["exports"][0]["needs"]
    (place / "textgraft.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("needs", [["vnni"], None], ids=["in full range", "of an earlier release"])
def test_an_export_that_would_answer_otherwise_here_is_not_taken(
    needs: list[str] | None, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(shutil.copytree(exported, tmp_path / "model"))
    with_needs(place, [])
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert load(place).export_ == "onnx-int8"
    with_needs(place, needs)
    model = load(place)
    assert model.export_ is None
    assert model.notes_ == (
        "Computed from the model's own weights: its export onnx-int8 needs VNNI, which this processor does not have.",
    )
    for name in ("onnx", "onnx-int8"):
        with pytest.raises(ArtifactError, match=r"needs VNNI.*Export the model again, without --full-range, or take"):
            load(place, runtime=name)  # type: ignore[arg-type]
    shipped = place / "textgraft.json"
    shipped.write_text(json.dumps(json.loads(shipped.read_text()) | {"weights": False}))
    with pytest.raises(ArtifactError, match=r"needs VNNI.*Export the model that it was made from again, without"):
        load(place)


def test_only_int8_of_an_earlier_release_counts_as_in_full_range(exported: Path) -> None:
    manifest = read_manifest(exported)
    assert manifest.exports[0]["needs"] == []
    entry = {name: value for name, value in manifest.exports[0].items() if name != "needs"}
    for precision, needs in (("fp32", ()), ("bf16", ()), ("int8", ("vnni",))):
        told = replace(manifest, exports=[entry | {"precision": precision}])
        assert told.exported()[0].needs == needs
    for wrong in ("vnni", ["amx"], [["vnni"]], None, 1):
        with pytest.raises(ArtifactError, match="is no export of this model"):
            replace(manifest, exports=[entry | {"needs": wrong}]).exported()


class Heard:
    """A listener that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, what: str, total: float | None) -> object:
        return None

    def advance(self, work: object, amount: float, detail: str) -> None: ...

    def finish(self, work: object) -> None: ...

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\x00" * 100, b"\xff", b"[" * 100_000, b"1e999", b"a file where a folder is", b"{}"]
)
def test_what_is_remembered_of_speed_and_damaged_is_measured_again(
    content: bytes, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(shutil.copytree(exported, tmp_path / "model"))
    (place / "onnx-other.onnx").write_bytes((place / "onnx-fp32.onnx").read_bytes())
    manifest = json.loads((place / "textgraft.json").read_text())
    manifest["files"]["onnx-other.onnx"] = manifest["files"]["onnx-fp32.onnx"]
    manifest["exports"].append(manifest["exports"][0] | {"precision": "other", "files": ["onnx-other.onnx"]})
    (place / "textgraft.json").write_text(json.dumps(manifest))
    memory = cache_folder() / "runtimes.json"
    assert "measured earlier" not in load(place).notes_[0]
    assert "measured earlier" in load(place).notes_[0]
    if content.startswith(b"a file"):
        monkeypatch.setenv("TEXTGRAFT_CACHE", str(memory))
        assert "measured earlier" not in load(place).notes_[0]
        return
    memory.write_bytes(content)
    heard = Heard()
    with progress.listening(heard):
        assert "measured earlier" not in load(place).notes_[0]
        assert "measured earlier" in load(place).notes_[0]
    assert ["is damaged; they are measured again" in sentence for sentence in heard.said] == [True]


@pytest.mark.parametrize("wrong", [None, [], {}, {"chosen": "x"}, {"tokens_per_second": {}}, {"tokens_per_second": 1}])
def test_an_entry_of_that_which_is_damaged_is_measured_again(wrong: object, exported: Path, tmp_path: Path) -> None:
    memory = cache_folder() / "runtimes.json"
    memory.parent.mkdir(exist_ok=True)
    memory.write_text(json.dumps({"key": wrong}))
    assert _read_memory() == {}
