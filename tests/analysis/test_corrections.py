"""Corrections on their way out and back: through every form of labels, through CSV and JSON Lines, and only whole."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft.analysis.corrections import COLUMNS, apply_corrections, digest, write_suspects
from textgraft.analysis.label_errors import LabelErrors, judge_labels
from textgraft.data import read_table
from textgraft.errors import DataError, SettingError

WORDS = {"sports": "ball goal team match", "food": "bread cheese soup apple", "=cars": "wheel motor road brake"}
TEXTS = [
    (f"{word} {other} number {i}", label)
    for i in range(4)
    for label, words in WORDS.items()
    for word in words.split()
    for other in words.split()
]


def as_single(label: str) -> dict[str, Any]:
    return {"label": label}


def as_list(label: str) -> dict[str, Any]:
    return {"labels": [label, "all"] if label == "food" else [label]}


def as_delimited(label: str) -> dict[str, Any]:
    return {"labels": f"{label};all" if label == "food" else label}


def as_flags(label: str) -> dict[str, Any]:
    return {name: int(name == label or (name == "all" and label == "food")) for name in (*WORDS, "all")}


def as_vector(label: str) -> dict[str, Any]:
    return {"labels": list(as_flags(label).values())}


SHAPES = {"single": as_single, "list": as_list, "delimited": as_delimited, "flags": as_flags, "vector": as_vector}


WRONG = 23  # a row of food


def table(path: Path, shape: str) -> Path:
    """A table whose row ``WRONG`` carries another label, and a column that nobody reads."""
    rows = []
    for i, (text, label) in enumerate(TEXTS, start=1):
        rows.append({"text": text, **SHAPES[shape]("sports" if i == WRONG else label), "source": f"shop, {i % 3}"})
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def reading(shape: str) -> dict[str, Any]:
    more = {"flags": {"label": list(as_flags(""))}, "delimited": {"label": "labels", "label_delimiter": ";"}}
    return {"text": "text", **more.get(shape, {})}


def fill(path: Path, labels: dict[int, str]) -> None:
    """Writes labels into the column ``corrected`` as a person does, by the number of the row."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["corrected"] = labels.get(int(row["row"]), row["suggested"] if labels == {0: "suggested"} else "")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def found_in(path: Path, shape: str) -> LabelErrors:
    """Suspected errors by probabilities that know the labels, but for the one that was given wrong."""
    data = read_table(str(path), **reading(shape))
    p = np.asarray(data.label_sets).astype(np.float32)
    p[22] = p[21]  # a row of food, which it is too
    p = 0.1 / p.shape[1] + 0.9 * p if not data.task.multi_label else 0.05 + 0.9 * p
    if not data.task.multi_label:
        p /= p.sum(axis=1, keepdims=True)
    return judge_labels(data, p, method="hand", folds=2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl"])
def test_the_suggested_label_comes_back_into_a_copy_of_the_table(tmp_path: Path, shape: str, ending: str) -> None:
    if shape in ("list", "vector") and ending != ".jsonl":
        pytest.skip("cells of text hold no lists")
    source = table(tmp_path / f"table{ending}", shape)
    before = source.read_bytes()
    found = found_in(source, shape)
    assert 23 in [suspect.number for suspect in found.suspects]
    write_suspects(tmp_path / "suspects.csv", found)
    right = {"single": "food", "vector": "1;3"}.get(shape, "food;all")
    fill(tmp_path / "suspects.csv", {23: right})
    copy = tmp_path / f"copy{ending}"
    applied = apply_corrections(str(source), tmp_path / "suspects.csv", copy, **reading(shape))
    assert (applied.rows, applied.corrected, applied.open) == (len(TEXTS), 1, len(found.suspects) - 1)
    assert source.read_bytes() == before
    old, new = (read_table(str(path), **reading(shape), keep_cells=True) for path in (source, copy))
    assert new.texts == old.texts
    assert new.task == old.task
    assert new.columns == old.columns
    changed = [i for i in range(len(old)) if old.label_sets.row(i).tolist() != new.label_sets.row(i).tolist()]
    assert changed == [22]
    assert {new.task.labels[j] for j in new.label_sets.row(22).tolist()} == set(right.split(";"))
    assert old.cells is not None
    assert new.cells is not None
    assert new.cells["source"] == old.cells["source"]


def test_a_label_that_a_spreadsheet_would_run_is_written_harmless_and_comes_back(tmp_path: Path) -> None:
    source = table(tmp_path / "table.csv", "single")
    found = found_in(source, "single")
    write_suspects(tmp_path / "suspects.csv", found)
    rows = list(csv.reader((tmp_path / "suspects.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    fill(tmp_path / "suspects.csv", {23: "'=cars"})
    apply_corrections(str(source), tmp_path / "suspects.csv", tmp_path / "copy.csv")
    data = read_table(str(tmp_path / "copy.csv"))
    assert data.task.labels[int(data.targets[22])] == "=cars"  # type: ignore[call-overload]


def corrections(path: Path, *rows: tuple[int, str, str]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("row", "corrected", "digest"), *rows])
    return path


FIRST, SECOND = TEXTS[0][0], TEXTS[1][0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, "food", digest(SECOND))], "row 1 has another text"),
        ([(999, "food", digest(FIRST))], "row 999 is not in the table"),
        ([("x", "food", digest(FIRST))], "row x is not in the table"),
        ([(1, "food", digest(FIRST)), (1, "sports", digest(FIRST))], "was corrected otherwise above"),
        ([(1, "", digest(FIRST))], "there is nothing to apply"),
        ([(1, "foods", digest(FIRST))], "Did you mean 'food'"),
    ],
)
def test_corrections_that_do_not_match_are_refused_and_nothing_is_written(
    tmp_path: Path, rows: list[tuple[int, str, str]], said: str
) -> None:
    source = table(tmp_path / "table.csv", "single")
    given = corrections(tmp_path / "given.csv", *rows, (2, "", digest(SECOND)))
    with pytest.raises(DataError) as refused:
        apply_corrections(str(source), given, tmp_path / "copy.csv")
    assert said in str(refused.value)
    assert not (tmp_path / "copy.csv").exists()


def test_a_new_label_is_taken_where_it_is_allowed(tmp_path: Path) -> None:
    source = table(tmp_path / "table.csv", "single")
    given = corrections(tmp_path / "given.csv", (1, "foods", digest(FIRST)))
    applied = apply_corrections(str(source), given, tmp_path / "copy.csv", new_labels=True)
    assert applied.added == ("foods",)
    assert "foods" in read_table(str(tmp_path / "copy.csv")).task.labels


@pytest.mark.parametrize("place", ["table.csv", "given.csv", "folder", "copy.parquet"])
def test_a_copy_goes_nowhere_where_it_must_not(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    source = table(tmp_path / "table.csv", "single")
    given = corrections(tmp_path / "given.csv", (1, "food", digest(FIRST)))
    before = source.read_bytes()
    with pytest.raises(SettingError, match="--out"):
        apply_corrections(str(source), given, tmp_path / place)
    assert source.read_bytes() == before


def test_a_file_that_is_none_of_corrections_is_refused(tmp_path: Path) -> None:
    source = table(tmp_path / "table.csv", "single")
    with pytest.raises(DataError, match="lacks 'row', 'corrected', 'digest'"):
        apply_corrections(str(source), source, tmp_path / "copy.csv")
