from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from textgraft import MajorityClassifier, NgramClassifier, load, progress
from textgraft.artifact import read_manifest
from textgraft.artifact.publication import is_name, publication
from textgraft.dataset import Dataset, Rows
from textgraft.encoders import resolve
from textgraft.errors import ArtifactError, EncoderError, SettingError
from textgraft.task import Task

constants = pytest.importorskip("huggingface_hub.constants")

from textgraft.artifact.hub import fetch, push  # noqa: E402 - what it needs may not be installed

from .hub_server import READ_ONLY, TOKEN, Hub, Repository, running_hub  # noqa: E402

# huggingface_hub 2.4 uploads large files by a way that its own HTTP library warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

NAME = "ada/films"
TEXTS = [f"what a {how} film number {i}" for i in range(20) for how in ("good", "bad")]
LABELS = ["yes", "no"] * 20
PAGES = "{endpoint}/{repo_id}/resolve/{revision}/{filename}"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A Hub on loopback, where this process is logged in as ada."""
    with running_hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.url + PAGES.removeprefix("{endpoint}"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # large files go the way of Git LFS
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    task = Task(("no", "yes"))
    rows = Rows.numbered(len(TEXTS), "/home/ada/secret plans/films.csv")
    data = Dataset(TEXTS, task.encode(LABELS), task, rows)
    return NgramClassifier().fit(data, valid=data.select(range(10))).save(tmp_path_factory.mktemp("models") / "films")


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved model that a test may change."""
    return Path(shutil.copytree(saved, tmp_path / "films"))


def test_what_was_pushed_is_loaded_and_answers_alike(hub: Hub, saved: Path) -> None:
    assert push(saved, NAME) == f"{hub.url}/{NAME}"
    there = load(fetch(NAME))
    np.testing.assert_array_equal(there.predict_proba(TEXTS), load(saved).predict_proba(TEXTS))
    assert there.fitted_on_.fingerprint == read_manifest(saved).fitted_on["fingerprint"]


def test_a_model_is_private_unless_said_otherwise(hub: Hub, saved: Path) -> None:
    push(saved, NAME)
    push(saved, "ada/shown", private=False)
    assert hub.repositories[NAME].private
    assert not hub.repositories["ada/shown"].private


def test_what_would_be_pushed_is_what_is_pushed(hub: Hub, saved: Path) -> None:
    planned = publication(saved, NAME)
    assert not hub.received
    push(saved, NAME)
    files = hub.repositories[NAME].files
    assert planned.sizes == {file: len(content) for file, content in files.items() if file != ".gitattributes"}
    assert planned.stay
    assert not set(planned.stay) & set(files)


def test_no_text_and_no_path_of_this_machine_is_published(hub: Hub, saved: Path) -> None:
    push(saved, NAME)
    files = hub.repositories[NAME].files
    assert {"textgraft.json", "README.md", "ngrams.safetensors"} <= files.keys()
    published = b"\n".join([*files.values(), *hub.large.values(), *hub.received]).decode("utf-8", "replace")
    assert not any(text in published for text in TEXTS)
    assert "sample.jsonl" not in published
    assert (saved / "seen.safetensors").exists()
    assert "seen.safetensors" not in published
    assert (saved / "drift.json").exists()
    assert "drift.json" not in published
    assert "secret plans" not in published
    assert json.loads(files["textgraft.json"])["fitted_on"]["files"] == ["films.csv"]


def test_the_card_names_the_published_model_unless_its_owner_wrote_another(hub: Hub, model: Path) -> None:
    push(model, NAME)
    assert f'textgraft.load("{NAME}")' in hub.repositories[NAME].files["README.md"].decode()
    own = b"---\nlicense: mit\n---\n\n# Mine\n"
    (model / "README.md").write_bytes(own)
    told = {"bytes": len(own), "sha256": hashlib.sha256(own).hexdigest()}
    path = model / "textgraft.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"files": content["files"] | {"README.md": told}}))
    push(model, NAME)
    assert hub.repositories[NAME].files["README.md"] == own
    assert load(fetch(NAME)).method == "ngrams"


