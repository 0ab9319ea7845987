"""``--seeds`` of train and compare."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .commands import refused, said
from .test_abstain import table


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table(tmp_path_factory.mktemp("seeds") / "rows.csv", 120)


def test_a_comparison_tells_seeds_from_rows(rows: Path, tmp_path: Path) -> None:
    words = ["compare", rows, "--methods", "majority,ngrams", "--folds", 3, "--seeds", 2, "--seed", 4]
    shown = " ".join(said(*words, "--html", tmp_path / "page.html").split())
    assert "Over 2 seeds, on the same rows" in shown
    assert "Trained once: majority." in shown
    assert "their intervals over rows and the model are those of seed 4" in shown
    assert "Over 2 seeds, on the same rows" in (tmp_path / "page.html").read_text("utf-8")
    majority, ngrams = json.loads(said(*words, "--json"))["methods"]
    assert (majority["over_seeds"]["seeds"], ngrams["over_seeds"]["seeds"]) == ([], [4, 5])
    assert ngrams["over_seeds"]["metrics"]["accuracy"]["values"][0] == ngrams["metrics"]["accuracy"]["value"]


def test_a_training_tells_seeds_from_rows_and_keeps_the_first(rows: Path, tmp_path: Path) -> None:
    shown = " ".join(said("train", rows, "--folds", 3, "--seeds", 2, "--out", tmp_path / "m").split())
    assert "Over 2 seeds, on the same rows" in shown
    content = json.loads((tmp_path / "m" / "textgraft.json").read_text("utf-8"))
    assert content["evaluation"]["over_seeds"]["seeds"] == [0, 1]
    assert content["parameters"]["seed"] == 0
    report = json.loads((tmp_path / "m.report.json").read_text("utf-8"))
    assert report["chapters"]["seeds"]["seeds"] == [0, 1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seeds", "0"], "from 2 to 1,000, of trainings that differ in their seed; got 0. 5 is usual"),
        (["--seeds", "-1"], "got -1."),
        (["--seeds", "1"], "to train once leave it out"),
        (["--seeds", "3", "--budget", "1m"], "the time that there is changes it too. Leave one of them out."),
    ],
)
def test_seeds_that_cannot_be_are_refused(rows: Path, tmp_path: Path, words: list[str], sentence: str) -> None:
    assert sentence in refused("compare", rows, *words)
    assert sentence in refused("train", rows, "--out", tmp_path / "m", *words)
    assert not (tmp_path / "m").exists()


def test_seeds_of_what_is_not_evaluated_are_refused(rows: Path, tmp_path: Path) -> None:
    words = ["train", rows, "--test-size", 0, "--seeds", 2, "--out", tmp_path / "m"]
    assert "no rows are held out for figures" in refused(*words)
