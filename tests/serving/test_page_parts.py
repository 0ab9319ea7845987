"""The parts of the page: what its files may do, and that tables go through it as through Python's csv."""

from __future__ import annotations

import csv
import http.client
import io
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.prediction.writing import inert
from textgraft.serving.pages import page_routes

from ..report.browsers import MISSING
from ..trying import EXAMPLES
from .browsing import chromium, opened
from .running import serving

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # of Playwright's pipes
SOURCES = {entry.name: entry.read_text("utf-8") for entry in (files("textgraft.serving") / "page").iterdir()}
SIGNS = list(",;\t|\"'\r\n =+-@0123.é😀\u2028ab")
CELLS = st.text(st.sampled_from(SIGNS), max_size=8)
TABLES = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=6))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("models") / "majority"
    tg.MajorityClassifier().fit(["one", "two", "three"], ["a", "a", "b"]).save(place)
    with serving(place) as found:
        yield found.url


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:
    if MISSING:
        pytest.skip(MISSING)
    with chromium() as browser, opened(browser, address) as page:
        yield page
        assert page.heard == []


def get(address: str, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def test_every_file_is_served_under_a_policy_that_lets_in_nothing_else(address: str) -> None:
    paths = [route.path for route in page_routes()]
    assert len(paths) == len(SOURCES) + 1
    assert "/page/base.css" in paths  # which stands with the report
    for path in paths:
        response = get(address, path)
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        again = get(address, path, **{"If-None-Match": response.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")  # type: ignore[attr-defined]


def test_its_files_hold_no_script_or_style_in_line_and_no_address_of_another_place() -> None:
    for name, source in SOURCES.items():
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", source) == [], name
        assert len(source.splitlines()) <= 400, name
        if name.endswith(".html"):
            assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=)|javascript:", source) == []
        if name.endswith(".js"):
            unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|setHTML"
            assert re.findall(unsafe, source) == [], name


def test_html_cannot_be_made_from_text_even_by_a_script_of_the_page(page: Any) -> None:
    body = "() => { try { document.body.innerHTML = '<p>' } catch (error) { return error.name } }"
    assert page.evaluate(body) == "TypeError"
    page.heard.clear()  # Chromium says so in the console too


def module(page: Any, name: str, body: str, argument: Any) -> Any:
    call = f"async (given) => {{ const part = await import('/page/{name}'); return ({body})(given); }}"
    return page.evaluate(call, argument)


@settings(max_examples=EXAMPLES)
@given(TABLES, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_delimited_text_is_read_as_csv_reads_it(page: Any, rows: list[list[str]], delimiter: str, end: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=end).writerows(rows)
    read = [row for row in csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=delimiter) if row]
    assert module(page, "tables.js", "([text, d]) => part.records(text, d)", [written.getvalue(), delimiter]) == read


@settings(max_examples=EXAMPLES)
@given(TABLES)
def test_what_is_written_reads_back_with_cells_that_run_nowhere(page: Any, rows: list[list[str]]) -> None:
    body = "([names, rows]) => { const { text, changed } = part.csv(names, rows); return [text, changed]; }"
    text, changed = module(page, "tables.js", body, [rows[0], rows[1:]])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [list(map(inert, row)) for row in rows]
    assert changed == sum(inert(cell) != cell for row in rows for cell in row)


@settings(max_examples=EXAMPLES)
@given(st.lists(st.dictionaries(st.text(max_size=3), st.none() | st.integers() | CELLS, max_size=3), min_size=1))
def test_json_lines_are_read_with_all_their_columns(page: Any, items: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for item in items for name in item))
    body = """(text) => {
        const { names, rows } = part.tableOf("t.jsonl", new TextEncoder().encode(text));
        return [names, rows];
    }"""
    text = "".join(json.dumps(item) + "\n" for item in items)

    def cell(value: Any) -> str:
        return value if isinstance(value, str) else "" if value is None else json.dumps(value)

    found_names, found = module(page, "tables.js", body, text)
    assert sorted(found_names) == sorted(names)  # JavaScript puts names that are numbers first
    assert [dict(zip(found_names, row, strict=True)) for row in found] == [
        {name: cell(item.get(name)) for name in names} for item in items
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.csv", b"text,label\na,1\nb,2\n", [["text", "label"], ["a", "1"], ["b", "2"]]),
        ("t.csv", b"\xef\xbb\xbfid;text\n1;a, b\n2;c, d\n", [["id", "text"], ["1", "a, b"], ["2", "c, d"]]),
        ("t.tsv", b"id\ttext\n1\ta\n", [["id", "text"], ["1", "a"]]),
        ("t.csv", "id,text\n1,é\n".encode("utf-16"), [["id", "text"], ["1", "é"]]),
        ("t.csv", "id,text\n1,é\n".encode("cp1252"), [["id", "text"], ["1", "é"]]),
        ("t.txt", b"a film\nanother, better film\n", [["column 1"], ["a film"], ["another, better film"]]),
        ("t.csv", b'"a, b"\n"c"\n', [["column 1"], ["a, b"], ["c"]]),
        ("t.csv", b"text\n\na\n\n", [["text"], ["a"]]),
    ],
)
def test_encoding_delimiter_and_header_are_guessed(page: Any, name: str, content: bytes, expected: list[Any]) -> None:
    body = """([name, bytes]) => {
        const { names, rows } = part.tableOf(name, new Uint8Array(bytes));
        return [names, ...rows];
    }"""
    assert module(page, "tables.js", body, [name, list(content)]) == expected


@pytest.mark.parametrize(
    ("names", "row", "column"),
    [
        (["id", "title", "text"], ["1", "A film", "what a very fine film"], 2),
        (["url", "message"], ["http://example.org/a/very/long/address", "fine"], 1),
        (["number", "words"], ["12345678901234567890", "fine"], 1),
        (["text", "remark"], ["", "fine"], 1),
    ],
)
def test_the_column_of_the_texts_is_guessed(page: Any, names: list[str], row: list[str], column: int) -> None:
    assert module(page, "tables.js", "([names, row]) => part.textColumn(names, [row])", [names, row]) == column


@settings(max_examples=EXAMPLES)
@given(st.text(st.sampled_from(list("ab é😀👩\u200d\u0301م")), max_size=20), st.data())
def test_code_points_are_found_in_javascripts_strings(page: Any, text: str, data: st.DataObject) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    found = module(page, "words.js", "([text, places]) => part.inUtf16(text, places)", [text, places])
    assert found == [len(text[:place].encode("utf-16-le")) // 2 for place in places]


@settings(max_examples=EXAMPLES)
@given(st.text(st.sampled_from(list("ab#*`[]()|-<>!\\ \n\t1.&_~")), max_size=60))
def test_no_card_makes_more_than_plain_elements(page: Any, markdown: str) -> None:
    body = """(markdown) => {
        const card = document.createElement("div");
        card.append(...part.rendered(markdown));
        return [...card.querySelectorAll("*")].map((each) => each.tagName);
    }"""
    found = "".join(f"<{each}>" for each in module(page, "card.js", body, markdown))
    plain = r"(<(H2|H3|P|UL|OL|LI|PRE|CODE|STRONG|EM|DIV|TABLE|THEAD|TBODY|TR|TH|TD|SPAN)>)*"
    assert re.fullmatch(plain, found), found
