"""The commands that look at a model: explain, robustness, check."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from textgraft import MajorityClassifier, NgramClassifier

from .commands import refused, said, textgraft

TEXTS = ["a great goal", "the goal", "a match", "the bank", "a rate", "rates of a bank"]
LABELS = ["sport"] * 3 + ["money"] * 3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return NgramClassifier().fit(TEXTS * 3, LABELS * 3).save(tmp_path_factory.mktemp("looking") / "model")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    with (tmp_path / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(TEXTS, LABELS, strict=True)])
    return tmp_path / "table.csv"


def test_explain_shows_words_and_what_their_weights_are(model: Path, tmp_path: Path) -> None:
    shown = said("explain", model, "the goal", "a bank", "--html", tmp_path / "page.html")
    assert "Exact contributions to the log odds of 'sport'" in shown
    assert "goal" in shown
    assert '<mark class="for-3">goal</mark>' in (tmp_path / "page.html").read_text("utf-8")
    found = json.loads(said("explain", model, "the goal", "--json", "--how", "occlusion"))
    [explanation] = found["explanations"]
    assert [explanation["text"][span["start"] : span["end"]] for span in explanation["spans"]] == ["the", "goal"]


def test_robustness_shows_the_share_that_flips(model: Path, table: Path) -> None:
    assert "answers that flip" in said("robustness", model, table)
    found = json.loads(said("robustness", model, table, "--json", "--changes", "upper,typos", "--negation"))
    assert [each["change"] for each in found["outcomes"]] == ["upper", "typos", "negation"]
    assert "There is no change 'caps'" in refused("robustness", model, table, "--changes", "caps")


def test_check_fails_where_one_pair_does_and_says_which(model: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("text,changed,expect\nthe goal,THE GOAL,same\nthe goal,the bank,same\n", "utf-8")
    ended = textgraft("check", model, pairs)
    assert ended.returncode == 1
    assert "1 pair of 2 came out as expected." in ended.stdout
    assert "pairs.csv row 2" in ended.stdout
    assert "Error" not in ended.stderr


def test_kept_pairs_are_the_test_suite_of_the_model(model: Path, tmp_path: Path) -> None:
    assert "model.checks.csv is not there; give a table of pairs" in refused("check", model)
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("text,changed,expect\nthe goal,THE GOAL,same\nthe goal,,sport\n", "utf-8")
    said("check", model, pairs, "--save")
    assert "2 pairs of 2 came out as expected." in said("check", model)
    assert json.loads(said("check", model, "--json"))["failed"] == 0
    said("explain", model, "the goal")  # what is beside a model directory harms it not
    assert "name the table" in refused("check", model, "--save")


def test_check_fails_where_the_model_is_measurably_worse_than_the_one_in_use(model: Path, tmp_path: Path) -> None:
    rows = [(f"{text} {i}", label) for i in range(10) for text, label in zip(TEXTS, LABELS, strict=True)]
    labelled = tmp_path / "labelled.csv"
    with labelled.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    floor = MajorityClassifier().fit(TEXTS, LABELS).save(tmp_path / "floor")
    worse = textgraft("check", floor, "--against", model, "--data", labelled)
    assert worse.returncode == 1
    assert "The new model is measurably worse than the one in use: accuracy" in worse.stdout
    assert "Error" not in worse.stderr
    found = json.loads(said("check", model, "--against", floor, "--data", labelled, "--json"))
    assert found["replacement"]["worse"] is False
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("text,changed,expect\nthe goal,the bank,same\n", "utf-8")
    both = textgraft("check", model, pairs, "--against", floor, "--data", labelled)
    assert both.returncode == 1  # for its pairs
    assert "measurably better" in both.stdout


def test_check_says_what_is_missing_before_it_loads_a_model(model: Path, table: Path) -> None:
    assert "--against compares two models on labelled rows and needs --data" in refused(
        "check", model, "--against", model
    )
    assert "--data compares two models on labelled rows and needs --against" in refused("check", "no", "--data", table)
    assert "--metric says by which metric" in refused("check", model, "--metric", "f1_macro")
    assert "They are left out" not in refused("check", model, "--against", "nowhere", "--data", table)


def test_curve_says_what_twice_the_labels_would_bring(tmp_path: Path) -> None:
    rows = [
        (f"{text} number{i} and {i % 7}", label) for i in range(30) for text, label in zip(TEXTS, LABELS, strict=True)
    ]
    with (tmp_path / "many.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    words = ("curve", tmp_path / "many.csv", "--methods", "majority,ngrams", "--folds", 2, "--points", 3)
    assert "majority: twice the labels (" in said(*words)
    found = json.loads(said(*words, "--json"))
    assert [curve["name"] for curve in found["curves"]] == ["majority", "ngrams"]
    assert "There is no method 'ngram'" in refused("curve", tmp_path / "many.csv", "--methods", "ngram")
