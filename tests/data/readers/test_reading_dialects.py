"""Delimiters, quotes, headers and encodings are found, or taken as they are given."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textgraft.data.readers.chunk_stream import open_chunks
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.table import read_table

# What one row of a file may hold: anything but surrogates and the null byte, which no row may hold.
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
WORDS = st.text("abcdefgh ,;|\t\n\"'", min_size=1, max_size=20).filter(str.strip)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For all examples: each writes over the last one's file."""
    return tmp_path_factory.mktemp("tables")


def rows_of(path: Path, options: ReadOptions | None = None) -> list[list[str]]:
    return [list(row) for chunk in open_chunks(path, options) for row in zip(*chunk.columns.values(), strict=True)]


@settings(max_examples=150)
@given(
    rows=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=8)),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_csv_writes_reads_back_identical(
    folder: Path, rows: list[list[str]], delimiter: str, end: str, encoding: str
) -> None:
    path = folder / "x.csv"
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    options = ReadOptions(delimiter=delimiter, header=False, quoting=True)
    filled = [number for number, row in enumerate(rows, start=1) if len(row) == 1 or any(row)]
    assume(filled)
    chunks = list(open_chunks(path, options, rows_per_chunk=3))
    read = [list(r) for c in chunks for r in zip(*c.columns.values(), strict=True)]
    assert read == [rows[number - 1] for number in filled]
    assert [number for chunk in chunks for number in chunk.numbers] == filled


@settings(max_examples=150)
@given(
    texts=st.lists(WORDS, min_size=2, max_size=20),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_written_table_is_read_without_options(folder: Path, texts: list[str], delimiter: str, end: str) -> None:
    path = folder / "x.csv"
    rows = [[str(100 + i), text, "ab"[i % 2]] for i, text in enumerate(texts)]
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter=delimiter, lineterminator=end).writerows([["id", "text", "label"], *rows])
    # A file whose every line has three fields, quoted or not, can be read in two ways.
    lines = [line for line in path.read_text().splitlines() if delimiter in line or line.strip()]
    assume(not any("\n" in text for text in texts) or any(line.count(delimiter) != 2 for line in lines))
    assert rows_of(path) == rows


def test_quotes_that_do_not_pair_are_characters(tmp_path: Path) -> None:
    rows = [["1", '"Be happy', "0"], ["2", 'say "no" to it', "1"], ["3", '"', "0"], ["4", 'end"', "1"]]
    (tmp_path / "x.tsv").write_text("\r\n".join("\t".join(row) for row in [["ID", "Tweet", "joy"], *rows]))
    assert rows_of(tmp_path / "x.tsv") == rows
    stream = open_chunks(tmp_path / "x.tsv")
    list(stream)
    assert any("Quotes in" in note and "read as characters" in note for note in stream.notes)


@pytest.mark.parametrize("quoting", [True, False])
def test_quotes_late_in_a_long_file_are_judged_as_well(tmp_path: Path, quoting: bool) -> None:
    plain = [[f"a text without any quotes number {i}", "ab"[i % 2]] for i in range(40_000)]
    late = ['two\nlines, "quoted"', "ab"] if quoting else ['"and then one', "a"]
    with (tmp_path / "x.tsv").open("w", newline="") as stream:
        style = csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE
        csv.writer(stream, delimiter="\t", quoting=style, quotechar='"' if quoting else None).writerows(
            [["text", "label"], *plain, late, *plain]
        )
    assert rows_of(tmp_path / "x.tsv") == [*plain, late, *plain]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("text,label\nhello you,joy\nbye you,sad\n", ["text", "label"]),
        ("great film;pos\nbad film;neg\ngood film;pos\n", ["column1", "column2"]),
        (
            "Utterance|Intention\nplay me some music now|play\nstop the music right now|stop\n",
            ["Utterance", "Intention"],
        ),
        ("3\tWall St. Bears Claw Back\n4\tOil prices soar again\n", ["column1", "column2"]),
        ("one line\nanother, line\nand a third\n", ["column1"]),
        ("sentence\none line\nanother, line, here\n", ["sentence"]),
        ("v1,v2,,,\n" + "ham,see you there then,,,\nspam,win a prize right now,,,\n" * 5, ["v1", "v2", "column3"]),
        (",body,y\n0,what a film,1\n1,what a bore,0\n", ["column1", "body", "y"]),
        ("alpha,beta\n1,2.5\n2,3.5\n", ["alpha", "beta"]),
    ],
)
def test_a_header_is_told_from_a_row(tmp_path: Path, content: str, names: list[str]) -> None:
    (tmp_path / "x.txt").write_text(content)
    chunk = next(open_chunks(tmp_path / "x.txt"))
    assert list(chunk.columns)[: len(names)] == names
    assert len(chunk) == content.count("\n") - (names[0] != "column1" or len(names) > 2)


