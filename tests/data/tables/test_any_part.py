"""Whatever a split column says: it is used for all rows, or refused, or the reading says why it is not used."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft.data import ReadOptions, read_table, split
from textgraft.data.sources.part_names import is_unlabelled, part_of
from textgraft.errors import DataError, SettingError

from ...trying import EXAMPLES

NAMES = ("split", "Partition", "subset", "fold", "data_split", "splits", "usage", "set", "which")
KNOWN = ("train", "TRAIN", "Train ", "training set", "valid", "val", "dev", "validation", "test", "test_set", "eval")
OTHERS = ("holdout", "", " ", "dev2", "train-clean", "test_matched", "0", "1", "unsup", "unlabeled", "control")


def write(rows: list[dict[str, str]], form: str, folder: Path) -> object:
    """The same table as each program writes it."""
    if form == "frame":
        return pd.DataFrame(rows)
    if form == "list":
        return rows
    path = folder / f"table.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    elif form == "parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0], delimiter="\t" if form == "tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(text.getvalue(), "utf-8")
    return path


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(KNOWN + OTHERS) | st.sampled_from(KNOWN), min_size=6, max_size=14),
    st.sampled_from(("csv", "tsv", "jsonl", "parquet", "frame", "list")),
)
def test_any_split_column_is_used_for_all_rows_or_refused_or_said(name: str, values: list[str], form: str) -> None:
    rows = [
        {"text": f"number {i} says something of its own", "label": "ab"[i % 2], name: value}
        for i, value in enumerate(values)
    ]
    parts = [part_of(value) for value in values]
    unknown = [value for value, part in zip(values, parts, strict=True) if not part and not is_unlabelled(value)]
    says_train = "train" in parts
    with tempfile.TemporaryDirectory() as folder:
        table = write(rows, form, Path(folder))
        try:
            data = read_table(table, text="text", label="label")
        except DataError as refusal:
            # Names that no part has are shown with what to do; else what is left has one label only.
            said = str(refusal)
            assert (says_train and "--no-split" in said) or "nothing to tell apart" in said
            return
        aside = read_table(table, text="text", label="label", split=False)
    assert aside.parts is None
    assert len(aside) == len(rows)
    left_out = sum(map(is_unlabelled, values)) if says_train else 0
    said = " ".join(data.notes)
    if data.parts is not None:
        expected = [part for part, value in zip(parts, values, strict=True) if not is_unlabelled(value)]
        assert not unknown
        assert data.parts.tolist() == expected
        assert "it is used" in said
    elif name in ("usage", "set", "which") and not (says_train and len({part for part in parts if part}) > 1):
        return  # a column like any other
    elif name in ("usage", "set", "which") and 2 * sum(map(bool, parts)) <= len(parts):
        return  # most of its rows say something else
    elif any(value.strip() for value in values):
        assert f"Column {name!r}" in said
        assert "it divides nothing" in said
    if len(data) < len(rows):
        assert len(rows) - len(data) == left_out
        assert "left out" in said


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(("train", "test", "valid", "unsup", "other", "pos", "neg")),
        st.dictionaries(
            st.sampled_from(("pos", "neg", "unsup", "notes", ".")), st.integers(0, 2), min_size=1, max_size=4
        ),
        min_size=1,
        max_size=4,
    )
)
def test_each_file_of_any_folder_is_read_or_said_or_the_folder_refused(tree: dict[str, dict[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        written = 0
        for outer, inner in tree.items():
            for name, count in inner.items():
                place = Path(root, outer, name)
                place.mkdir(parents=True, exist_ok=True)
                for i in range(count):
                    (place / f"{i}.txt").write_text(f"text {i} of {name} in {outer}", "utf-8")
                written += count
        try:
            data = read_table(root)
        except DataError as refusal:
            said = str(refusal)
            assert "Traceback" not in said
            assert said.endswith(".")
            return
        said = " ".join(data.notes)
        assert len(data) == written or "left out" in said or "are not read" in said
        assert not {"unsup", "train"} & set(data.task.labels)
        assert not {"test", "valid"} & set(data.task.labels) or re.search("named as (a split|splits)", said)
        if data.parts is not None:
            assert {row.split("/")[-3] for row in map(data.rows.name, range(len(data)))} <= {"train", "test", "valid"}


@pytest.mark.parametrize(("key", "column"), [("group", "shop"), ("time", "day")])
def test_a_found_column_and_another_division_are_refused(key: str, column: str) -> None:
    rows = [
        {"text": f"a text {i}", "label": "ab"[i % 2], "shop": i % 3, "day": i, "split": ["train", "test"][i > 4]}
        for i in range(8)
    ]
    with pytest.raises(DataError, match=f"--{key} asks for another division.*--no-split"):
        read_table(rows, **{key: column})
    assert read_table(rows, **{key: column}, split=False).parts is None
    assert read_table(rows, split="split", **{key: column}).parts is not None


def test_groups_and_times_exclude_each_other_unless_one_is_asked_for() -> None:
    rows = [{"text": f"text number {i}", "label": "ab"[i % 2], "shop": i % 5, "day": i} for i in range(20)]
    data = read_table(rows, group="shop", time="day")
    with pytest.raises(SettingError, match="by='group' or by='time'"):
        split(data)
    assert split(data, by="time", valid=0).test is not None


def test_groups_that_a_split_column_divides_are_said() -> None:
    rows = [
        {"text": f"text number {i}", "label": "ab"[i % 2], "shop": f"shop{i % 2}", "split": ["train", "test"][i > 5]}
        for i in range(10)
    ]
    notes = " ".join(split(read_table(rows, split="split", group="shop")).notes)
    assert "2 of 2 groups stand in more than one part" in notes


def test_two_columns_that_say_different_parts_are_refused_and_equal_ones_are_one() -> None:
    rows = [{"text": f"a text {i}", "label": "ab"[i % 2], "split": ["train", "test"][i > 4]} for i in range(8)]
    same = [{**row, "fold": row["split"].upper()} for row in rows]
    assert Counter(read_table(same).parts.tolist()) == {"train": 5, "test": 3}  # type: ignore[union-attr]
    with pytest.raises(DataError, match=r"Columns 'split' and 'fold' both say.*--split"):
        read_table([{**row, "fold": ["test", "train"][i > 4]} for i, row in enumerate(rows)])


def test_a_table_that_is_evaluated_on_says_that_all_its_parts_are_read() -> None:
    rows = [{"text": f"a text {i}", "label": "ab"[i % 2], "split": ["train", "test"][i > 4]} for i in range(8)]
    like = read_table(rows, split=False)
    again = read_table(rows, like=like.columns)
    assert again.parts is None
    assert "all of these rows are read" in " ".join(again.notes)


def test_parts_of_a_dictionary_are_left_out_or_refused_never_trained_on() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})

    def part(texts: list[str], labels: list[int]) -> object:
        return datasets.Dataset.from_dict({"text": texts, "label": labels}, features=features)

    parts = {
        "train": part(["one text", "another text", "a third"], [0, 1, 1]),
        "test": part(["a text to test", "one more"], [0, 1]),
    }
    extra = part(["no label here", "nor here"], [-1, -1])
    data = read_table(datasets.DatasetDict(parts | {"unsupervised": extra}))
    assert data.parts is not None
    assert data.parts.tolist() == ["train"] * 3 + ["test"] * 2
    assert "2 rows are left out" in " ".join(data.notes)
    with pytest.raises(DataError, match=r"'validation_matched'.*--no-split"):
        read_table(datasets.DatasetDict(parts | {"validation_matched": parts["test"]}))
    with pytest.raises(DataError, match=r"2 rows have no label.*split 'test'"):
        read_table(datasets.DatasetDict({"train": parts["train"], "test": extra}))


def test_a_column_of_parts_within_a_part_is_refused() -> None:
    datasets = pytest.importorskip("datasets")
    rows = {"text": ["one text", "another"], "label": ["a", "b"], "split": ["x", "y"]}
    with pytest.raises(DataError, match="is the part 'train' of a table and has a column 'split' of its own"):
        read_table(datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows)}))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("t.csv", {"sheet": "a", "table": "b"}, r"--sheet \(sheet=\) and --table \(table=\) mean nothing to .*t.csv"),
        (
            "t.jsonl",
            {"delimiter": ";", "sheet": "a"},
            "--delimiter .* and --sheet .* mean nothing to .*read as json",
        ),
        ("t.parquet", {"encoding": "utf-16"}, "--encoding .* means nothing to .*read as parquet"),
        ("frame", {"encoding": "utf-16"}, "--encoding .* means nothing to the given table, which is no file"),
    ],
)
def test_options_that_mean_nothing_are_said(name: str, options: dict[str, object], said: str, tmp_path: Path) -> None:
    rows = [{"text": "one text", "label": "a"}, {"text": "another text", "label": "b"}]
    source = write(rows, name.rpartition(".")[-1], tmp_path)
    if isinstance(source, Path):
        source = str(source.rename(tmp_path / name))
    notes = " ".join(read_table(source, options=ReadOptions(**options)).notes)  # type: ignore[arg-type]
    assert re.search(said, notes), notes
    assert not re.search(r"\bmeans? nothing\b", " ".join(read_table(source).notes))


@pytest.mark.parametrize("form", ["folder", "csv"])
def test_a_format_that_a_place_has_not_is_refused(form: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    if form == "folder":
        place.write_text("text,label\na,b\n")
    else:
        (place / "pos").mkdir(parents=True)
    with pytest.raises(DataError, match=f"--format {form}"):
        read_table(place, options=ReadOptions(format=form))


def test_tables_in_class_folders_are_not_read_as_texts(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "reviews.csv").write_text("text,label\nfine,a\nbad,b\n")
    with pytest.raises(DataError, match="it is a table by its name"):
        read_table(tmp_path)
