"""Exports of tiny models of every method: they answer as the model does, or are not kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from textgraft import FeatureClassifier, FineTunedClassifier, NgramClassifier, RecurrentClassifier, load
from textgraft.artifact import read_manifest, save
from textgraft.artifact.exporting import Outcome, export
from textgraft.dataset import Dataset, Rows
from textgraft.errors import ArtifactError, DataError, ExportError, SettingError
from textgraft.evaluation.parity import Parity, Tolerance
from textgraft.hardware import lacking
from textgraft.methods import TextClassifier
from textgraft.model_directory.sample import Sample
from textgraft.task import Task

for library in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(library)

TEXTS = [
    f"{article} {noun} was {how} {more}".strip()
    for article in ("the", "a")
    for noun in ("film", "book", "game", "match", "bank")
    for how in ("good", "great", "bad", "awful", "not good")
    for more in ("", "and very very awful", "of the rate")
]
NEW = ["a good film", "the match was", "", "awful " * 40, "the rate of the bank is not a goal", "unheard of"]
SINGLE, MULTI = Task(("bad", "good")), Task(("bad", "game", "good"), multi_label=True)


def slow(*values: str) -> object:
    """A case that writes an encoder as ONNX, which takes torch ten seconds."""
    return pytest.param(*values, marks=pytest.mark.slow)


def dataset(*, multi: bool = False) -> Dataset:
    good = np.array(["good" in text or "great" in text for text in TEXTS])
    rows = Rows.numbered(len(TEXTS))
    if not multi:
        return Dataset(TEXTS, good.astype(np.int64), SINGLE, rows)
    plays = np.array(["game" in text or "match" in text for text in TEXTS])
    bad = np.array(["bad" in text or "awful" in text for text in TEXTS])
    return Dataset(TEXTS, np.stack([bad, plays, good], axis=1), MULTI, rows)


def trained(kind: str, encoder: Path) -> TextClassifier:
    data = dataset(multi="multi" in kind)
    network = {"epochs": 3, "batch_size": 16, "learning_rate": 5e-3}
    model: TextClassifier
    if kind.startswith("finetune"):
        model = FineTunedClassifier(str(encoder), **network)  # type: ignore[arg-type]
    elif kind.startswith("features"):
        model = FeatureClassifier(str(encoder))
    elif kind == "recurrent on states":
        model = RecurrentClassifier(encoder=str(encoder), hidden=8, layers=1, **network)  # type: ignore[arg-type]
    elif kind.startswith("recurrent"):
        model = RecurrentClassifier("lstm", hidden=8, layers=2, width=8, **network)  # type: ignore[arg-type]
    else:
        model = NgramClassifier()
    return model.fit(data, valid=data)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> dict[str, Path]:
    """Directories of models by kind, trained when they are first asked for."""
    folder = tmp_path_factory.mktemp("models")

    class Models(dict[str, Path]):
        def __missing__(self, kind: str) -> Path:
            self[kind] = trained(kind, tiny_encoder).save(folder / kind.replace(" ", "-"))
            return self[kind]

    return Models()


def copied(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder / "model"))


def content(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, and in that above it."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    return found | {f"../{path.name}": b"" for path in folder.parent.iterdir()}


def check_same_answers(place: Path, outcome: Outcome, most: float) -> None:
    """The export, read from its directory, against the model's own weights in fp32."""
    own = load(place, runtime="torch")
    if hasattr(own, "precision"):
        own.set_params(precision="fp32").read_state(place)
    exported = load(outcome.directory, runtime=outcome.runtime)  # type: ignore[arg-type]
    before, after = own.predict_proba([*TEXTS, *NEW]), exported.predict_proba([*TEXTS, *NEW])
    assert np.abs(before - after).max() <= most
    np.testing.assert_array_equal(own.thresholds_, exported.thresholds_)


