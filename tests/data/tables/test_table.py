"""read_table and read_texts: what surrounds texts and labels, and reading one table like another."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft.data.tables.table import check_texts, read_table
from textgraft.data.tables.texts import read_texts
from textgraft.dataset import Columns
from textgraft.errors import DataError

ROWS = [
    {"text": "one thing", "label": "a", "user": "u1", "when": "2024-05-01", "split": "train"},
    {"text": "another thing", "label": "b", "user": None, "when": "2024-05-31T18:00:00", "split": "dev"},
    {"text": "the last thing", "label": "a", "user": "u1", "when": "2024-06-01T00:00:00+02:00", "split": "Testing"},
]


def with_column(name: str, values: list[Any]) -> list[dict[str, Any]]:
    return [{**row, name: value} for row, value in zip(ROWS, values, strict=True)]


class TestKeys:
    def test_groups_times_and_parts_go_along(self) -> None:
        data = read_table(ROWS, group="user", time="when", split="split")
        assert data.groups is not None
        assert data.groups.tolist() == ["u1", None, "u1"]
        assert data.times is not None
        assert np.argsort(data.times).tolist() == [0, 1, 2]
        assert data.times[2] == np.datetime64("2024-05-31T22:00:00")
        assert data.parts is not None
        assert data.parts.tolist() == ["train", "valid", "test"]
        assert data.select([2]).groups.tolist() == ["u1"]  # type: ignore[union-attr]

    def test_a_split_column_is_found_and_said(self) -> None:
        data = read_table(ROWS)
        assert data.parts is not None
        assert any("Column 'split' says which split" in note for note in data.notes)
        assert read_table(with_column("split", ["a", "b", "c"])).parts is None
        assert read_table(with_column("split", ["train"] * 3)).parts is None

    def test_a_part_that_is_none_is_named(self) -> None:
        with pytest.raises(
            DataError, match=r"'split' has the value 'extra' in 1 row \(the given table row 2\); allowed are train"
        ):
            read_table(with_column("split", ["train", "extra", "test"]), split="split")

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([2021, 2020, "2022.5"], [2021.0, 2020.0, 2022.5]),
            ([date(2020, 1, 1), datetime(2020, 1, 2), datetime(2020, 1, 3, tzinfo=UTC)], None),
            ([1, None, 3], [1.0, np.nan, 3.0]),
        ],
    )
    def test_times_can_be_sorted(self, values: list[Any], expected: list[float] | None) -> None:
        times = read_table(with_column("when", values), time="when", split=False).times
        assert times is not None
        if expected is None:
            assert times.tolist() == [datetime(2020, 1, 1), datetime(2020, 1, 2), datetime(2020, 1, 3)]
        else:
            np.testing.assert_array_equal(times, expected)

    def test_a_time_that_is_none_is_named(self) -> None:
        with pytest.raises(DataError, match=r"'when' has the value '1 May' \(the given table row 2\).*ISO 8601"):
            read_table(with_column("when", ["2024-01-01", "1 May", "2024-01-01"]), time="when", split=False)

    def test_an_unknown_key_column_is_named(self) -> None:
        with pytest.raises(DataError, match=r"no column 'users'\. Did you mean 'user'"):
            read_table(ROWS, group="users")


class TestOneClass:
    def test_one_class_only_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"nothing to tell apart: in 'label' every row is 'a'"):
            read_table([("one", "a"), ("two", "a")])
        with pytest.raises(DataError, match="no row has a label"):
            read_table([{"text": "one", "p": 0, "q": 0}, {"text": "two", "p": 0, "q": 0}], label=["p", "q"])

    def test_a_table_read_like_another_may_have_one_class(self) -> None:
        train = read_table(ROWS)
        test = read_table([("one", "b"), ("two", "b")], like=train)
        assert test.task == train.task
        assert test.task.decode(test.targets) == ["b", "b"]


class TestLike:
    def test_a_label_that_train_never_saw_is_named(self) -> None:
        with pytest.raises(DataError, match=r"never seen in the training data: 'z' \(the given table row 2\)"):
            read_table([("one", "a"), ("two", "z")], like=read_table(ROWS))

    def test_the_same_columns_are_read_and_missed(self) -> None:
        train = read_table([{"text": f"t {i}", "body": "x", "mark": "ab"[i % 2]} for i in range(6)], text="body")
        with pytest.raises(DataError, match=r"no column 'body'\. Did you mean 'bodi'"):
            read_table([{"text": "t", "bodi": "x", "mark": "a"}], like=train)

    def test_the_same_shape_is_read_without_its_evidence(self) -> None:
        train = read_table([("t 1", "joy;love"), ("t 2", "joy"), ("t 3", "love"), ("t 4", "")])
        test = read_table([("t 5", "joy"), ("t 6", "love;joy")], like=train.columns)
        assert test.task.decode(test.targets) == [("joy",), ("joy", "love")]

    def test_files_without_header_go_by_place(self, tmp_path: Path) -> None:
        lines = [f"this is the text number {i};{'ab'[i % 2]}\n" for i in range(10)]
        (tmp_path / "train.txt").write_text("".join(lines))
        (tmp_path / "test.txt").write_text("text;label\n" + "".join(lines[:3]))
        train = read_table(tmp_path / "train.txt")
        assert train.columns == Columns(("column1",), ("column2",))
        for source, n in ((tmp_path / "train.txt", 10), (tmp_path / "test.txt", 3)):
            test = read_table(source, like=train)
            assert test.texts == train.texts[:n]
        assert any("by their place: 'text', 'label'" in note for note in test.notes)

    def test_a_file_that_lost_its_header_is_found_anew_and_said(self, tmp_path: Path) -> None:
        lines = [f"this is the text number {i};{'ab'[i % 2]}\n" for i in range(10)]
        (tmp_path / "train.txt").write_text("text;label\n" + "".join(lines))
        (tmp_path / "test.txt").write_text("".join(lines[:4]))
        test = read_table(tmp_path / "test.txt", like=read_table(tmp_path / "train.txt"))
        assert len(test) == 4
        assert any("has no header" in note for note in test.notes)


class TestTexts:
    def test_parts_are_joined_and_missing_ones_passed_over(self) -> None:
        rows = [("t", "b", 1), (None, "b", 2), ("t", float("nan"), 1), (None, "", 2)]
        data = read_table([dict(zip(("title", "body", "y"), row, strict=True)) for row in rows], text=["title", "body"])
        assert data.texts == ["t\nb", "b", "t", ""]

    def test_empty_texts_are_kept_until_they_are_checked(self) -> None:
        data = read_table([{"text": t, "y": i % 2} for i, t in enumerate(["a b", None, " \t", "c"])])
        assert data.texts == ["a b", "", " \t", "c"]
        with pytest.raises(DataError, match=r"2 texts are empty: the given table row 2, .* row 3\..*--drop-empty"):
            check_texts(data)
        left = check_texts(data, drop_empty=True)
        assert left.texts == ["a b", "c"]
        assert left.rows.number.tolist() == [1, 4]
        assert "Left out: 2 texts are empty" in left.notes[-1]
        assert check_texts(left) is left

    def test_texts_that_are_all_empty_cannot_be_dropped(self) -> None:
        data = read_table([{"text": "", "y": i % 2} for i in range(4)], text="text")
        with pytest.raises(DataError, match="All 4 texts are empty"):
            check_texts(data, drop_empty=True)


class TestReadTexts:
    def test_they_stream_in_order_with_their_rows(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("id,message\n" + "".join(f'{i},"text, {i}"\n' for i in range(10)))
        stream = read_texts(tmp_path / "x.csv", rows_per_chunk=4)
        found = list(stream)
        assert [len(texts) for texts, _ in found] == [4, 4, 2]
        assert [text for texts, _ in found for text in texts] == [f"text, {i}" for i in range(10)]
        assert found[1][1].numbers[0] == 5
        assert found[1][1].columns["id"] == ["4", "5", "6", "7"]
        assert stream.columns == ("message",)

    def test_the_columns_of_a_model_are_taken_if_they_are_there(self) -> None:
        table = {"text": ["long text here"] * 3, "note": ["n"] * 3}
        assert next(read_texts(table, Columns(("note",), ("label",))))[0] == ["n"] * 3
        stream = read_texts(table, Columns(("title", "note"), ("label",)))
        assert next(stream)[0] == ["long text here"] * 3
        assert "Text: 'text'" in stream.notes[0]

    def test_columns_that_are_asked_for_must_be_there(self) -> None:
        with pytest.raises(DataError, match=r"no column 'txt'\. Did you mean 'text'"):
            next(read_texts({"text": ["a"]}, "txt"))

    def test_a_file_of_lines_is_texts(self, tmp_path: Path) -> None:
        (tmp_path / "x.txt").write_text("what a film\nwell, no\n\nwhat, a, bore\n")
        assert next(read_texts(tmp_path / "x.txt"))[0] == ["what a film", "well, no", "what, a, bore"]

    def test_a_folder_of_texts_needs_no_labels(self, tmp_path: Path) -> None:
        (tmp_path / "b").write_text("second")
        (tmp_path / "a").write_text("first")
        found = list(read_texts(tmp_path))
        assert [texts for texts, _ in found] == [["first"], ["second"]]
        assert found[0][1].numbers == (0,)


def test_no_heavy_library_is_needed_for_text_files() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from textgraft.data.tables.table import read_table; read_table([('a b', 'x'), ('c', 'y')]);"
        "print([m for m in ('pandas', 'polars', 'datasets', 'pyarrow', 'torch', 'sklearn') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
