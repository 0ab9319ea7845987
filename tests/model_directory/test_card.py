from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import textgraft
from textgraft import MajorityClassifier, NgramClassifier, RecurrentClassifier, export, load
from textgraft.dataset import Dataset, Rows
from textgraft.methods.registry import method_of
from textgraft.model_directory import Manifest, read_manifest, save
from textgraft.model_directory import card as cards
from textgraft.model_directory.card import FILE
from textgraft.task import Task

yaml = pytest.importorskip("yaml")

TASK = Task(("bad | worse", "good", "so-so <b>"))
TEXTS = [f"a {how} film number {i}" for i in range(20) for how in ("bad", "good", "passable")]
LABELS = [*TASK.labels] * 20


def dataset(texts: list[str] = TEXTS, labels: list[str] = LABELS) -> Dataset:
    rows = Rows.numbered(len(texts), "/home/ada/secret plans/films.csv")
    return Dataset(texts, TASK.encode(labels), TASK, rows)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = MajorityClassifier().fit(dataset(TEXTS[3:], LABELS[3:]))
    evaluation = textgraft.evaluate(model, dataset())
    return save(model, tmp_path_factory.mktemp("models") / "films", evaluation=evaluation.to_dict())


@pytest.fixture(scope="module")
def manifest(saved: Path) -> Manifest:
    return read_manifest(saved)


def card(manifest: Manifest, folder: Path) -> str:
    return cards.card(manifest, method_of(manifest, folder).facts, folder)


