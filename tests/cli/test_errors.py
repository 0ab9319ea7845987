"""Errors, label errors and corrections on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import textgraft as tg

from .commands import refused, said, textgraft

WORDS = {"good": "good great fine lovely", "bad": "bad awful poor dull"}
ROWS = [
    {"text": f"a {word} {thing} {end}", "label": label, "source": "ab"[i % 2]}
    for label, words in WORDS.items()
    for word in words.split()
    for thing in ["film", "book", "song", "play"]
    for i, end in enumerate(["now", "then", "<script>alert(1)</script>", "=1+1"])
]


def table(path: Path, rows: list[dict[str, str]] = ROWS) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fitted = tg.NgramClassifier(C=1.0).fit([row["text"] for row in ROWS], [row["label"] for row in ROWS])
    return fitted.save(tmp_path_factory.mktemp("models") / "model")


def test_errors_are_shown_as_json_and_as_a_harmless_page(model: Path, tmp_path: Path) -> None:
    words = ("errors", model, table(tmp_path / "table.csv"))
    page = tmp_path / "page.html"
    content = json.loads(said(*words, "--json", "--html", page, "--by", "source", "--train", tmp_path / "table.csv"))
    assert (content["method"], content["rows"]) == ("ngrams", len(ROWS))
    assert "source" in content["slices"]["features"]
    assert content["highest"][0]["nearest"]
    assert "<script>" not in page.read_text()
    shown = said(*words, "--rows", 2, "--lowest")
    assert "The lowest losses" in shown


def test_errors_refuse_what_cannot_be_looked_at(model: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "table.csv")
    assert "'sources'" in refused("errors", model, source, "--by", "sources")
    assert "--html" in refused("errors", model, source, "--html", tmp_path)
    others = table(tmp_path / "others.csv", [*ROWS, {"text": "a so so film", "label": "middling", "source": "a"}])
    assert "'middling'" in refused("errors", model, others)
    assert "makes no groups of rows" in refused("errors", model, source, "--by", "text")


def test_suspected_labels_are_written_corrected_by_hand_and_applied(tmp_path: Path) -> None:
    wrong = [{**row, "label": "bad"} if i == 5 else row for i, row in enumerate(ROWS)]
    source, suspects, copy = table(tmp_path / "table.csv", wrong), tmp_path / "suspects.csv", tmp_path / "copy.csv"
    shown = textgraft("label-errors", source, "--out", suspects, "--rows", 3)
    assert shown.returncode == 0, shown.stderr
    assert f"textgraft apply-corrections {source} {suspects} --out corrected.csv" in " ".join(shown.stdout.split())
    with suspects.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert "6" in [row["row"] for row in rows]
    assert "there is nothing to apply" in refused("apply-corrections", source, suspects, "--out", copy)
    for row in rows:
        row["corrected"] = "good" if row["row"] == "6" else ""
    table(suspects, rows)
    content = json.loads(said("apply-corrections", source, suspects, "--out", copy, "--json"))
    assert (content["corrected"], content["open"]) == (1, len(rows) - 1)
    with copy.open(newline="") as file:
        assert list(csv.DictReader(file)) == ROWS
    assert "has another text" in refused("apply-corrections", table(source, ROWS[::-1]), suspects, "--out", copy)


def test_label_errors_refuse_before_they_compute(tmp_path: Path) -> None:
    source = table(tmp_path / "table.csv")
    assert "is a folder" in refused("label-errors", source, "--out", tmp_path)
    assert "would mislead" in refused("label-errors", source, "--out", tmp_path / "suspects.xlsx")
    assert "There is no method 'ngram'" in refused("label-errors", source, "--method", "ngram")


def test_ten_rows_are_looked_at(tmp_path: Path) -> None:
    few = table(tmp_path / "few.csv", ROWS[:5] + ROWS[-5:])
    content = json.loads(said("label-errors", few, "--json"))
    assert content["rows"] == 10
    assert content["share"]["high"] - content["share"]["low"] > 0.2
