"""The ways in which programs write a table as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pandas as pd
import polars as pl

from .file_forms import Table


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
