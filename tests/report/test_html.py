from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from textgraft.errors import SettingError
from textgraft.report import Report, Section
from textgraft.report.html import check_place, page, write

ODD = '<script>alert("1")</script> & $title ${style}'
TABLE = Section(
    "Figures", ("label", "value"), ((ODD, "0.893 [0.879, 0.907]"), ("b", "1,234")), ("one", "two"), numbers=(1,)
)
REPORT = Report(f"About {ODD}", (TABLE, Section("Nothing"), Section(sentences=("Take this one.",))))
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Reader(HTMLParser):
    """Reads a page as a browser does, but forgives nothing; keeps its tags, attributes and text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(data.strip())


def test_a_page_is_whole_and_every_element_is_closed() -> None:
    content = page(REPORT)
    assert content.startswith("<!doctype html>\n<html lang=")
    reader = Reader(content)
    assert {"title", "h1", "h2", "table", "ul", "p"} <= set(reader.tags)
    assert content.count("<tr>") == 3


def test_names_are_text_whatever_stands_in_them() -> None:
    reader = Reader(page(REPORT))
    assert "script" not in reader.tags
    assert reader.text.count(f"About {ODD}") == 2
    assert ODD in reader.text


def test_a_page_needs_nothing_from_elsewhere() -> None:
    content = page(REPORT)
    assert not {"script", "link", "img", "iframe"} & set(Reader(content).tags)
    assert not {"src", "href"} & {name for name, _ in Reader(content).attributes}
    assert not re.search(r"https?:|@import|url\(", content)


def test_a_page_suits_phones_and_dark_rooms() -> None:
    content = page(REPORT)
    assert 'name="viewport" content="width=device-width' in content
    assert "prefers-color-scheme: dark" in content


def test_columns_of_numbers_are_marked_and_intervals_are_set_apart() -> None:
    content = page(REPORT)
    assert '<td class="number">0.893 <span class="interval">[0.879, 0.907]</span></td>' in content
    assert '<td class="number">1,234</td>' in content
    assert "<td>b</td>" in content


def test_what_the_report_comes_to_stands_first_and_empty_sections_do_not_show() -> None:
    content = page(REPORT)
    assert content.index('<p class="lead">Take this one.</p>') < content.index("<table>")
    assert "Nothing" not in content


def test_the_same_report_gives_the_same_page(tmp_path: Path) -> None:
    place = tmp_path / "new" / "report.html"
    for _ in range(2):
        write(REPORT, place)
        assert place.read_text("utf-8") == page(REPORT)
        assert list(place.parent.iterdir()) == [place]


def test_a_folder_is_no_place_for_a_page(tmp_path: Path) -> None:
    check_place(None)
    check_place(tmp_path / "report.html")
    with pytest.raises(SettingError, match=r"is a folder; give the name of a file, such as .*report\.html"):
        check_place(tmp_path)
