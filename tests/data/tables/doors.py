"""The doors by which a table comes in: each writes texts and labels in one format and reads them back."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import textgraft as tg
from textgraft.dataset import Dataset

Door = Callable[[Path, Sequence[str], Sequence[Any]], Any]


def from_csv(folder: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """A CSV file by Python's csv."""
    path = folder / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels, strict=True)])
    return path


def from_json(folder: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """A JSON Lines file."""
    path = folder / "t.jsonl"
    rows = ({"text": text, "label": label} for text, label in zip(texts, labels, strict=True))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def from_excel(folder: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """A workbook by openpyxl."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("text", "label"), *zip(texts, labels, strict=True)):
        sheet.append(row)
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def from_parquet(folder: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """A Parquet file by PyArrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": list(texts), "label": list(labels)}), folder / "t.parquet")
    return folder / "t.parquet"


def from_sqlite(folder: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """An SQLite database."""
    path = folder / "t.sqlite"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE t (text, label)")
    database.executemany("INSERT INTO t VALUES (?, ?)", zip(texts, labels, strict=True))
    database.commit()
    database.close()
    return path


def from_pairs(_: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """A list of pairs."""
    return list(zip(texts, labels, strict=True))


def from_numpy(_: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """Arrays of NumPy, of numbers where all labels are."""
    return {"text": np.array(texts), "label": np.array(labels)}


def from_pandas(_: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """A frame of pandas."""
    import pandas as pd

    return pd.DataFrame({"text": list(texts), "label": list(labels)})


def from_polars(_: Path, texts: Sequence[str], labels: Sequence[Any]) -> Any:
    """A frame of polars."""
    import polars as pl

    return pl.DataFrame({"text": list(texts), "label": list(labels)})


DOORS: tuple[Door, ...] = (
    from_csv, from_json, from_excel, from_parquet, from_sqlite, from_pairs, from_numpy, from_pandas, from_polars
)  # fmt: skip
FILES: tuple[Door, ...] = (from_csv, from_json, from_excel, from_parquet, from_sqlite)


def through(door: Door, folder: Path, texts: Sequence[str], labels: Sequence[Any], **options: Any) -> Dataset:
    """What is read of a table that comes in by a door."""
    source = door(folder, texts, labels)
    return tg.read_table(str(source) if isinstance(source, Path) else source, text="text", label="label", **options)
