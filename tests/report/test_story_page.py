from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from textgraft import charts
from textgraft.analysis.gathering import model_story
from textgraft.methods import NgramClassifier
from textgraft.report.story_page import write_story

from .stories import HARM, written

pytestmark = pytest.mark.skipif(not charts.is_installed(), reason="the extra report is not installed")
HASH = re.compile(r"'sha256-([^']+)'")


class Elements(HTMLParser):
    """The tags of a page with their attributes, and what stands in its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.contents: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in self.contents and self.cdata_elem:
            self.contents[self.tags[-1][0]].append(data)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    return written(tmp_path_factory.mktemp("report"))


def test_nothing_in_the_page_can_act_but_its_own_script(report: tuple[Path, list[str]]) -> None:
    content = report[0].read_text("utf-8")
    found = Elements(content)
    assert [attributes for tag, attributes in found.tags if tag == "script"] == [
        {"type": "application/json", "id": "rows"},
        {},
    ]
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
        assert (attributes.get("href") or "#").startswith("#")
    assert "://" not in re.sub(r"xmlns(:\w+)?=\"http[^\"]*\"", "", content)
    (policy,) = (a["content"] for tag, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    allowed = set(HASH.findall(policy))
    ours = (found.contents["style"][0], found.contents["script"][-1])
    assert allowed == {base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in ours}


def test_the_rows_in_the_page_are_those_of_the_file_beside_it(report: tuple[Path, list[str]]) -> None:
    page, texts = report
    figures = json.loads(page.with_suffix(".json").read_text("utf-8"))
    rows = json.loads(Elements(page.read_text("utf-8")).contents["script"][0])
    assert rows == figures["rows"]
    assert len(rows["rows"]) == rows["of"] == len(texts)
    assert rows["rows"][0][0] == texts[0]
    assert [row[rows["columns"].index("length")] for row in rows["rows"]] == list(map(len, texts))
    chapters = figures["chapters"]
    assert {"verdict", "actions", "audit", "metrics", "confusion", "calibration", "coverage", "made"} <= chapters.keys()
    assert len(chapters["verdict"]) == 2


def test_a_report_without_texts_holds_none(tmp_path: Path) -> None:
    page, texts = written(tmp_path, texts=False)
    for path in (page, page.with_suffix(".json")):
        content = path.read_text("utf-8")
        assert not [text for text in texts if text[:40] in content]
        assert "unique0x" not in content
        assert "harmed" not in content
    assert "holds no texts" in page.read_text("utf-8")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A report with every chapter and no texts."""
    return written(tmp_path_factory.mktemp("closed"), texts=False, every=True)


def test_no_word_of_a_text_stands_in_any_chapter_of_a_report_without_texts(
    closed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    page, texts = closed
    figures = json.loads(page.with_suffix(".json").read_text("utf-8"))["chapters"]
    assert {"slices", "label_errors", "robustness", "curve", "map"} <= figures.keys()
    assert {"evaluated_rows", "training_rows"} == figures["label_errors"].keys()
    planted = {word for text in texts for word in re.findall(r"\w{4,}", text)} | {"soso", "unique1x"}
    ours = set(re.findall(r"\w{4,}", wording(tmp_path / "other")))
    for path in (page, page.with_suffix(".json")):
        words = set(re.findall(r"\w{4,}", path.read_text("utf-8")))
        assert not words & (planted - ours), path
        assert "unique" not in path.read_text("utf-8")


def wording(folder: Path) -> str:
    """What a report says that knows none of the planted texts."""
    labels = ["good", "bad", "<b>so & so</b>"]
    model = NgramClassifier().fit([f"{label} one {i}" for i in range(20) for label in labels], labels * 20)
    page = folder / "page.html"
    write_story(model_story(model, [f"{label} two {i}" for i in range(10) for label in labels], labels * 10), page)
    return page.read_text("utf-8")


def test_a_report_with_every_chapter_is_in_the_order_of_a_story(closed: tuple[Path, list[str]]) -> None:
    page, texts = closed
    keys = [attributes.get("id") for tag, attributes in Elements(page.read_text("utf-8")).tags if tag == "section"]
    told = ["calibration", "coverage", "curve", "texts", "slices", "label_errors", "robustness", "map", "made"]
    assert [key for key in keys if key in told] == told
    figures = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert len(figures["chapters"]["map"]["points"]) == len(figures["rows"]["rows"]) == len(texts)
    assert "texts" not in figures["chapters"]["map"]
    evaluated = figures["chapters"]["label_errors"]["evaluated_rows"]
    assert (evaluated["folds"], evaluated["rows"]) == (0, len(texts))
    assert "label_errors" in [action["key"] for action in figures["chapters"]["actions"]]


def test_a_report_of_several_labels_counts_hits_and_misses(tmp_path: Path) -> None:
    page, _ = written(tmp_path, n=60, several=True)
    content = page.read_text("utf-8")
    assert "false alarms of" in content
    assert "&lt;b&gt;so &amp; so&lt;/b&gt;" in content
    assert len(HARM) == 10
