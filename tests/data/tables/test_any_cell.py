"""Whatever stands in the cells of a table, its texts are read by the rules or refused with the row, never otherwise."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.data.tables.paths import paths, reached
from textgraft.data.tables.texts import read_texts
from textgraft.labels import label_name

from ...trying import EXAMPLES

STRINGS = st.text(st.characters(codec="utf-8"), max_size=8)
PLAIN = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.decimals(allow_nan=False, allow_infinity=False),
)
MISSING = st.sampled_from([None, float("nan"), pd.NA, pd.NaT])
FIELDS = st.dictionaries(st.text("abc.", min_size=1, max_size=3), STRINGS | PLAIN, max_size=2)
ODD = st.one_of(
    FIELDS,
    st.lists(STRINGS | PLAIN | FIELDS | st.none(), max_size=3),
    st.sampled_from([object(), {1}, 1j, pd.Interval(0, 1), np.array([1.0]), np.array(["a"]), print]),
)


def as_it_reads(cell: Any) -> str | None:
    """The text of a cell by the rules; None where it is refused."""
    if isinstance(cell, str):
        return cell
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, (list, np.ndarray)):
        return " ".join(cell) if all(isinstance(item, str) for item in cell) else None
    if isinstance(cell, (bool, int, float, Decimal, date, datetime, time)):
        return label_name(cell)
    return None


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(STRINGS | PLAIN | MISSING | ODD, min_size=1, max_size=5), st.integers(1, 3))
def test_any_cell_is_read_as_the_rules_say_or_refused_with_its_row(cells: list[Any], chunk: int) -> None:
    table = {"text": ["a text", *cells], "label": [str(i) for i in range(len(cells) + 1)]}
    expected = ["a text", *map(as_it_reads, cells)]
    try:
        texts = tg.read_table(table, text="text", label="label").texts
        streamed = [text for part, _ in read_texts(table, "text", rows_per_chunk=chunk) for text in part]
    except tg.TextgraftError as error:
        row = expected.index(None) + 1 if None in expected else 0
        sentence = str(error)
    else:
        assert texts == streamed == expected
        return
    assert row, sentence
    assert "'text' holds" in sentence
    assert f"the given table row {row}" in sentence


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=4))
def test_bytes_are_utf_8_or_refused(cell: bytes) -> None:
    table = {"text": [cell, b"two"], "label": ["a", "b"]}
    try:
        decoded: str | None = cell.decode()
    except UnicodeDecodeError:
        decoded = None
    if decoded is None:
        with pytest.raises(tg.TextgraftError, match="in the given table row 1: bytes that are not UTF-8"):
            tg.read_table(table, text="text")
    else:
        assert tg.read_table(table, text="text").texts == [decoded, "two"]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(STRINGS, STRINGS, st.booleans()), min_size=2, max_size=5))
def test_a_dotted_path_reads_the_same_from_every_library(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    objects = [
        {"review": {"title": title, "body": {"en": body}}, "meta": {"label": str(i), "who": "xy"[i % 2]}}
        for i, (title, body, _) in enumerate(rows)
    ]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in objects), encoding="utf-8")
    (folder / "t.json").write_text(json.dumps(objects), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(objects), folder / "t.parquet")
    sources = [folder / name for name in ("t.jsonl", "t.json", "t.parquet")]
    sources += [objects, iter(objects), pd.DataFrame(objects), pl.DataFrame(objects), pa.Table.from_pylist(objects)]
    for source in sources:
        data = tg.read_table(
            str(source) if isinstance(source, Path) else source,
            text=["review.title", "review.body.en"],
            label="meta.label",
            group="meta.who",
        )
        assert data.texts == ["\n".join(part for part in row[:2] if part) for row in rows]
        assert data.task.decode(data.targets) == [str(i) for i in range(len(rows))]
        assert data.groups is not None
        assert data.groups.tolist() == ["xy"[i % 2] for i in range(len(rows))]


OBJECTS = st.recursive(
    st.none() | STRINGS, lambda inner: st.dictionaries(st.text("ab.", min_size=1, max_size=2), inner, max_size=3)
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=3))
def test_every_path_that_is_named_leads_to_something(cells: list[Any]) -> None:
    columns = {"x": cells}
    found = reached(columns, paths(columns))
    assert set(found) == set(paths(columns))
    assert all(len(values) == len(cells) for values in found.values())


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(STRINGS | st.none(), st.integers(0, 3), st.integers(0, 5) | st.none()), min_size=2))
def test_a_frame_with_missing_values_anywhere_reads_as_its_csv(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, int, int | None]]
) -> None:
    words = [text if text is None else f"a text, {text!r}" for text, _, _ in rows]
    frame = pd.DataFrame(
        {"text": words, "label": [label + i % 2 for i, (_, label, _) in enumerate(rows)], "n": [n for _, _, n in rows]}
    )
    if frame["label"].nunique() < 2 or not any(words):
        return
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    frame.to_csv(path, index=False)
    expected = tg.read_table(str(path), text="text", label="label", group="n")
    for form in (frame, frame.convert_dtypes(), frame.convert_dtypes(dtype_backend="pyarrow"), pl.DataFrame(frame)):
        data = tg.read_table(form, text="text", label="label")
        assert data.texts == expected.texts
        assert data.task == expected.task
        assert data.targets.tolist() == expected.targets.tolist()


@pytest.mark.parametrize(
    ("table", "options", "sentence"),
    [
        ([{"review": {"body": "x y"}, "lang": "e", "label": i} for i in range(4)], {}, "In them is 'review.body'"),
        ([{"text": "a b", "meta": {"label": i}, "n": i % 2} for i in range(4)], {}, "--label meta.label"),
        ([{"text": "a b", "label": {"name": "x"}}] * 2, {}, r"Column 'label' holds objects. In them is 'label.name'"),
        ([{"text": "a b", "label": i, "who": {"id": 1}} for i in range(4)], {"group": "who"}, "--group who.id"),
        ([{"text": {"en": "a"}, "label": i} for i in range(4)], {"text": "text"}, "--text text.en"),
        ([{"review": {"body": "a"}, "label": i} for i in range(4)], {"text": "body"}, "Did you mean 'review.body'"),
        ([{"review": {"body": "a"}, "label": i} for i in range(4)], {"text": "review.bdoy"}, "mean 'review.body'"),
        ([{"text": [1, 2], "label": i} for i in range(4)], {"text": "text"}, "a list of 1 in the given table row 1"),
        ([{"text": ["a", None], "label": i} for i in range(4)], {"text": "text"}, "a list of None"),
        (pa.table({"m": pa.array([[("en", "a b")]] * 2, pa.map_(pa.string(), pa.string())), "label": ["a", "b"]}),
         {"text": "m"}, "In them is 'm.en'"),
    ],
)  # fmt: skip
def test_objects_are_refused_and_the_paths_that_work_are_named(table: Any, options: Any, sentence: str) -> None:
    with pytest.raises(tg.TextgraftError) as refusal:
        tg.read_table(table, **options)
    assert sentence in str(refusal.value)


def test_a_map_of_arrow_is_reached_into() -> None:
    maps = pa.array([[("en", "It works"), ("de", "Es geht")], [("de", "Kaputt")]], pa.map_(pa.string(), pa.string()))
    data = tg.read_table(pa.table({"m": maps, "label": ["a", "b"]}), text="m.en")
    assert data.texts == ["It works", ""]


def test_the_columns_that_predictions_keep_may_be_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"review": {"body": f"it {verb}", "id": i}, "label": verb} for i, verb in enumerate(["works", "broke"] * 4)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = tg.NgramClassifier().fit(tg.read_table(str(tmp_path / "t.jsonl"), text="review.body"))
    out = tmp_path / "out.jsonl"
    tg.predict_table(model, str(tmp_path / "t.jsonl"), out, keep="review.id")
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["review.id"] for row in written] == list(range(8))
    assert [row["text"] for row in written] == [row["review"]["body"] for row in rows]
    with pytest.raises(tg.TextgraftError, match=r"no column 'review.ids'.*Did you mean 'review.id'"):
        tg.predict_table(model, str(tmp_path / "t.jsonl"), out, keep="review.ids")


def test_a_list_of_words_and_a_number_are_said_once() -> None:
    data = tg.read_table({"text": [["It", "works"], "a text", 3.0, 4, ["b"]], "label": list("ababa")}, text="text")
    assert data.texts == ["It works", "a text", "3", "4", "b"]
    assert [note for note in data.notes if "holds" in note] == [
        "Column 'text' holds lists of strings, which are joined by blanks.",
        "Text column 'text' holds 3.0 in the given table row 3; numbers, dates, true and false are read as written, "
        "3.0 as 3.",
    ]
