"""Exports that need instructions which a processor does not have."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from textgraft import RecurrentClassifier, load
from textgraft.artifact import read_manifest
from textgraft.artifact.exporting import export
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
