from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from textgraft import charts

from .commands import refused, said, textgraft

TEXTS = [f"{word} number {i}" for i in range(60) for word in ("good", "bad")]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "films.csv"
    path.write_text("text,label\n" + "".join(f"{text},{text.split()[0]}\n" for text in TEXTS))
    return path


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    said("train", table, "--test-size", "0.5", "--out", folder, "--no-report")
    return folder


drawn = pytest.mark.skipif(not charts.is_installed(), reason="the extra report is not installed")


@drawn
def test_a_report_is_a_page_with_its_figures_beside_it(table: Path, model: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    ended = textgraft("report", model, table, "--out", page, "--pictures", tmp_path / "pictures")
    assert ended.returncode == 0, ended.stderr
    assert "This report holds texts of the data." in ended.stderr
    figures = json.loads(page.with_suffix(".json").read_text("utf-8"))
    (command,) = figures["chapters"]["made"]["commands"]
    assert command.startswith("textgraft report ")
    assert f"{table}" in command
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == {".png", ".svg"}
    assert figures["rows"]["of"] == len(TEXTS)
    assert "is a folder" in refused("report", model, table, "--out", tmp_path)


@drawn
def test_a_report_without_texts_says_so_and_has_none(table: Path, model: Path, tmp_path: Path) -> None:
    ended = textgraft("report", model, table, "--no-texts", "--out", tmp_path / "page.html")
    assert "holds no texts" in ended.stderr
    for path in tmp_path.iterdir():
        assert not [text for text in TEXTS if text in path.read_text("utf-8")]


@drawn
def test_a_report_looks_closely_unless_it_shall_be_quick(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "sources.csv"
    rows = [(f"{word} film {i}", word, "web" if i % 3 else "paper") for i in range(90) for word in ("good", "bad")]
    wrong = [(text, "bad" if label == "good" and source == "paper" else label, source) for text, label, source in rows]
    table.write_text("text,label,source\n" + "".join(f"{','.join(row)}\n" for row in wrong))
    figures = {}
    for name, option in (("closely", ()), ("closed", ("--no-texts",)), ("quick", ("--quick",))):
        said("report", model, table, *option, "--out", tmp_path / f"{name}.html")
        figures[name] = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))["chapters"]
    for name in ("closely", "closed"):
        worse = [each["conditions"] for each in figures[name]["slices"]["slices"]["found"]]
        assert any(where["feature"] == "source" and where["value"] == "paper" for slice_ in worse for where in slice_)
        assert figures[name]["robustness"]["outcomes"]
    assert not [text for text, *_ in rows if text in (tmp_path / "closed.html").read_text("utf-8")]
    assert not {"slices", "robustness"} & figures["quick"].keys()


@drawn
def test_what_takes_longer_is_named_with_the_command_that_adds_it(table: Path, model: Path, tmp_path: Path) -> None:
    pages = {}
    for name, options in (("usual", ()), ("all", ("--train", table, "--with", "all"))):
        new = tmp_path / "new.csv"
        new.write_text("text,label\n" + "".join(f"new {text},{text.split()[0]}\n" for text in TEXTS[:60]))
        said("report", model, new, *options, "--out", tmp_path / f"{name}.html")
        pages[name] = (tmp_path / f"{name}.html").read_text("utf-8")
    figures = json.loads((tmp_path / "all.json").read_text("utf-8"))["chapters"]
    assert {"label_errors", "curve", "map"} <= figures.keys()
    assert "training_rows" in figures["label_errors"]
    assert "Left out, since it takes longer: label errors of the training rows, the learning curve" in pages["usual"]
    assert "--train TRAIN.csv --with all" in pages["usual"]
    assert "Left out, since it takes longer" not in pages["all"]


def test_a_chapter_that_is_not_there_or_that_cannot_be_made_is_refused(table: Path, model: Path) -> None:
    sentence = refused("report", model, table, "--with", "maps")
    assert "There is no chapter 'maps' (--with)" in sentence
    assert "did you mean" in sentence.lower()
    assert "curve needs the training table; give it with --train" in refused("report", model, table, "--with", "curve")


@drawn
def test_an_evaluation_writes_a_report_beside_the_model(table: Path, model: Path, tmp_path: Path) -> None:
    place = model.with_name("model.evaluation.report.html")
    ended = textgraft("evaluate", model, table)
    assert f"The report is in {place}. It holds texts of the data." in ended.stderr
    place.unlink()
    said("evaluate", model, table, "--html", tmp_path / "page.html")
    said("evaluate", model, table, "--no-report")
    assert (tmp_path / "page.json").exists()
    assert not place.exists()


@drawn
def test_train_and_compare_write_a_report_beside_what_they_save(table: Path, tmp_path: Path) -> None:
    for words in (("train", table, "--folds", "3"), ("compare", table, "--methods", "ngrams", "--folds", "3")):
        ended = textgraft(*words, "--out", tmp_path / words[0])
        assert f"The report is in {tmp_path / words[0]}.report.html. It holds texts of the data." in ended.stderr
    figures = json.loads((tmp_path / "compare.report.json").read_text("utf-8"))
    assert [method["method"] for method in figures["chapters"]["comparison"]["methods"]] == ["majority", "ngrams"]
    said("train", table, "--folds", "3", "--out", tmp_path / "quiet", "--no-report")
    assert not (tmp_path / "quiet.report.html").exists()


@drawn
def test_a_report_that_cannot_be_written_fails_no_training(table: Path, tmp_path: Path) -> None:
    (tmp_path / "m.report.html").mkdir()
    ended = textgraft("train", table, "--folds", "3", "--out", tmp_path / "m")
    assert ended.returncode == 0, ended.stderr
    assert "The report could not be written to" in ended.stderr
    assert (tmp_path / "m" / "textgraft.json").exists()


def test_without_the_library_of_pictures_one_remark_says_what_is_missing(
    table: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textgraft.charts.is_installed", lambda: False)
    ended = textgraft("train", table, "--folds", "3", "--out", tmp_path / "m")
    assert 'No report is written; for one, pip install "textgraft[report]".' in ended.stderr
    assert not (tmp_path / "m.report.html").exists()
    ended = textgraft("evaluate", model, table, "--html", tmp_path / "page.html")
    assert ended.returncode == 0, ended.stderr
    assert "<h1>" in (tmp_path / "page.html").read_text("utf-8")
    monkeypatch.setitem(sys.modules, "altair", None)
    assert 'pip install "textgraft[report]"' in refused("report", model, table)


@drawn
def test_of_one_class_or_ten_rows_there_is_a_report_that_warns(model: Path, tmp_path: Path) -> None:
    for name, rows in (("one class", TEXTS[0:40:2]), ("ten rows", TEXTS[:10])):
        table = tmp_path / f"{name}.csv"
        table.write_text("text,label\n" + "".join(f"{text},{text.split()[0]}\n" for text in rows))
        ended = textgraft("report", model, table, "--out", tmp_path / f"{name}.html")
        assert ended.returncode == 0, ended.stderr
        figures = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
        assert "few_test_rows" in [action["key"] for action in figures["chapters"]["actions"]]
