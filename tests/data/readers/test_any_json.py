"""A table that is written as JSON in any form, encoding and packing is read back with its texts, labels and rows."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.errors import DataError

from ...trying import EXAMPLES
from .file_forms import ANY, MARKED, MARKS, PACKINGS, UNMARKED, WORDS, Table, read_back, tables


def frame(rows: Table) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["text", "label"])


def objects(rows: Table) -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in rows]


def polars_json(rows: Table, *, lines: bool) -> str:
    stream = io.BytesIO()
    table = pl.DataFrame(objects(rows))
    (table.write_ndjson if lines else table.write_json)(stream)
    return stream.getvalue().decode()


FORMS: dict[str, Callable[[Table], str]] = {
    **{
        f"pandas {orient}": lambda rows, orient=orient: frame(rows).to_json(orient=orient)
        for orient in ("columns", "records", "index", "split", "table")
    },
    "pandas lines": lambda rows: frame(rows).to_json(orient="records", lines=True),
    "pandas over lines": lambda rows: frame(rows).to_json(indent=2),
    "pandas of a part": lambda rows: frame(rows).set_index(pd.Index(range(7, 7 + 3 * len(rows), 3))).to_json(),
    "polars": lambda rows: polars_json(rows, lines=False),
    "polars lines": lambda rows: polars_json(rows, lines=True),
    "lists": lambda rows: json.dumps(frame(rows).to_dict("list")),
    "lists over lines": lambda rows: json.dumps(frame(rows).to_dict("list"), indent=1, ensure_ascii=False),
    "held": lambda rows: json.dumps({"version": 1, "data": objects(rows)}),
    "held further in": lambda rows: json.dumps({"ok": True, "result": {"items": objects(rows)}}, indent=2),
    "held columns": lambda rows: json.dumps({"data": frame(rows).to_dict("list")}),
    "by key": lambda rows: json.dumps({f"id{i}": row for i, row in enumerate(objects(rows))}, ensure_ascii=False),
    "served": lambda rows: json.dumps({"rows": [{"row_idx": i, "row": row} for i, row in enumerate(objects(rows))]}),
    "arrays": lambda rows: json.dumps([["text", "label"], *rows]),
    "lines of arrays": lambda rows: "\n".join(map(json.dumps, [["text", "label"], *rows])),
    "one after the other": lambda rows: "\n".join(json.dumps(row, indent=1) for row in objects(rows)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rows=tables(st.one_of(WORDS, MARKS, ANY)),
    form=st.sampled_from(sorted(FORMS)),
    encoding=st.sampled_from(MARKED + UNMARKED),
    packing=st.sampled_from(sorted(PACKINGS)),
    suffix=st.sampled_from([".json", ".jsonl"]),
)
def test_json_of_any_form_is_read_back(
    folder: Path, rows: Table, form: str, encoding: str, packing: str, suffix: str
) -> None:
    path = folder / f"x{suffix}{packing}"
    path.write_bytes(PACKINGS[packing](FORMS[form](rows).encode(encoding)))
    # Characters that no text has can hide which of the four it is.
    read_back(path, rows, ("null bytes",) if encoding in UNMARKED else ())


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["text", "label", "data", "columns", "rows", "a", "0", "1"]), inner, max_size=4
            )
        ),
        max_leaves=20,
    ),
    lines=st.integers(1, 3),
    cut=st.integers(0, 3),
)
def test_any_json_is_read_or_refused_in_a_sentence(folder: Path, value: object, lines: int, cut: int) -> None:
    path = folder / "any.json"
    written = "\n".join([json.dumps(value)] * lines)
    path.write_text(written[: len(written) - cut])
    for _ in range(2):
        try:
            tg.read_table(path)
        except DataError as error:
            assert str(error).endswith((".", "?", ")"))  # noqa: PT017
        path.write_text(json.dumps(value, indent=1))
