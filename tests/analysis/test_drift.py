"""``textgraft drift``: what has changed in new texts, and whether answers are as right as their confidences say."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from textgraft import NgramClassifier, drift, load
from textgraft.errors import ArtifactError, DataError, SettingError

from ..cli.commands import refused, said
from ..drifting import LABELS, english, foreign, spanish


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drift")
    for name, (texts, labels) in {
        "train": english(1_500, 0),
        "same": english(400, 1),
        "wrong": (english(400, 2)[0], english(400, 3)[1]),
        "spanish": (spanish(200, 4), [""] * 200),
    }.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    said("train", folder / "train.csv", "--method", "ngrams", "--no-report", "--out", folder / "model")
    return folder


def test_texts_of_the_same_source_show_no_change(folder: Path) -> None:
    model = load(folder / "model")
    found = [drift(model, english(300, 10 + i)[0], seed=i) for i in range(20)]
    assert sum(bool(each.changed) for each in found) <= 1


@pytest.mark.parametrize(
    ("texts", "quantity"),
    [
        (foreign(60, 5), "unknown words"),
        (spanish(60, 6), "language"),
        ([text.upper() for text in english(60, 7)[0]], "capitals"),
        (english(100, 8, labels=LABELS[:2])[0], "label"),
    ],
    ids=["foreign", "spanish", "upper", "labels"],
)
def test_what_is_different_is_named_first(folder: Path, texts: list[str], quantity: str) -> None:
    found = drift(folder / "model", texts)
    assert quantity in [each.name for each in found.changed]
    distances = [each.change.distance for each in found.changed]
    assert distances == sorted(distances, reverse=True)


def test_a_repeated_text_counts_once(folder: Path) -> None:
    texts = english(300, 9)[0]
    found = drift(folder / "model", texts + [texts[0]] * 1_000)
    assert found.repeated == 1_000
    assert found.changed == ()


def test_with_labels_the_accuracy_is_held_against_the_expected_one(folder: Path) -> None:
    model = load(folder / "model")
    good = drift(model, *english(400, 11)).accuracy
    bad = drift(model, english(400, 11)[0], english(400, 12)[1]).accuracy
    assert good is not None
    assert bad is not None
    assert good.p_value > 0.01
    assert bad.p_value < 0.001
    assert bad.found < bad.expected


def test_texts_can_be_held_against_those_of_another_day(folder: Path) -> None:
    before, after = spanish(300, 13), spanish(300, 14)
    found = drift(folder / "model", after, against=before)
    assert found.changed == ()
    assert found.against == "the other table"
    assert drift(folder / "model", english(300, 15)[0], against=before).changed


def test_labels_that_the_model_does_not_have_are_said_and_left(folder: Path) -> None:
    texts, labels = english(60, 16)
    (folder / "other.csv").write_text(
        "text,label\n" + "".join(f"{text},un{label}\n" for text, label in zip(texts, labels, strict=True))
    )
    shown = " ".join(said("drift", folder / "model", folder / "other.csv").split())
    assert "The accuracy is not looked at: " in shown
    assert "rightly" not in shown


def test_few_rows_and_wrong_levels_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="3 rows cannot show whether anything has changed"):
        drift(folder / "model", ["a", "b", "c"])
    with pytest.raises(SettingError, match="false_alarms"):
        drift(folder / "model", english(30, 1)[0], false_alarms=2.0)


def test_an_earlier_model_says_what_to_do() -> None:
    model = NgramClassifier().fit(*english(200, 0))
    model.sketch_ = None
    with pytest.raises(ArtifactError, match=r"keeps no sketch of its training data.* --against TABLE"):
        drift(model, english(100, 1)[0])
    assert drift(model, english(100, 1)[0], against=english(100, 2)[0]).changed == ()


def test_the_command_says_the_conclusion_first(folder: Path) -> None:
    shown = " ".join(said("drift", folder / "model", folder / "same.csv").split())
    assert "No change is found: 400 texts are like the training data in label, confidence, length" in shown
    assert "of 400 rows with labels are answered rightly, as their confidences promise (0." in shown
    shown = " ".join(said("drift", folder / "model", folder / "wrong.csv").split())
    assert "fewer than the 0." in shown
    shown = " ".join(said("drift", folder / "model", folder / "spanish.csv").split())
    assert "Changed in 200 texts, compared with the training data: " in shown
    assert "'Spanish'" not in shown
    assert "Spanish: 0.0% then" in shown
    assert "rightly" not in shown  # its labels are empty


def test_the_command_writes_json_and_a_page(folder: Path, tmp_path: Path) -> None:
    words = ("drift", folder / "model", folder / "spanish.csv", "--against", folder / "same.csv")
    content = json.loads(said(*words, "--json", "--html", tmp_path / "page.html"))
    assert "language" in content["changed"]
    assert content["accuracy"] is None
    assert np.isfinite([each["distance"] for each in content["quantities"]]).all()
    assert "Changed in 200 texts, compared with the other table" in (tmp_path / "page.html").read_text("utf-8")
    assert "There is no " in refused("drift", folder / "none", folder / "same.csv")
