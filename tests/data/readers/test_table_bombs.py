"""Small files that stand for more than memory holds: refused with the limit and what raises it, or read in little."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from textgraft.data.readers.chunk_stream import open_chunks
from textgraft.data.readers.encodings import LONGEST
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.table import read_table
from textgraft.errors import DataError

from .damaged_tables import open_document, zip_of

MILLION = 1_000_000
LONG = b"text,label\n" + b"a text,pos\n" * 10_000
FIRST = b'text,label\n"a text",pos\nb text,neg\n'


def peak_of(path: Path, **options: object) -> tuple[int, int]:
    """How many rows a stream gives, and the most memory that Python took for it."""
    tracemalloc.start()
    try:
        rows = sum(len(chunk) for chunk in open_chunks(str(path), ReadOptions(**options), expect=("text", "label")))  # type: ignore[arg-type]
        return rows, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_array_of_any_length_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    rows = [{"text": f"a text, no. {i}, of some length " * 5, "label": "ab"[i % 2]} for i in range(100_000)]
    path.write_text(json.dumps(rows, indent=1))
    count, peak = peak_of(path)
    assert count == len(rows)
    assert peak < 20 * MILLION < path.stat().st_size


@pytest.mark.parametrize(
    "written", [b'[{"text": "a", "label": ["', b'[["text", "label"], ["a', b'{"text": "a", "label": ["']
)
def test_a_value_without_end_is_refused(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "t.json.gz"
    with gzip.open(path, "wb") as file:
        file.write(written)
        for _ in range(120):
            file.write(b"x" * MILLION)
    with pytest.raises(DataError, match=r"most that are read|TEXTGRAFT_MOST_DOCUMENT_CHARACTERS"):
        peak_of(path)


def test_a_document_of_too_many_values_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"text": [' + "[]," * 1_000 + "[]]}")
    monkeypatch.setenv("TEXTGRAFT_MOST_DOCUMENT_VALUES", "1000")
    with pytest.raises(DataError, match=r"TEXTGRAFT_MOST_DOCUMENT_VALUES=\d+ raises that"):
        read_table(path)


@pytest.mark.parametrize("form", ["{}\n{}\n", "[{},{}]", "[\n{},\n{}\n]"])
def test_a_row_of_too_many_values_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(form.format('{"text": "a", "label": "b"}', '{"text": [' + "[]," * 4 * MILLION + "[]]}"))
    with pytest.raises(DataError, match=r"more than 1,000,000 values|most that are read"):
        peak_of(path)


def test_chunks_of_long_rows_end_early(tmp_path: Path) -> None:
    for name, row in (("t.csv.gz", b"%s,pos\n"), ("t.jsonl.gz", b'{"text": "%s", "label": "pos"}\n')):
        path = tmp_path / name
        with gzip.open(path, "wb", 1) as file:
            file.write(b"text,label\n" * name.startswith("t.csv"))
            for _ in range(20):
                file.write(row % (b"x" * 10 * MILLION))
        count, peak = peak_of(path)
        assert count == 20
        assert peak < 10 * LONGEST


@pytest.mark.parametrize("opener", [gzip.open, bz2.open, lzma.open, zstandard.open])
def test_a_packing_that_gives_far_more_than_it_has_is_refused(
    tmp_path: Path, opener: Callable[..., io.BufferedIOBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTGRAFT_MOST_UNPACKED_BYTES", str(MILLION))
    path = tmp_path / {gzip.open: "t.gz", bz2.open: "t.bz2", lzma.open: "t.xz", zstandard.open: "t.zst"}[opener]
    with opener(path, "wb") as file:
        file.write(FIRST + b"the same text,pos\n" * 80_000)
    with pytest.raises(DataError, match=r"TEXTGRAFT_MOST_UNPACKED_BYTES=\d+ raises that"):
        peak_of(path)
    monkeypatch.delenv("TEXTGRAFT_MOST_UNPACKED_BYTES")
    assert peak_of(path)[0] == 80_002


def test_a_window_that_would_be_held_in_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]
    (tmp_path / "t.csv.xz").write_bytes(lzma.compress(FIRST, filters=filters))
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=28)
    stream = io.BytesIO()
    with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(stream, closefd=False) as file:
        file.write(FIRST)
    (tmp_path / "t.csv.zst").write_bytes(stream.getvalue())
    for path in tmp_path.iterdir():
        with pytest.raises(DataError, match=r"looks back over .* TEXTGRAFT_MOST_WINDOW_BYTES=\w+ raises that"):
            peak_of(path)
    monkeypatch.setenv("TEXTGRAFT_MOST_WINDOW_BYTES", str(1 << 29))
    assert [peak_of(path)[0] for path in tmp_path.iterdir()] == [2, 2]


def test_xz_of_several_streams_and_padding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.xz"
    path.write_bytes(lzma.compress(FIRST) + bytes(8) + lzma.compress(b"c,pos\n") + bytes(4))
    assert peak_of(path)[0] == 3
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="it may be damaged"):
        peak_of(path)


@pytest.mark.parametrize(
    ("name", "head", "tail", "reason"),
    [
        ("t.csv", FIRST, b"", "null bytes"),
        ("t.csv", FIRST.decode().encode("utf-16"), b"", "null bytes"),
        ("t.jsonl", b'{"text": "a", "label": "b"}\n', b"", "null bytes"),
        ("t.json", b'[{"text": "a",\n "label": "b"}', b"", "null bytes"),
        ("t.txt", b"__label__a text\n__label__b text\n", b"", "null bytes"),
        ("t.csv", b"", b"", "full of null bytes"),
        ("t.csv", LONG, b"", "1,048,576 null bytes in a row"),
        ("t.csv", LONG.replace(b"a text", b"na\xefve"), b"", "1,048,576 null bytes in a row"),
        ("t.json", b"[" + b'{"text": "a", "label": "b"},\n' * 5_000, b"", "1,048,576 null bytes in a row"),
        ("t.jsonl", b'{"text": "a", "label": "b"}\n' * 5_000, b"", "1,048,576 null bytes in a row"),
        ("t.txt", b"__label__a text\n" * 5_000, b"", "1,048,576 null bytes in a row"),
        ("t.parquet", b"PAR1", b"\0\0\0\x80PAR1", "TEXTGRAFT_MOST_FOOTER_BYTES=2147483648 raises that"),
        ("t.arrow", b"ARROW1\0\0", b"\0\0\0\x70ARROW1", "it may be damaged"),
        ("t.arrow", b"\xff\xff\xff\xff\0\0\0\x70", b"", "it may be damaged"),
        ("t.sqlite", b"SQLite format 3\0", b"", "it may be damaged"),
        ("t.xlsx", b"PK\3\4", b"", "it may be damaged"),
        (
            "t.zip",
            b"PK\3\4",
            b"PK\5\6" + bytes(8) + b"\0\0\0\x70" + bytes(6),
            "TEXTGRAFT_MOST_DIRECTORY_BYTES=1879048192",
        ),
        ("t.csv.gz", gzip.compress(FIRST, mtime=0), b"", "null bytes after its end"),
        ("t.csv.xz", lzma.compress(FIRST), b"", "null bytes after its end"),
    ],
)
def test_a_hole_of_forty_gigabytes_is_not_read(
    tmp_path: Path, name: str, head: bytes, tail: bytes, reason: str
) -> None:
    path, size = tmp_path / name, 40 << 30
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
        file.seek(size - len(tail))
        file.write(tail)
    with pytest.raises(DataError, match=reason):
        peak_of(path)


def test_texts_that_few_bytes_stand_for_are_read_in_small_parts(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 40, pa.int32()), pa.array(["x" * 10 * MILLION]))
    table = pa.table({"text": texts, "label": ["pos", "neg"] * 20})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    with pa.ipc.new_file(str(tmp_path / "t.arrow"), table.schema) as file:
        file.write_table(table)
    for path in tmp_path.iterdir():
        before = pa.default_memory_pool()
        count, peak = peak_of(path)
        assert count == 40
        assert peak < 300 * MILLION
        assert before.max_memory() < 1_000 * MILLION


def test_sizes_that_pages_and_buffers_declare_are_checked_before_memory_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTGRAFT_MOST_PAGE_BYTES", str(MILLION))
    monkeypatch.setenv("TEXTGRAFT_MOST_UNPACKED_BYTES", str(MILLION))
    table = pa.table({"text": ["x" * 3 * MILLION, "a"], "label": ["pos", "neg"]})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd", use_dictionary=False)
    for name, new in (("t.arrow", pa.ipc.new_file), ("t.stream.arrow", pa.ipc.new_stream)):
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with new(str(tmp_path / name), table.schema, options=options) as file:
            file.write_table(table)
    taken = pa.total_allocated_bytes()
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(DataError, match=r"TEXTGRAFT_MOST_(PAGE|UNPACKED)_BYTES=\d+ raises that"):
            peak_of(path)
    assert pa.total_allocated_bytes() - taken < MILLION


def workbook(path: Path, *changes: tuple[bytes, bytes]) -> Path:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (("text", "label"), ("a text", "pos"), ("b text", "neg")):
        book.active.append(row)
    book.save(stream)
    with zipfile.ZipFile(stream) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for old, new in changes:
        members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(old, new)
    path.write_bytes(zip_of(members))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        [(b'r="B3"', b'r="XFD1048576"')],
        [(b'r="B3"', b"s='>' r = 'XFD1048576'")],
        [(b'r="B3"', b'r="B' + b"9" * 30 + b'"')],
        [(b'<row r="3"><c r="A3"', b'<row r="1048576"><c'), (b'<c r="B3"', b"<c/>" * 16_000 + b"<c")],
    ],
)
def test_a_sheet_that_spans_more_than_memory_holds_is_refused(
    tmp_path: Path, changes: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(DataError, match=r"span .* TEXTGRAFT_MOST_EMPTY_CELLS=\d+ raises that"):
        read_table(workbook(tmp_path / "t.xlsx", *changes))


def test_a_document_whose_rows_are_repeated_without_end_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(open_document())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = members["content.xml"].replace(b'rows-repeated="1"', b'rows-repeated="2000000000"')
    (tmp_path / "t.ods").write_bytes(zip_of({**members, "content.xml": content}))
    with pytest.raises(DataError, match=r"TEXTGRAFT_MOST_(EMPTY_CELLS|UNPACKED_BYTES)=\d+ raises that"):
        read_table(tmp_path / "t.ods")


def test_a_document_whose_table_does_not_end_is_refused(tmp_path: Path) -> None:
    """Which the library that reads workbooks would look for without end."""
    with zipfile.ZipFile(io.BytesIO(open_document())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "t.ods").write_bytes(zip_of(members))
    assert sum(len(chunk) for chunk in open_chunks(str(tmp_path / "t.ods"), expect=("text", "label"))) == 15
    content = members["content.xml"].partition(b"</table:table>")[0]
    (tmp_path / "t.ods").write_bytes(zip_of({**members, "content.xml": content}))
    with pytest.raises(DataError, match="is not XML"):
        peak_of(tmp_path / "t.ods")


def test_a_member_of_a_workbook_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path / "t.xlsx", (b"<sheetData>", b"<sheetData>" + b"<!-- -->" * MILLION))
    assert len(read_table(path, text="text", label="label")) == 2
    monkeypatch.setenv("TEXTGRAFT_MOST_UNPACKED_BYTES", str(MILLION))
    with pytest.raises(DataError, match=r"TEXTGRAFT_MOST_UNPACKED_BYTES=\d+ raises that"):
        read_table(path)


FOREVER = "WITH t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t)"
JOINED = "FROM t a, t b, t c, t d, t e, t f"


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (f"{FOREVER} SELECT x AS text, 'a' AS label FROM t", "a view that calls itself"),
        (f"{FOREVER} SELECT count(*) AS text FROM t", "a view that calls itself"),
        (f"SELECT 'a' AS text, 'b' AS label {JOINED}", "TEXTGRAFT_MOST_SQL_STEPS=NUMBER raises that"),
        (f"SELECT count(*) AS text {JOINED}", "TEXTGRAFT_MOST_SQL_STEPS=NUMBER raises that"),
        ("SELECT hex(zeroblob(400000000)) AS text, 'a' AS label", "has more than 67,108,864 bytes"),
        ("SELECT hex(zeroblob(5000000)) AS text, 'a' AS label FROM t", "TEXTGRAFT_MOST_UNPACKED_BYTES"),
    ],
)
def test_a_view_without_end_is_refused(tmp_path: Path, view: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTGRAFT_MOST_SQL_STEPS", "1000000")
    monkeypatch.setenv("TEXTGRAFT_MOST_UNPACKED_BYTES", str(100 * MILLION))
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as database:
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(50)])
        database.execute(f"CREATE VIEW v AS {view}")
        database.commit()
    with pytest.raises(DataError, match=reason):
        peak_of(tmp_path / "t.sqlite", table="v")
