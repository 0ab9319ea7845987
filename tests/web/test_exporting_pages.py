"""``export --runtime web`` without a browser: what it writes, and what it refuses in a sentence."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest
from tests.artifact.test_exporting import dataset
from tests.cli.commands import refused, said

from textgraft import NgramClassifier, RecurrentClassifier, export, load
from textgraft.errors import ArtifactError, ExportError, SettingError
from textgraft.web.npm import ARCHIVE, SHA256


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return NgramClassifier().fit(dataset()).save(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    recurrent = RecurrentClassifier(hidden=8, layers=1, width=8, epochs=1)
    return recurrent.fit(dataset()).save(tmp_path_factory.mktemp("models") / "network")


def test_the_folder_holds_a_page_and_the_model_without_anything_of_its_texts(model: Path) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    output = " ".join(said("export", model, "--runtime", "web").split())
    folder = model.with_name("model.web")
    assert f"{folder} (" in output
    assert f"python -m http.server --directory {folder}, then open http://localhost:8000." in output
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert {"index.html", "page.js", "page.css", "classifier.js", "web.json", "model/textgraft.json"} <= names
    assert not {name for name in names if name.startswith(("onnxruntime", "model/sample", "model/seen"))}
    assert load(folder / "model").predict(["a good film"]).tolist() == ["good"]
    assert export(model, runtime="web").directory == folder  # an earlier page is replaced


def test_json_says_where_the_page_is(model: Path, tmp_path: Path) -> None:
    content = json.loads(said("export", model, "--runtime", "web", "--to", tmp_path / "page", "--json"))
    assert (content["directory"], content["runtime"]) == (str(tmp_path / "page"), "web")


def test_what_a_page_cannot_be_is_refused_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="a folder with other things in it"):
        export(model, runtime="web", to=tmp_path / "other")
    with pytest.raises(SettingError, match="is the model itself or lies in it; give another folder for the page"):
        export(model, runtime="web", to=model / "page")
    with pytest.raises(SettingError, match="A page runs on processors of any kind"):
        export(model, runtime="web", full_range=True)
    for given in ({"precision": "int8"}, {"data": dataset()}):
        with pytest.raises(SettingError, match="there is nothing to choose or to compare; leave out --precision"):
            export(model, runtime="web", **given)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="computes no bf16"):
        export(model, runtime="web", precision="bf16")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_without_npm_a_sentence_says_how_to_fetch_what_computes_networks(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused("export", network, "--runtime", "web", "--to", tmp_path / "page")
    assert "needs onnxruntime-web 1.30.0, which npm fetches, and there is no npm here" in error
    assert "npm pack onnxruntime-web@1.30.0" in error
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize("name", ["package/dist/other.js", f"package/dist/{next(iter(SHA256))}"])
def test_a_package_that_is_another_one_is_refused(name: str, network: Path, tmp_path: Path) -> None:
    place = Path(os.environ["TEXTGRAFT_CACHE"]) / "web"
    place.mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"another")
    with tarfile.open(place / ARCHIVE, "w:gz") as tar:
        tar.add(tmp_path / "file", name)
    with pytest.raises(ExportError, match=r"is not onnxruntime-web 1\.30\.0: .* Delete it, and export again"):
        export(network, runtime="web", to=tmp_path / "page")


def test_what_a_browser_has_no_tokenizer_for_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    recurrent = RecurrentClassifier(hidden=8, layers=1, width=8, epochs=1, tokenizer="basic_english")
    place = recurrent.fit(dataset()).save(tmp_path / "model")
    with pytest.raises(ExportError, match=r"A browser has no tokenizer 'basic_english'"):
        export(place, runtime="web")
