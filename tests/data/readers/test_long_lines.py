"""A line of any length takes no more memory than the longest that is read, however little its file takes."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from textgraft.data.readers.encodings import LONGEST
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.table import read_table
from textgraft.errors import BadRowsError

MILLION = "x" * 1_000_000


@pytest.mark.parametrize(
    ("name", "start", "end", "row"),
    [
        ("t.csv.gz", "text,label\n", ",pos\n", "a text,{}\n"),
        ("t.jsonl.gz", "", '", "label": "pos"}\n', '{{"text": "a text", "label": "{}"}}\n'),
    ],
)
def test_a_line_that_unpacks_to_more_than_is_read_is_a_bad_row_of_its_own(
    tmp_path: Path, name: str, start: str, end: str, row: str
) -> None:
    path = tmp_path / name
    with gzip.open(path, "wt") as file:
        file.write(start + row.format("pos") + row.format("neg"))
        file.write('{"text": "' * name.startswith("t.jsonl"))
        for _ in range(100):
            file.write(MILLION)
        file.write(end + row.format("pos"))
    tracemalloc.start()
    with pytest.raises(BadRowsError, match=f"longer than {LONGEST:,} characters") as refusal:
        read_table(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * LONGEST
    assert len(refusal.value.rows) == 1
    assert refusal.value.rows[0].line == (4 if start else 3)
    data = read_table(str(path), options=ReadOptions(skip_bad_rows=True))
    assert data.rows.number.tolist() == [1, 2, 4]