def test_a_name_that_is_asked_for_makes_a_header(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("words spoken,kind\nhello you,hi\nbye you,bye\n")
    assert read_table(tmp_path / "x.csv", text="words spoken", label="kind").texts == ["hello you", "bye you"]


def test_blank_lines_are_no_rows_and_a_last_line_may_lack_its_end(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\ntext,label\r\n\r\none,a\n   \ntwo,b")
    data = read_table(tmp_path / "x.csv")
    assert data.texts == ["one", "two"]
    assert data.rows.number.tolist() == [1, 2]


def test_long_fields_are_read(tmp_path: Path) -> None:
    long = "word " * 400_000
    (tmp_path / "x.csv").write_text(f'text,label\n"{long}",a\nshort,b\n')
    assert read_table(tmp_path / "x.csv").texts == [long, "short"]


class TestEncodings:
    rows = "text,label\nplain,a\nnaïve café,b\n“quoted” – dash,a\n"

    def test_windows_1252_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_bytes(self.rows.encode("cp1252"))
        data = read_table(tmp_path / "x.csv")
        assert data.texts == ["plain", "naïve café", "“quoted” – dash"]
        note = next(note for note in data.notes if "UTF-8" in note)
        assert "x.csv (first at line 3) is not UTF-8; read as Windows-1252" in note
        assert "--encoding" in note

    def test_an_encoding_that_is_given_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_bytes("text,label\nпривет мир,a\nпока,b\n".encode("koi8-r"))
        data = read_table(tmp_path / "x.csv", options=ReadOptions(encoding="koi8-r"))
        assert data.texts == ["привет мир", "пока"]
        assert not any("UTF-8" in note for note in data.notes)

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
    def test_utf_16_and_32_without_a_mark_are_told_by_their_null_bytes(self, tmp_path: Path, encoding: str) -> None:
        (tmp_path / "x.csv").write_bytes(self.rows.encode(encoding))
        data = read_table(tmp_path / "x.csv")
        assert data.texts == ["plain", "naïve café", "“quoted” – dash"]
        assert any(f"x.csv is read as {encoding.upper()}, as its null bytes tell" in note for note in data.notes)

    def test_a_few_broken_bytes_in_utf_8_spoil_their_rows_only(self, tmp_path: Path) -> None:
        lines = [f"naïve {i},{'ab'[i % 2]}\n".encode() for i in range(9)]
        (tmp_path / "x.csv").write_bytes(b"text,label\n" + b"".join(lines[:4]) + b"caf\xe9,a\n" + b"".join(lines[4:]))
        with pytest.raises(ValueError, match=r"x\.csv line 6: it has bytes that are not valid"):
            read_table(tmp_path / "x.csv")
        data = read_table(tmp_path / "x.csv", options=ReadOptions(skip_bad_rows=True))
        assert data.texts == [f"naïve {i}" for i in range(9)]
        assert data.rows.number.tolist() == [1, 2, 3, 4, 6, 7, 8, 9, 10]


class TestRealTables:
    @pytest.mark.parametrize(
        ("file", "delimiter", "quoting"),
        [
            ("emotion/train.txt", ";", csv.QUOTE_NONE),
            ("semeval2018_ec/train.tsv", "\t", csv.QUOTE_NONE),
            ("climate/tweets.csv", ",", csv.QUOTE_MINIMAL),
            ("ag_news/test.csv", ",", csv.QUOTE_MINIMAL),
        ],
    )
    def test_they_read_as_their_authors_wrote_them(
        self, shared_data: Path, file: str, delimiter: str, quoting: int
    ) -> None:
        with (shared_data / file).open(newline="", encoding="utf-8") as stream:
            expected = list(csv.reader(stream, delimiter=delimiter, quoting=quoting))  # type: ignore[arg-type]
        assert rows_of(shared_data / file) == expected[1:]


def test_shuffled_delimiters_in_texts_do_not_mislead(tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [["".join(draw.choices("ab ,;|'", k=30)), draw.choice(["x", "y"])] for _ in range(300)]
    stream = io.StringIO()
    csv.writer(stream, delimiter="|").writerows([["text", "label"], *rows])
    (tmp_path / "x.csv").write_text(stream.getvalue(), newline="")
    assert rows_of(tmp_path / "x.csv") == rows
