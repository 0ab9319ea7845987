"""What cannot be read is said in one sentence that names the file and the place."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest

from textgraft.data.readers.chunk_stream import open_chunks
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.table import read_table
from textgraft.data.tables.texts import read_texts
from textgraft.errors import BadRowsError, DataError, SettingError

SKIP = ReadOptions(skip_bad_rows=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "x.csv") -> str:
    Path(name).write_bytes(text.encode())
    return name


GOOD = "".join(f'"text, number {i}",{"ab"[i % 2]}\n' for i in range(20))


class TestBadRows:
    def test_a_row_with_other_fields_names_its_line_and_the_way_out(self, here: Path) -> None:
        name = write("text,label\n" + GOOD + "one,two,three\n" + "lonely\n")
        with pytest.raises(BadRowsError) as caught:
            read_table(name)
        said = str(caught.value)
        assert "2 rows cannot be read" in said
        assert "x.csv line 22: it has 3 fields where 2 are expected" in said
        assert "x.csv line 23: it has 1 field" in said
        assert "--skip-bad-rows" in said
        assert [row.line for row in caught.value.rows] == [22, 23]

    def test_skipped_rows_count_in_the_numbers_and_are_listed(self, here: Path) -> None:
        name = write('text,label\n"first, one",a\na,b,c\n"third, one",b\n')
        data = read_table(name, options=SKIP)
        assert data.rows.number.tolist() == [1, 3]
        assert any("1 row cannot be read and is left out: x.csv line 3" in note for note in data.notes)

    def test_an_open_quote_costs_its_own_row_only(self, here: Path) -> None:
        name = write("text,label\n" + GOOD + '"never closed,a\n' + GOOD + '"and, two\nlines",b\n')
        with pytest.raises(BadRowsError, match=r"1 row cannot be read: x\.csv line 22: "):
            read_table(name)
        data = read_table(name, options=SKIP)
        assert len(data) == 41
        assert data.texts[-1] == "and, two\nlines"
        assert data.rows.number[19:21].tolist() == [20, 22]

    def test_an_open_quote_does_not_swallow_a_long_file(self, here: Path) -> None:
        plain = "a text without quotes,a\n" * 30_000
        name = write("text,label\n" + GOOD + '"never closed,a\n' + plain)
        data = read_table(name, options=SKIP)
        assert len(data) == 30_020

    def test_lines_are_those_of_the_file_after_quoted_newlines(self, here: Path) -> None:
        name = write('text,label\n"one\ntwo\nthree",a\n"x, y",b\nbad\n')
        with pytest.raises(BadRowsError, match=r"line 6: it has 1 field"):
            read_table(name)

    def test_a_quoted_field_that_goes_on_is_named(self, here: Path) -> None:
        name = write("text,label\n" + GOOD + '"closed" and more,a\n')
        with pytest.raises(BadRowsError, match=r"line 22: a quoted field goes on after its closing quote"):
            read_table(name)

    def test_a_null_byte_spoils_its_row(self, here: Path) -> None:
        name = write("text,label\n" + GOOD + "nu\0ll,a\n")
        with pytest.raises(BadRowsError, match=r"line 22: it has a null byte"):
            read_table(name)
        assert len(read_table(name, options=SKIP)) == 20

    def test_json_errors_are_placed(self, here: Path) -> None:
        name = write('{"text": "a", "label": 1}\n\n{"text": \n[1]\n{"text": "b", "label": 2}\n', "x.jsonl")
        with pytest.raises(BadRowsError) as caught:
            read_table(name)
        assert [row.line for row in caught.value.rows] == [3, 4]
        assert "x.jsonl line 3: it is not JSON: " in str(caught.value)
        assert read_table(name, options=SKIP).rows.number.tolist() == [1, 4]

    def test_many_are_counted_and_the_first_shown(self, here: Path) -> None:
        name = write("text,label\n" + GOOD * 1_000 + "bad\n" * 7_000)
        with pytest.raises(
            BadRowsError, match=r"7,000 rows cannot be read: (x\.csv line \d+: [^;]*; ){5}and 6,995 more"
        ):
            read_table(name)

    def test_a_stream_raises_once_it_has_counted(self, here: Path) -> None:
        name = write("text\n" + '"a, text"\n' * 50 + '"x" y\n' + '"a, text"\n' * 50 + '"x" y\n')
        stream = open_chunks(name, rows_per_chunk=10)
        assert sum(len(next(stream)) for _ in range(5)) == 50
        with pytest.raises(BadRowsError) as caught:
            next(stream)
        assert len(caught.value.rows) == 2

    def test_bad_rows_can_be_had_from_a_stream(self, here: Path) -> None:
        name = write("id,text\n" + '1,"a, text"\n' * 5 + "1,2,3\n")
        texts = read_texts(name, options=SKIP)
        assert sum(len(found) for found, _ in texts) == 5
        assert [(row.file, row.line) for row in texts.bad_rows] == [("x.csv", 7)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "x.csv is empty"),
        ("\n\n", "x.csv is empty"),
        ("text,label\n", r"x.csv has a header \(text, label\) and no rows"),
        ("text,text\na,b\n", "x.csv has 2 columns named 'text'"),
    ],
)
def test_tables_without_rows_or_with_twin_columns(here: Path, content: str, said: str) -> None:
    options = ReadOptions(header=True) if "text,text" in content else None
    with pytest.raises(DataError, match=said):
        read_table(write(content), options=options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.parquet", b"PAR1 and nothing of the kind PAR1"),
        ("x.arrow", b"ARROW1 broken"),
        ("x.xlsx", b"PK\x03\x04 broken"),
        ("x.db", b"SQLite format 3\0 broken" * 100),
        ("x.csv.gz", gzip.compress(b"text,label\na,b\n" * 1000, mtime=0)[:-20]),
        ("x.csv.zst", b"\x28\xb5\x2f\xfd broken"),
        ("x.json", b'[{"text": 1,]'),
        ("x.json", b'{\n"data": []\n}'),
        ("x.json", b'"text"\n'),
        ("x.csv", b"\0\1\2\3" * 100),
    ],
)
def test_damaged_files_are_named(here: Path, name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        read_table(name)


def test_a_missing_file_names_the_nearest(here: Path) -> None:
    write("text,label\n", "reviews.csv")
    with pytest.raises(DataError, match=r"There is no file 'review.csv'\. Did you mean 'reviews.csv'\?"):
        read_table("review.csv")
    with pytest.raises(DataError, match=r"No file matches '\*\.tsv'"):
        read_table("*.tsv")
    with pytest.raises(DataError, match="list of files is empty"):
        read_table([])


def test_a_database_without_tables(here: Path) -> None:
    with sqlite3.connect("x.db") as database:
        database.execute("CREATE TABLE t (a)")
        database.execute("DROP TABLE t")
    database.close()
    with pytest.raises(DataError, match=r"x\.db has no table"):
        read_table("x.db")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "cvs"}, "format must be one of .*; got 'cvs'.*Did you mean 'csv'"),
        ({"encoding": "utf-9"}, "encoding must be .*; got 'utf-9'"),
        ({"delimiter": ";;"}, "delimiter must be one character .*; got ';;'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        ReadOptions(**options)  # type: ignore[arg-type]