def test_a_public_model_is_not_pushed_to_by_accident(hub: Hub, saved: Path) -> None:
    push(saved, NAME, private=False)
    before = list(hub.repositories[NAME].commits)
    with pytest.raises(ArtifactError, match=r"is public already.*--public"):
        push(saved, NAME)
    assert hub.repositories[NAME].commits == before


def test_a_new_model_replaces_the_files_of_the_old_one_and_no_others(hub: Hub, saved: Path, tmp_path: Path) -> None:
    push(saved, NAME)
    hub.repositories[NAME].commit(hub.repositories[NAME].files | {"LICENSE": b"mine"})
    push(MajorityClassifier().fit(TEXTS, LABELS).save(tmp_path / "other"), NAME, message="smaller")
    assert set(hub.repositories[NAME].files) == {
        ".gitattributes", "LICENSE", "README.md", "majority.json", "textgraft.json"
    }  # fmt: skip
    assert load(fetch(NAME)).method == "majority"
    earlier = hub.repositories[NAME].commits[1][0]
    assert load(fetch(NAME, revision=earlier)).method == "ngrams"


def test_a_damaged_model_is_refused_before_anything_is_sent(hub: Hub, model: Path) -> None:
    path = model / "ngrams.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="its sha256 differs"):
        push(model, NAME)
    assert not hub.received


def test_a_model_on_an_encoder_of_this_machine_is_refused(hub: Hub, model: Path) -> None:
    path = model / "textgraft.json"
    features = {"method": "features", "parameters": {"encoder": "/home/ada/encoder"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | features))
    with pytest.raises(ArtifactError, match="a folder of this machine, so nobody else could load it"):
        push(model, NAME)
    assert not hub.received


@pytest.mark.parametrize(
    ("token", "name", "sentence"),
    [
        ("", NAME, r"needs a token.*hf auth login.*HF_TOKEN.*Nothing was published"),
        ("hf_stranger", NAME, r"does not know the token.*Nothing was published"),
        (READ_ONLY, NAME, r"the token has no right.*Nothing was published"),
        (TOKEN, "grace/films", r"no right.*namespace \"grace\".*Nothing was published"),
    ],
)
def test_a_push_that_may_not_be_is_refused_in_a_sentence(
    hub: Hub, saved: Path, monkeypatch: pytest.MonkeyPatch, token: str, name: str, sentence: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    with pytest.raises(ArtifactError, match=sentence):
        push(saved, name)
    assert not hub.repositories


@pytest.mark.parametrize("name", ["films", "./films", "ada/films/new", "ada films/x", "", "ada/"])
def test_a_name_that_is_none_is_refused(saved: Path, name: str) -> None:
    assert not is_name(name)
    with pytest.raises(SettingError, match=r"of the form 'user/name'.*got"):
        push(saved, name)


def test_a_folder_that_is_there_is_no_name_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_name("ada/films")
    assert is_name(Path("ada") / "films")
    (tmp_path / "ada" / "films").mkdir(parents=True)
    assert not is_name("ada/films")


@pytest.mark.parametrize(
    "name",
    [
        "./ada/films",
        "../ada/films",
        "~/films",
        "/ada/films",
        "ada\\films",
        ".\\films",
        "C:/films",
        "ada/x/films",
        "here/films",
    ],
)
def test_what_looks_like_a_path_is_never_looked_for_on_a_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("it was looked for"))
    with pytest.raises(ArtifactError, match="There is no model directory"):
        load(name)
    with pytest.raises(EncoderError, match="There is no encoder folder"):
        resolve(name)


def test_whoever_listens_is_told_before_something_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    said: list[str] = []

    class Heard:
        def say(self, sentence: str) -> None:
            said.append(sentence)

    with progress.listening(Heard()):  # type: ignore[arg-type]
        with pytest.raises(ArtifactError):
            load("ada/nothing")
        with pytest.raises(EncoderError):
            resolve("ada/nothing")
    assert ["on the Hugging Face Hub" in sentence for sentence in said] == [True, True]


