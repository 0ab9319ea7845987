"""``textgraft abstain``, and what train, predict and evaluate make of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from .commands import refused, said, textgraft

RNG = np.random.default_rng(0)
WORDS = {"good": ["fine", "great", "nice"], "bad": ["dull", "poor", "nice"]}


def table(path: Path, n: int) -> Path:
    labels = RNG.choice(["good", "bad"], n).tolist()
    lines = [
        f"the film {i} is {RNG.choice(WORDS[label])} {RNG.integers(10**6)},{label}" for i, label in enumerate(labels)
    ]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("abstain")
    for name, n in (("train", 400), ("new", 400), ("test", 200), ("few", 10)):
        table(folder / f"{name}.csv", n)
    (folder / "one.csv").write_text("text,label\n" + "".join(f"fine film {i} today,good\n" for i in range(300)))
    (folder / "other.csv").write_text("text\n" + "zurich stocks fell\n" * 30)
    train = [folder / "train.csv", "--test", folder / "test.csv", "--out", folder / "model"]
    assert "With --abstain it answers " in said("train", *train, "--abstain", "0.8")
    return folder


def test_a_choice_is_kept_with_the_model_and_shown(folder: Path) -> None:
    shown = said(
        "abstain", folder / "model", folder / "new.csv", "--accuracy", 0.8, "--coverage", 0.9, "--false-alarms", 0.05
    )
    words = " ".join(shown.split())
    assert "answers to texts like these are at least 80 % right" in words
    assert "at least 90 % have all that they carry in their set of possible labels" in words
    content = json.loads(said("abstain", folder / "model", folder / "new.csv", "--coverage", 0.9, "--json"))
    assert content["sureness"]["accuracy"] == 0.8  # which stays
    assert content["sets"]["coverage"] == 0.9
    shown = " ".join(
        said("evaluate", folder / "model", folder / "test.csv", "--out-of-scope", folder / "other.csv").split()
    )
    assert "of the model's score" in shown
    assert "of confidence alone (maximum probability)" in shown
    assert "80 % was wanted" in shown


def test_predictions_say_why_there_is_no_label_and_what_is_possible(folder: Path) -> None:
    said("abstain", folder / "model", folder / "new.csv", "--accuracy", 0.8, "--coverage", 0.9, "--false-alarms", 0.05)
    (folder / "p.csv").write_text("text\nthe film is fine\nzurich stocks fell\n")
    words = ["predict", folder / "model", "--input", folder / "p.csv", "--sets"]
    first, second = csv.DictReader(said(*words, "--abstain").splitlines())
    assert (first["label"], first["abstained"]) == ("good", "")
    assert (second["label"], second["abstained"]) == ("", "out of scope")
    assert set(second["possible"].split(";")) <= {"good", "bad"}
    _, second = csv.DictReader(said(*words, "--abstain-label", "other").splitlines())
    assert second["label"] == "other"
    _, second = csv.DictReader(said(*words).splitlines())
    assert second["label"] in ("good", "bad")
    assert "abstained" not in second
    output = folder / "p.jsonl"
    said(*words, "--abstain", "--output", output)
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["label"] for row in rows] == ["good", None]
    assert isinstance(rows[1]["possible"], list)
    assert "(out of scope)" in said("predict", folder / "model", "--abstain", "zurich stocks fell")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new.csv"], "Nothing is to be chosen: say the wanted accuracy of answers with --accuracy 0.97"),
        (["new.csv", "--accuracy", "1.5"], "accuracy must be a number above 0 and below 1, such as 0.97; got 1.5."),
        (["few.csv", "--accuracy", "0.97"], "that takes 99 answers without an error"),
        (["few.csv", "--false-alarms", "0.05"], "cannot be told from 10 rows; give at least 20"),
        (["train.csv", "--accuracy", "0.9"], "was trained on all 400 rows"),
        (["new.csv", "--accuracy", "0.99"], "No threshold on confidence is sure to reach an accuracy of 99 % on "),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence_and_leaves_the_model_as_it_was(
    folder: Path, words: list[str], sentence: str
) -> None:
    before = (folder / "model" / "textgraft.json").read_bytes()
    assert sentence in refused("abstain", folder / "model", folder / words[0], *words[1:])
    assert (folder / "model" / "textgraft.json").read_bytes() == before


def test_a_table_with_one_label_is_as_good_as_any(folder: Path) -> None:
    said("train", folder / "train.csv", "--test", folder / "test.csv", "--out", folder / "other")
    ended = textgraft("abstain", folder / "other", folder / "one.csv", "--accuracy", "0.8", "--coverage", "0.9")
    assert ended.returncode == 0, ended.stderr


def test_abstaining_without_a_choice_says_how_to_make_one(folder: Path) -> None:
    said("train", folder / "train.csv", "--test", folder / "test.csv", "--out", folder / "plain")
    assert "textgraft abstain DIR TABLE --accuracy 0.97" in refused("predict", folder / "plain", "--abstain", "a")
    assert "textgraft abstain DIR TABLE --coverage 0.95" in refused("predict", folder / "plain", "--sets", "a")
