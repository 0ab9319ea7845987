"""The same small table comes back from every format, with the file and number of each row."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pandas
import polars
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from textgraft.data.readers.chunk_stream import open_chunks
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.table import read_table
from textgraft.errors import DataError

TEXTS = ["what a film, truly", "two\nlines", 'he said "no" 🙃', "naïve café", " spaces ", "the end; really\tend"]
LABELS = ["pos", "neg", "neg", "pos", "pos", "neg"]


def csv_text(delimiter: str = ",", end: str = "\n") -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerow(["text", "label"])
    writer.writerows(zip(TEXTS, LABELS, strict=True))
    return stream.getvalue()


def json_lines() -> str:
    rows = zip(TEXTS, LABELS, strict=True)
    return "".join(json.dumps({"text": t, "label": name}, ensure_ascii=False) + "\n" for t, name in rows)


def write_excel(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    for row in zip(TEXTS, LABELS, strict=True):
        book.active.append(row)
    book.save(path)


def write_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE reviews (text TEXT, label TEXT)")
        database.executemany("INSERT INTO reviews VALUES (?, ?)", zip(TEXTS, LABELS, strict=True))
    database.close()


def write_stream(path: Path) -> None:
    table = pa.table({"text": TEXTS, "label": LABELS})
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=4)


def table() -> pa.Table:
    return pa.table({"text": TEXTS, "label": LABELS})


def zstd(text: str) -> bytes:
    return zstandard.ZstdCompressor().compress(text.encode())


WRITERS: dict[str, Callable[[Path], Any]] = {
    "comma.csv": lambda p: p.write_bytes(csv_text().encode()),
    "crlf.csv": lambda p: p.write_bytes(csv_text(end="\r\n").encode()),
    "semicolon.csv": lambda p: p.write_bytes(csv_text(";").encode()),
    "pipe.txt": lambda p: p.write_bytes(csv_text("|").encode()),
    "tab.tsv": lambda p: p.write_bytes(csv_text("\t").encode()),
    "nameless": lambda p: p.write_bytes(csv_text("\t").encode()),
    "bom.csv": lambda p: p.write_bytes(csv_text().encode("utf-8-sig")),
    "utf16.csv": lambda p: p.write_bytes(csv_text(end="\r\n").encode("utf-16")),
    "utf32.tsv": lambda p: p.write_bytes(csv_text("\t").encode("utf-32")),
    "packed.csv.gz": lambda p: p.write_bytes(gzip.compress(csv_text().encode())),
    "packed.csv.zst": lambda p: p.write_bytes(zstd(csv_text())),
    "packed": lambda p: p.write_bytes(gzip.compress(csv_text().encode())),
    "lines.jsonl": lambda p: p.write_bytes(json_lines().encode()),
    "bom.jsonl": lambda p: p.write_bytes(json_lines().encode("utf-8-sig")),
    "lines.json": lambda p: p.write_bytes(json_lines().replace("\n", "\r\n").encode()),
    "lines.jsonl.gz": lambda p: p.write_bytes(gzip.compress(json_lines().encode())),
    "lines.jsonl.zst": lambda p: p.write_bytes(zstd(json_lines())),
    "objects": lambda p: p.write_bytes(json_lines().encode()),
    "array.json": lambda p: p.write_text(json.dumps(table().to_pylist(), indent=1)),
    "table.parquet": lambda p: pq.write_table(table(), p),
    "parquet": lambda p: pq.write_table(table(), p),
    "table.feather": lambda p: pyarrow.feather.write_feather(table(), p),
    "stream.arrow": write_stream,
    "book.xlsx": write_excel,
    "database.db": write_sqlite,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    WRITERS[name](Path(name))
    data = read_table(name)
    assert [text.replace("\r\n", "\n") for text in data.texts] == TEXTS
    assert data.task.decode(data.targets) == LABELS
    assert [data.rows.name(i) for i in range(len(data))] == [f"{name} row {i}" for i in range(1, 7)]


@pytest.mark.parametrize("name", WRITERS)
def test_chunks_are_small_and_in_order(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    chunks = list(open_chunks(tmp_path / name, rows_per_chunk=2))
    assert max(map(len, chunks)) == 2
    assert [number for chunk in chunks for number in chunk.numbers] == [1, 2, 3, 4, 5, 6]


def test_a_content_that_contradicts_its_suffix_is_believed(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv").texts == TEXTS


@pytest.mark.parametrize(
    "make",
    [
        lambda: table().to_pylist(),
        lambda: list(zip(TEXTS, LABELS, strict=True)),
        lambda: {"text": TEXTS, "label": LABELS},
        lambda: pandas.DataFrame({"text": TEXTS, "label": LABELS}),
        lambda: pandas.DataFrame({"text": TEXTS, "label": pandas.Categorical(LABELS)}, index=[9] * 6),
        lambda: polars.DataFrame({"text": TEXTS, "label": LABELS}),
        lambda: polars.DataFrame({"text": TEXTS, "label": LABELS}).lazy(),
        table,
        lambda: table().to_batches()[0],
        lambda: datasets.Dataset.from_dict({"text": TEXTS, "label": LABELS}),
        lambda: datasets.Dataset.from_dict({"text": TEXTS[::-1], "label": LABELS[::-1]}).select([5, 4, 3, 2, 1, 0]),
    ],
)
def test_python_objects_give_the_same_table(make: Callable[[], Any]) -> None:
    data = read_table(make())
    assert data.texts == TEXTS
    assert data.task.decode(data.targets) == LABELS
    assert data.rows.name(5) == "the given table row 6"


@pytest.mark.parametrize("wrong", [7, object(), [("a", "b"), "c"], [("a", "b", "c")], [1, 2], {"text": "abc"}])
def test_other_objects_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"table|rows"):
        read_table(wrong)


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"equally long; 'text' has 2, 'label' has 1"):
        read_table({"text": ["a", "b"], "label": ["x"]})


class TestSavedDatasets:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})

    def dataset(self) -> datasets.Dataset:
        return datasets.Dataset.from_dict(
            {"text": TEXTS, "label": [int(name == "pos") for name in LABELS]}, features=self.features
        )

    def test_names_of_class_labels_are_used(self, tmp_path: Path) -> None:
        self.dataset().save_to_disk(tmp_path / "saved", num_shards=2)
        for source in (tmp_path / "saved", self.dataset()):
            data = read_table(source)
            assert data.texts == TEXTS
            assert data.task.decode(data.targets) == LABELS

    def test_shards_keep_their_file_and_number(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        self.dataset().save_to_disk("saved", num_shards=2)
        data = read_table("saved")
        assert data.rows.name(3) == "saved/data-00001-of-00002.arrow row 1"

    def test_class_labels_survive_parquet_and_lists(self, tmp_path: Path) -> None:
        features = datasets.Features(
            {"text": datasets.Value("string"), "labels": datasets.List(self.features["label"])}
        )
        rows = {"text": TEXTS, "labels": [[0], [1], [0, 1], [], [1], [0]]}
        datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "x.parquet")
        data = read_table(tmp_path / "x.parquet")
        assert data.task.decode(data.targets)[:4] == [("neg",), ("pos",), ("neg", "pos"), ()]

    def test_splits_of_a_dictionary_become_parts(self, tmp_path: Path) -> None:
        both = datasets.DatasetDict({"train": self.dataset(), "validation": self.dataset().select(range(2))})
        both.save_to_disk(tmp_path / "saved")
        for source in (tmp_path / "saved", both):
            data = read_table(source)
            assert data.parts is not None
            assert data.parts.tolist() == ["train"] * 6 + ["valid"] * 2
            assert "train 6, valid 2" in " ".join(data.notes)


class TestFolders:
    def write(self, root: Path) -> None:
        for name, label in (("b.txt", "pos"), ("a.txt", "pos"), ("c.txt", "neg")):
            (root / label).mkdir(parents=True, exist_ok=True)
            (root / label / name).write_text(f"text of {name} 😀\n")

    def test_one_folder_per_class(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        self.write(Path("data"))
        (tmp_path / "data" / "README").write_text("about")
        data = read_table("data")
        assert [data.rows.name(i) for i in range(3)] == ["data/neg/c.txt", "data/pos/a.txt", "data/pos/b.txt"]
        assert data.texts[0] == "text of c.txt 😀"
        assert data.task.decode(data.targets) == ["neg", "pos", "pos"]
        assert "README" in " ".join(data.notes)

    def test_folders_of_splits(self, tmp_path: Path) -> None:
        self.write(tmp_path / "train")
        self.write(tmp_path / "test")
        data = read_table(tmp_path)
        assert data.parts is not None
        assert data.parts.tolist() == ["test"] * 3 + ["train"] * 3

    def test_latin_1_is_said_with_its_line(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        (tmp_path / "neg" / "c.txt").write_bytes("first\ncost £5".encode("latin-1"))
        data = read_table(tmp_path)
        assert data.texts[0] == "first\ncost £5"
        assert any("c.txt (first at line 2) is not UTF-8; read as Latin-1" in note for note in data.notes)

    def test_a_folder_of_tables_is_not_taken_for_texts(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("text,label\n")
        with pytest.raises(ValueError, match=r"pattern such as '.*\*\.csv'"):
            read_table(tmp_path)


class TestSeveralFiles:
    def test_a_glob_reads_in_order_of_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("b.csv").write_text("text,label\nlast one,y\n")
        Path("a.csv").write_text("label,text\nx,first one\nx,second one\n")
        data = read_table("*.csv")
        assert data.texts == ["first one", "second one", "last one"]
        assert [data.rows.name(i) for i in range(3)] == ["a.csv row 1", "a.csv row 2", "b.csv row 1"]
        assert read_table(["b.csv", Path("a.csv")]).texts == ["last one", "first one", "second one"]

    def test_different_columns_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("text,label\nfirst,x\n")
        (tmp_path / "b.csv").write_text("text,topic\nlast,y\n")
        with pytest.raises(ValueError, match=r"b\.csv lacks 'label' and has 'topic' unlike .*a\.csv"):
            read_table(str(tmp_path / "*.csv"))


class TestWorkbooksAndDatabases:
    def test_one_of_several_sheets_must_be_named(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        for name in ("one", "two"):
            sheet = book.create_sheet(name)
            sheet.append(["text", "label"])
            sheet.append([f"of {name}", 1])
            sheet.append([None, None])
            sheet.append([f"more of {name}", 2])
        book.save(tmp_path / "x.xlsx")
        with pytest.raises(ValueError, match=r"2 sheets \(one, two\); say which with --sheet"):
            read_table(tmp_path / "x.xlsx")
        data = read_table(tmp_path / "x.xlsx", options=ReadOptions(sheet="two"))
        assert data.texts == ["of two", "more of two"]
        assert data.task.labels == ("1", "2")
        with pytest.raises(ValueError, match=r"no sheet 'tow'.*Did you mean 'two'"):
            read_table(tmp_path / "x.xlsx", options=ReadOptions(sheet="tow"))

    def test_one_of_several_tables_must_be_named(self, tmp_path: Path) -> None:
        write_sqlite(tmp_path / "x.sqlite")
        with sqlite3.connect(tmp_path / "x.sqlite") as database:
            database.execute('CREATE VIEW "odd "" name" AS SELECT * FROM reviews WHERE label = \'pos\' OR 1')
        database.close()
        with pytest.raises(ValueError, match=r"2 tables \(.*reviews.*--table"):
            read_table(tmp_path / "x.sqlite")
        assert read_table(tmp_path / "x.sqlite", options=ReadOptions(table='odd " name')).texts == TEXTS


def test_json_objects_may_lack_keys(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"label": "a", "text": "one"}\n\n{"label": "b", "more": 1}\n')
    data = read_table(tmp_path / "x.jsonl")
    assert data.texts == ["one", ""]
    assert data.rows.number.tolist() == [1, 2]


@pytest.mark.parametrize("splits", [5, [1], ["../other"], "train"])
def test_a_saved_dictionary_that_names_no_parts_is_damaged(tmp_path: Path, splits: object) -> None:
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    with pytest.raises(DataError, match=r"is damaged: dataset_dict.json does not name its parts"):
        list(open_chunks(str(tmp_path)))