def test_what_is_too_large_is_not_downloaded(hub: Hub, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(saved, NAME)
    monkeypatch.setenv("TEXTGRAFT_MOST_MODEL_BYTES", "100")
    with pytest.raises(
        ArtifactError, match=r"bytes of .* are more than the 100 that are taken; TEXTGRAFT_MOST_MODEL_BY"
    ):
        fetch(NAME)


def test_a_commit_that_is_cut_off_publishes_nothing_and_can_be_tried_again(hub: Hub, saved: Path) -> None:
    hub.cut = "/commit/"
    with pytest.raises(ArtifactError, match=r"as ada/films failed: the connection broke.*Nothing was published"):
        push(saved, NAME)
    assert set(hub.repositories[NAME].files) == {".gitattributes"}
    hub.cut = "never"
    push(saved, NAME)
    assert load(fetch(NAME)).method == "ngrams"


def test_a_commit_whose_answer_is_lost_is_not_said_to_have_failed(hub: Hub, saved: Path) -> None:
    hub.deaf = "/commit/"
    with pytest.raises(ArtifactError, match="something was published there; look at"):
        push(saved, NAME)
    assert "textgraft.json" in hub.repositories[NAME].files


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_push_that_is_stopped_in_the_middle_publishes_nothing(hub: Hub, saved: Path, how: signal.Signals) -> None:
    hub.stall = "/lfs/"
    code = (
        f"import sys; sys.argv = ['', {str(saved)!r}, {NAME!r}]; from textgraft.cli.push import run; run(*sys.argv[1:])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=environment(hub), stderr=subprocess.DEVNULL)
    assert hub.stalled.wait(60)
    process.send_signal(how)
    assert process.wait(60) != 0
    assert set(hub.repositories[NAME].files) == {".gitattributes"}


def environment(hub: Hub) -> dict[str, str]:
    return {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}


def test_the_command_prints_the_address(hub: Hub, saved: Path) -> None:
    code = f"from textgraft.cli.push import run; run({str(saved)!r}, {NAME!r}, public=True, message='first')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(hub), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{hub.url}/{NAME}\n"
    assert not hub.repositories[NAME].private


def test_a_hub_that_is_not_there_is_told(saved: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ArtifactError, match=r"the connection broke .*127\.0\.0\.1:9.*Nothing was published"):
        push(saved, NAME)
    with pytest.raises(ArtifactError, match="Loading the model ada/films failed: "):
        fetch(NAME)


def test_a_model_once_loaded_is_there_without_the_hub(hub: Hub, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push(saved, NAME)
    fetch(NAME)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert load(fetch(NAME)).method == "ngrams"


def test_a_model_that_is_not_there_or_may_not_be_seen_is_told(
    hub: Hub, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ArtifactError, match=r"has no such model.*There is no folder ada/nothing here either"):
        fetch("ada/nothing")
    push(saved, NAME)
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    with pytest.raises(ArtifactError, match="there is no such model"):
        fetch(NAME)


@pytest.mark.parametrize("file", ["weights.pkl", "model.pt", "pytorch_model.bin", "sub/ngrams.json", "../ngrams.json"])
def test_a_manifest_cannot_ask_for_files_that_run_code_or_lie_elsewhere(hub: Hub, saved: Path, file: str) -> None:
    push(saved, NAME)
    files = hub.repositories[NAME].files
    manifest = json.loads(files["textgraft.json"])
    manifest["files"][file] = {"bytes": 1, "sha256": "00"}
    hub.repositories[NAME].commit(files | {"textgraft.json": json.dumps(manifest).encode(), file: b"x"})
    with pytest.raises(ArtifactError, match="files of a kind that textgraft does not read"):
        fetch(NAME)
    assert not list(Path(constants.HF_HUB_CACHE).rglob(Path(file).name.replace("ngrams", "?")))


def test_of_a_model_of_transformers_only_configuration_tokenizer_and_weights_are_fetched(hub: Hub) -> None:
    config = json.dumps({"architectures": ["BertForSequenceClassification"]}).encode()
    there = {"config.json": config, "tokenizer.json": b"{}", "model.safetensors": b"w", "vocab.txt": b"a"}
    others = {"pytorch_model.bin": b"code", "training_args.bin": b"code", "onnx/model.safetensors": b"w", "run.py": b""}
    hub.repositories["ada/bert"] = Repository(private=False)
    hub.repositories["ada/bert"].commit(there | others)
    assert {path.name for path in fetch("ada/bert").iterdir()} == set(there)
    assert not any(path.is_symlink() for path in fetch("ada/bert").iterdir())