@pytest.mark.parametrize(
    ("kind", "runtime"),
    [
        slow("finetune", "onnx"),
        slow("finetune multi", "openvino"),
        slow("features", "openvino"),
        slow("features multi", "onnx"),
        ("recurrent", "onnx"),
        ("recurrent multi", "openvino"),
        slow("recurrent on states", "onnx"),
    ],
)
def test_an_export_in_fp32_answers_as_the_model_does(
    kind: str, runtime: str, models: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip(runtime.replace("onnx", "onnxruntime"))
    place = copied(models[kind], tmp_path)
    outcome = export(place, runtime=runtime, precision="fp32")  # type: ignore[arg-type]
    assert (outcome.runtime, outcome.precision, len(outcome.attempts)) == (runtime, "fp32", 1)
    assert outcome.calibrated_on == 0
    check_same_answers(place, outcome, 1e-4)
    told = [(one.runtime, one.precision, one.files) for one in read_manifest(place).exported()]
    assert told == [(runtime, "fp32", outcome.files)]
    assert set(outcome.files) <= {path.name for path in place.iterdir()}
    assert list(tmp_path.iterdir()) == [place]


def test_what_was_tried_and_measured_stands_beside_the_export(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent multi"], tmp_path)
    outcome = export(place, runtime="onnx", precision="fp32")
    told = json.loads((place / "parity.json").read_text())
    assert told["exports"] == [outcome.to_dict()]
    assert {"onnxruntime", "textgraft"} <= told["versions"].keys() | {"onnxruntime"}
    attempt = told["exports"][0]["attempts"][0]
    parity = Parity.from_dict(attempt["parity"])
    assert parity == outcome.attempts[0].parity
    assert parity.texts == len(TEXTS)
    assert parity.metric == "f1_micro"
    assert parity.change is not None
    assert parity.speed_before
    assert attempt["fault"] is None
    assert attempt["bytes"] == sum((place / name).stat().st_size for name in outcome.files)
    assert attempt["tolerance"] == {"largest_difference": 1e-3, "equal_labels": 0.999, "metric_drop": 0.001}
    assert "onnx" in (place / "README.md").read_text()


def test_a_second_export_stands_beside_the_first_and_replaces_its_own_kind(
    models: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("openvino")
    place = copied(models["recurrent"], tmp_path)
    for runtime in ("onnx", "openvino", "onnx"):
        export(place, runtime=runtime, precision="fp32")  # type: ignore[arg-type]
    told = json.loads((place / "parity.json").read_text())["exports"]
    assert [one["runtime"] for one in told] == ["openvino", "onnx"]
    assert [one.runtime for one in read_manifest(place).exported()] == ["openvino", "onnx"]
    assert load(place).predict(NEW).tolist() == load(place, runtime="torch").predict(NEW).tolist()  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_directory_for_shipping_holds_no_texts_and_no_weights_for_torch(
    models: dict[str, Path], tmp_path: Path
) -> None:
    place = copied(models["finetune"], tmp_path)
    before = content(place)
    outcome = export(place, runtime="onnx", precision="fp32", to=tmp_path / "shipped" / "small")
    shipped = tmp_path / "shipped" / "small"
    assert outcome.directory == shipped
    assert content(place) == before | {"../shipped": b""}
    names = {path.name for path in shipped.iterdir()}
    assert not names & {"sample.jsonl", "seen.safetensors", "model.safetensors"}
    assert all(path.stat().st_nlink == 1 for path in shipped.iterdir())
    check_same_answers(place, outcome, 1e-4)
    assert load(shipped).predict(["a good film"]).tolist() == ["good"]  # type: ignore[union-attr]
    with pytest.raises(ArtifactError, match="made to be shipped"):
        load(shipped, runtime="torch")
    with pytest.raises(ArtifactError, match="made to be shipped"):
        export(shipped, runtime="onnx", precision="fp32")


@pytest.mark.slow
def test_where_the_precision_asked_for_answers_too_differently_a_better_one_is_taken(
    models: dict[str, Path], tmp_path: Path
) -> None:
    place = copied(models["features"], tmp_path)
    outcome = export(place, runtime="onnx", precision="int8", tolerance=Tolerance(largest_difference=1e-5))
    assert outcome.precision == "fp32"
    assert outcome.asked == "int8"
    *refused, taken = outcome.attempts
    assert refused
    assert all("a probability differs" in (attempt.fault or "").lower() for attempt in refused)
    assert taken.fault is None
    assert outcome.calibrated_on == len(TEXTS) // 3
    assert taken.parity is not None
    assert taken.parity.texts == len(TEXTS) - len(TEXTS) // 3  # none of those that it was calibrated on
    assert {path.suffix for path in place.iterdir()} <= {".json", ".jsonl", ".safetensors", ".onnx", ".md"}
    check_same_answers(place, outcome, 1e-4)


def test_if_no_precision_passes_nothing_is_kept(models: dict[str, Path], tmp_path: Path) -> None:
    # NumPy and ONNX Runtime have a tanh of their own each, on every processor: answers are never equal to the last bit.
    place = copied(models["recurrent multi"], tmp_path)
    before = content(place)
    with pytest.raises(ExportError, match=r"No export of .* for onnx answers as the model.*differs by .*at most 0 is"):
        export(place, runtime="onnx", precision="fp32", tolerance=Tolerance(largest_difference=0))
    assert content(place) == before


@pytest.mark.skipif(bool(lacking(["vnni"])), reason="a processor that saturates makes none")
def test_in_full_range_the_manifest_names_what_the_export_needs(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)
    tolerance = Tolerance(largest_difference=1, equal_labels=0, metric_drop=1)
    for full, needs in ((True, ("vnni",)), (False, ())):
        outcome = export(place, runtime="onnx", precision="int8", full_range=full, tolerance=tolerance)
        assert (outcome.precision, outcome.needs) == ("int8", needs)
        assert [kept.needs for kept in read_manifest(place).exported()] == [needs]
        assert load(place, runtime="onnx").export_ == "onnx-int8"


def test_texts_to_compare_on_may_be_given(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)
    few = dataset().select(range(9))
    outcome = export(place, runtime="onnx", precision="fp32", data=few)
    assert outcome.compared_on == "the given texts"
    assert outcome.attempts[0].parity is not None
    assert outcome.attempts[0].parity.texts == 9
    assert "on 9 texts only" in outcome.notes[0]
    again = export(place, runtime="onnx", precision="fp32", data=dataset())
    assert "those that the model was trained on" in again.notes[0]
    other = Dataset(["a"], np.array([0]), Task(("new", "good")), Rows.numbered(1))
    with pytest.raises(DataError, match="never seen in the training data: 'new'"):
        export(place, runtime="onnx", precision="fp32", data=other)


def test_without_a_sample_and_without_texts_nothing_is_exported(tmp_path: Path) -> None:
    model = RecurrentClassifier(hidden=4, layers=1, width=4, epochs=1).fit(dataset())
    save(model, tmp_path / "model", keep_sample=False)
    with pytest.raises(DataError, match=r"keeps no sample of validation texts.*--data TABLE"):
        export(tmp_path / "model", runtime="onnx")
    with pytest.raises(DataError, match="The data given for the export has no rows"):
        export(tmp_path / "model", runtime="onnx", data=dataset().select([]))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"runtime": "openvine"},
            r"runtime of an export must be one of 'openvino', 'onnx', 'web'; got 'openvine'.*Did you mean",
        ),
        ({"runtime": "torch"}, "got 'torch'"),
        ({"precision": "int4"}, r"must be one of 'auto', 'int8', 'bf16', 'fp32'; got 'int4'"),
        ({"runtime": "onnx", "precision": "bf16"}, "computes no bf16 on processors"),
    ],
)
def test_what_cannot_be_asked_for_is_said(wrong: dict[str, str], sentence: str, models: dict[str, Path]) -> None:
    with pytest.raises(SettingError, match=sentence):
        export(models["ngrams"], **wrong)  # type: ignore[arg-type]