def head(text: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return data


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def test_its_head_is_data_that_the_hub_reads(saved: Path, manifest: Manifest) -> None:
    text = card(manifest, saved)
    assert text.startswith("---\n")
    assert head(text) == {
        "library_name": "textgraft",
        "pipeline_tag": "text-classification",
        "tags": ["text-classification", "textgraft", "majority"],
    }


def test_the_same_directory_gives_the_same_card_wherever_it_lies(
    saved: Path, manifest: Manifest, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(saved, tmp_path / "films"))
    assert card(read_manifest(copy), copy) == card(manifest, saved)


def test_it_has_the_figures_of_the_evaluation_with_their_intervals(saved: Path, manifest: Manifest) -> None:
    quality = section(card(manifest, saved), "How good it is")
    assert manifest.evaluation is not None
    rows = [line.strip("| ").split(" | ") for line in quality.splitlines() if line.startswith("|")]
    by_name = {name: row[1] for row in rows if len(row) == 4 for name in row[3].split(", ")}
    for name, figure in manifest.evaluation["metrics"].items():
        assert by_name[name] == f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
    assert [row[0] for row in rows[2:6]] == ["accuracy", "macro-F1", "log loss", "calibration error"]
    assert quality.count("\n| good | 20 |") == 1


def test_labels_are_text_and_no_markup(saved: Path, manifest: Manifest) -> None:
    text = card(manifest, saved)
    rows = [line for line in text.splitlines() if line.startswith("| bad ")]
    assert rows
    for row in rows:
        assert row.startswith("| bad \\| worse |")
    assert "<b>" not in text.replace("\\<b\\>", "")


def test_training_data_are_described_and_not_shown(saved: Path, manifest: Manifest) -> None:
    text = card(manifest, saved)
    shown = section(text, "Training data")
    assert (
        f"57 texts from `films.csv`, not included here. Their fingerprint is `{manifest.fitted_on['fingerprint']}`"
        in shown
    )
    assert "| good | 19 | 33.3% |" in shown
    assert "secret plans" not in text
    assert not any(film in text for film in TEXTS)


def test_words_of_the_texts_in_the_files_of_the_model_are_owned_up_to(saved: Path, tmp_path: Path) -> None:
    folder = NgramClassifier().fit(dataset()).save(tmp_path / "model")
    assert "hold words and character sequences that occur in these texts" in card(read_manifest(folder), folder)
    assert "that occur in these texts" not in card(read_manifest(saved), saved)


def test_weak_spots_are_the_worst_labels_the_confused_and_the_rare(saved: Path, manifest: Manifest) -> None:
    shown = section(card(manifest, saved), "Weak spots")
    assert re.search(r"The lowest F1: (good|so-so).* 0\.000", shown)
    assert "20 of 20 rows of good are taken for bad \\| worse." in shown
    assert "Fewer than 50 training texts carry bad \\| worse (19), good (19)" in shown


def test_without_an_evaluation_it_says_so(saved: Path, manifest: Manifest) -> None:
    text = card(replace(manifest, evaluation=None), saved)
    assert "was not evaluated on test data" in section(text, "How good it is")
    assert "Not measured" in section(text, "Calibration")
    assert "is not known, since it was not evaluated" in section(text, "Weak spots")


def test_training_that_nobody_knows_of_is_not_made_up(saved: Path, manifest: Manifest) -> None:
    unknown = {"rows": 0, "counts": [0, 0, 0], "fingerprint": "", "files": [], "columns": None}
    text = card(replace(manifest, fitted_on=unknown), saved)
    assert section(text, "Training data").strip().startswith("Not known")
    assert "Fewer than" not in text


@pytest.mark.parametrize(
    ("encoder", "line", "data"),
    [
        (
            "all-MiniLM-L6-v2",
            "- The encoder sentence-transformers/all-MiniLM-L6-v2: apache-2.0.",
            {"base_model": "sentence-transformers/all-MiniLM-L6-v2", "license": "apache-2.0"},
        ),
        ("ada/bert", "- The encoder ada/bert: unknown; look at its page.", {"base_model": "ada/bert"}),
        ("/home/ada/bert", "- The encoder bert: unknown; look at its page.", {}),
    ],
)
def test_licences_are_given_where_they_are_known(
    saved: Path, manifest: Manifest, encoder: str, line: str, data: dict[str, str]
) -> None:
    text = card(replace(manifest, method="finetune", parameters={"encoder": encoder}), saved)
    assert line in section(text, "Licences")
    assert {name: value for name, value in head(text).items() if name in ("base_model", "license")} == data
    assert "/home/ada" not in text


def test_the_licence_of_an_encoder_in_a_folder_is_that_of_its_own_card(
    saved: Path, manifest: Manifest, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text("---\nlanguage: en\nlicense: cc-by-4.0\n---\n# Encoder\nlicense: none\n")
    text = card(replace(manifest, method="finetune", parameters={"encoder": str(tmp_path)}), saved)
    assert f"- The encoder {tmp_path.name}: cc-by-4.0." in text
    assert head(text)["license"] == "cc-by-4.0"


def test_vectors_have_a_licence_too(saved: Path, manifest: Manifest) -> None:
    text = card(replace(manifest, method="recurrent", parameters={"vectors": "glove.6B.50d"}), saved)
    assert "- The vectors glove.6B.50d: pddl." in text


def test_exports_stand_beside_what_was_measured_of_them(saved: Path, manifest: Manifest, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved, tmp_path / "films"))
    names = ["openvino-int8.xml", "openvino-int8.bin"]
    made = {"runtime": "openvino", "precision": "int8", "recipe": "int8, static", "files": names}
    files = manifest.files | {name: {"bytes": 1_000_000, "sha256": "00"} for name in names}
    with_export = replace(manifest, exports=[made], files=files)
    assert "| openvino | int8 | int8, static | 2.0 MB | not known |" in card(with_export, folder)
    interval = {"value": 0.9, "low": 0.8, "high": 1.0}
    parity = {
        "texts": 100, "undefined": 0, "largest_difference": 0.0312, "mean_difference": 0.001, "equal_labels": 0.99,
        "equal_decisions": 0.99, "metric": "accuracy", "before": interval, "after": interval | {"value": 0.89},
        "change": interval, "speed_before": 100.0, "speed_after": 1234.5,
    }  # fmt: skip
    outcome = {"runtime": "openvino", "precision": "int8", "attempts": [{"parity": None}, {"parity": parity}]}
    (folder / "parity.json").write_text(json.dumps({"exports": [outcome]}))
    shown = "| 0.031 | 99.0% of 100 texts | accuracy 0.900, exported 0.890 | 1,234, torch in fp32 100 |"
    assert shown in card(with_export, folder)
    (folder / "parity.json").write_text('{"exports": [{}]}')
    assert "not known" in card(with_export, folder)


TUNING = {"epochs": 1, "hidden": 4, "min_count": 1, "width": 4, "vectors": None, "precision": "fp32"}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that can be exported."""
    for library in ("torch", "onnxruntime", "onnxscript"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("networks") / "films"
    return RecurrentClassifier(**TUNING).fit(dataset(), valid=dataset()).save(folder)


def exported(folder: Path) -> str:
    """Its card after an export."""
    export(folder, runtime="onnx", precision="fp32")
    assert read_manifest(folder).exports
    load(folder)
    return (folder / FILE).read_text("utf-8")


def edit(folder: Path) -> str:
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write("Never use it for medicine.\n")
    return (folder / FILE).read_text("utf-8")


def as_of_an_earlier_version(folder: Path) -> None:
    """What textgraft wrote before the manifest named the card's hash: another wording, and no hash."""
    manifest = read_manifest(folder)
    facts = method_of(manifest, folder).facts
    (folder / FILE).write_text(cards.card(manifest, facts, folder, earlier_wording=True), "utf-8")
    content = json.loads((folder / "textgraft.json").read_text("utf-8"))
    del content["card"]
    (folder / "textgraft.json").write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize("earlier", [False, True])
def test_a_card_that_its_owner_has_edited_survives_every_export(network: Path, tmp_path: Path, earlier: bool) -> None:
    folder = Path(shutil.copytree(network, tmp_path / "films"))
    if earlier:
        as_of_an_earlier_version(folder)
    mine = edit(folder)
    for _ in range(3):
        assert exported(folder) == mine


@pytest.mark.parametrize("earlier", [False, True])
def test_a_card_that_nobody_edited_tells_of_the_export_under_the_present_name(
    network: Path, tmp_path: Path, earlier: bool
) -> None:
    folder = Path(shutil.copytree(network, tmp_path / "films"))
    if earlier:
        as_of_an_earlier_version(folder)
    else:
        exported(folder)
    renamed = folder.rename(tmp_path / "odd *name*")
    text = exported(renamed)
    assert "# odd \\*name\\*\n" in text
    assert 'textgraft.load("odd *name*")' in text
    assert 'films")' not in text
    assert "| onnx | fp32 |" in section(text, "Exports")
    assert exported(renamed.rename(tmp_path / "again")).count('textgraft.load("again")') == 1


def test_an_edited_card_goes_along_with_what_is_shipped(network: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(network, tmp_path / "films"))
    mine = edit(folder)
    export(folder, runtime="onnx", precision="fp32", to=tmp_path / "small")
    assert (tmp_path / "small" / FILE).read_text("utf-8") == mine
    theirs = edit(tmp_path / "small")
    export(folder, runtime="onnx", precision="fp32", to=tmp_path / "small")
    assert (tmp_path / "small" / FILE).read_text("utf-8") == theirs


def test_saving_over_a_model_keeps_its_edited_card_and_no_other(tmp_path: Path) -> None:
    model = MajorityClassifier().fit(dataset())
    folder = model.save(tmp_path / "model")
    before = (folder / FILE).read_text("utf-8")
    NgramClassifier().fit(dataset()).save(folder)
    assert (folder / FILE).read_text("utf-8") != before
    mine = edit(folder)
    model.save(folder)
    assert (folder / FILE).read_text("utf-8") == mine
    assert load(folder).method == "majority"


def test_a_card_taken_away_is_written_anew(network: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(network, tmp_path / "films"))
    edit(folder)
    (folder / FILE).unlink()
    assert "Never use it" not in exported(folder)


def test_line_ends_of_another_system_are_no_edit(network: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(network, tmp_path / "films"))
    (folder / FILE).write_bytes((folder / FILE).read_bytes().replace(b"\n", b"\r\n"))
    assert "| onnx | fp32 |" in exported(folder)
