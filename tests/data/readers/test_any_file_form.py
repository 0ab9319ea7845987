"""A table in any dialect, encoding and packing that programs write is read back, or refused with its reason."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.data.readers.chunk_stream import open_chunks
from textgraft.errors import DataError

from ...trying import EXAMPLES
from .file_forms import MARKED, PACKINGS, UNMARKED, Table, read_back, tables

PIECES = st.sampled_from(["a", "film", " ", ", ", ";", "|", "\n", "\\", '"', '"no"', "\\n", "C:\\x", "é", "🙃", "'"])
TEXTS = st.lists(PIECES, max_size=6).map("".join)
PROSE = st.lists(PIECES.filter(lambda piece: "\n" not in piece), max_size=6).map("".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forms")


def written(rows: Table, end: str = "\n", **dialect: Any) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end, **dialect).writerows([("text", "label"), *rows])
    return stream.getvalue()


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rows=tables(TEXTS),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(MARKED + UNMARKED),
    packing=st.sampled_from(sorted(PACKINGS)),
)
def test_quotes_with_backslashes_before_them_are_read_back(
    folder: Path, rows: Table, delimiter: str, quoting: int, encoding: str, packing: str
) -> None:
    rows = [('He said "no", twice', "pos"), *rows]
    path = folder / f"x.csv{packing}"
    content = written(rows, delimiter=delimiter, quoting=quoting, doublequote=False, escapechar="\\")
    path.write_bytes(PACKINGS[packing](content.encode(encoding)))
    read_back(path, rows, ("rows cannot be read", "row cannot be read"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rows=tables(TEXTS), delimiter=st.sampled_from(",;\t|"), quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
)
def test_backslashes_in_standard_files_are_characters(folder: Path, rows: Table, delimiter: str, quoting: int) -> None:
    rows = [('He said "no", twice', "pos"), *rows]
    path = folder / "x.csv"
    path.write_bytes(written(rows, delimiter=delimiter, quoting=quoting).encode())
    # A file whose every line has two fields, quoted or not, can be read in two ways.
    assume(delimiter == "," or not any("\n" in text for text, _ in rows))
    read_back(path, rows, ("rows cannot be read", "row cannot be read"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=tables(PROSE.map(lambda text: text.strip(" ,;|"))), delimiter=st.sampled_from(",;|"), around=st.booleans())
def test_blanks_around_delimiters_are_no_part_of_fields(
    folder: Path, rows: Table, delimiter: str, around: bool
) -> None:
    path = folder / "x.csv"
    blank = " " if around else ""
    lines = ['"{}"{}{} {}'.format(a.replace('"', '""'), blank, delimiter, b) for a, b in [("text", "label"), *rows]]
    path.write_text("\n".join(lines) + "\n")
    # A few short texts of delimiters and quotes can be read with quotes as characters, which is said.
    read_back(path, rows, ("rows cannot be read", "row cannot be read", "There is no column 'text'"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rows=tables(PROSE.filter(lambda text: not text.startswith("|"))),
    labels=st.lists(st.lists(st.sampled_from(["a", "b_c", "d-e"]), min_size=1, max_size=3, unique=True), min_size=10),
    several=st.booleans(),
    last=st.booleans(),
    encoding=st.sampled_from(MARKED + UNMARKED),
    packing=st.sampled_from(sorted(PACKINGS)),
)
def test_lines_of_fasttext_are_read_back(
    folder: Path, rows: Table, labels: list[list[str]], several: bool, last: bool, encoding: str, packing: str
) -> None:
    labels = [["a", "b_c"], ["b_c"], *labels] if several else [["a"], ["b_c"], *(names[:1] for names in labels)]
    lines, path = [], folder / f"x.txt{packing}"
    for (text, _), names in zip(rows, labels, strict=False):
        marks = " ".join(f"__label__{name}" for name in names)
        lines.append(f"{text} {marks}" if last else f"{marks} {text}")
    path.write_bytes(PACKINGS[packing](("\n".join(lines) + "\n").encode(encoding)))
    data = tg.read_table(path, text="text", label="label")
    path.unlink()
    assert data.texts == [text.strip() for text, _ in rows]
    assert data.task.multi_label == several
    found = data.task.decode(data.targets)
    assert found == [tuple(sorted(names)) if several else names[0] for names in labels[: len(rows)]]
    assert data.rows.number.tolist() == list(range(1, len(rows) + 1))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    numbers=st.lists(st.integers(-2, 4) | st.none(), min_size=3, max_size=8),
    names=st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4, unique=True),
    kind=st.sampled_from([pa.int8(), pa.int64(), pa.float64()]),
)
def test_class_numbers_have_names_or_are_named_with_their_row(
    folder: Path, numbers: list[int | None], names: list[str], kind: pa.DataType
) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["x"])})
    meta = datasets.Dataset.from_dict({"text": [], "label": []}, features=features).data.schema.metadata
    info = meta[b"huggingface"].replace(b'["x"]', str(names).replace("'", '"').encode())
    table = pa.table({"text": ["a text"] * len(numbers), "label": pa.array(numbers, kind)})
    path = folder / "x.parquet"
    pq.write_table(table.replace_schema_metadata({b"huggingface": info}), path)
    beyond = next((i for i, number in enumerate(numbers, 1) if number is not None and number >= len(names)), None)
    if names and beyond is not None:
        with pytest.raises(DataError, match=rf"x\.parquet row {beyond} has class number {numbers[beyond - 1]}"):
            list(open_chunks(path))
        return
    [chunk] = open_chunks(path)
    given_names = [None if n is None or n < 0 else names[n] for n in numbers] if names else numbers
    assert chunk.columns["label"] == given_names


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("t.csv", "text,label\na,pos\n")
    content = bytearray(stream.getvalue())
    content[content.index(b"PK\1\2") + 8] |= 1  # the flag of the member in the archive's list
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.zip is encrypted; unpack it with its password first"):
        tg.read_table(tmp_path / "x.zip")