def test_a_method_that_needs_no_export_says_so(models: dict[str, Path]) -> None:
    with pytest.raises(ExportError, match=r"'ngrams' computes with NumPy alone.*without torch"):
        export(models["ngrams"], runtime="onnx")


def test_a_place_that_is_no_model_or_lies_in_it_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)
    with pytest.raises(ArtifactError, match="There is no model directory"):
        export(tmp_path / "nowhere", runtime="onnx")
    for inside in (place, place / "shipped", tmp_path / "." / "model"):
        with pytest.raises(SettingError, match="is the model itself or lies in it"):
            export(place, runtime="onnx", to=inside)
    (place / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match=r"notes\.txt"):
        export(place, runtime="onnx")
    assert (place / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_refused_before_any_work(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)
    place.chmod(0o555)
    try:
        with pytest.raises(ArtifactError, match=r"is read-only.*--to"):
            export(place, runtime="onnx", precision="fp32")
        export(place, runtime="onnx", precision="fp32", to=tmp_path / "shipped")
    finally:
        place.chmod(0o755)


def test_an_export_through_a_link_changes_what_it_leads_to(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)
    (tmp_path / "link").symlink_to(place)
    export(tmp_path / "link", runtime="onnx", precision="fp32")
    assert (tmp_path / "link").is_symlink()
    assert len(read_manifest(place).exported()) == 1


BEFORE = """
import os, resource, signal, sys
from textgraft.artifact import exporting, rebuilding
from textgraft.errors import TextgraftError
"""
KILLED = """
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

rebuilding.write_card = die  # the last file but one: the new directory is all but whole
"""
FULL = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
"""
AFTER = """
try:
    exporting.export(sys.argv[1], runtime="onnx", precision="fp32")
except TextgraftError as error:
    sys.exit(str(error))
"""


def run(code: str, place: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", BEFORE + code + AFTER, str(place)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_process_killed_while_exporting_leaves_the_model_whole(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    assert run(KILLED, place).returncode == -9
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    load(place)
    export(place, runtime="onnx", precision="fp32")  # what is left beside it is in nobody's way
    texts = ["a good film", "a bad game"]
    np.testing.assert_array_equal(load(place, runtime="onnx").predict(texts), load(place).predict(texts))


def test_a_disk_that_is_full_is_said_and_nothing_is_left(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)
    before = content(place)
    ended = run(FULL, place)
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "The export could not be written in" in ended.stderr
    assert content(place) == before


def test_a_model_that_was_saved_anew_meanwhile_is_not_overwritten(models: dict[str, Path], tmp_path: Path) -> None:
    place = copied(models["recurrent"], tmp_path)

    other = trained("ngrams", tmp_path)

    class Late(Dataset):
        """When these texts are looked at, somebody else saves another model."""

        def with_task(self, task: Task, merged: Collection[str] = ()) -> Dataset:
            other.save(place)
            return super().with_task(task, merged)

    data = dataset()
    late = Late(data.texts, data.targets, data.task, data.rows)
    with pytest.raises(ArtifactError, match="was saved anew meanwhile"):
        export(place, runtime="onnx", precision="fp32", data=late)
    assert read_manifest(place).method == "ngrams"
    load(place)


def test_the_sample_is_of_the_validation_data(models: dict[str, Path]) -> None:
    kept = Sample.read(models["recurrent"], SINGLE)
    assert kept is not None
    assert set(kept.data.texts) == set(TEXTS)
