from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from textgraft import charts

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


def test_a_report_of_several_labels_counts_hits_and_misses(tmp_path: Path) -> None:
    page, _ = written(tmp_path, n=60, several=True)
    content = page.read_text("utf-8")
    assert "false alarms of" in content
    assert "&lt;b&gt;so &amp; so&lt;/b&gt;" in content
    assert len(HARM) == 10
