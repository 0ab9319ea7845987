"""Labels come as names, numbers, lists, delimited names or 0/1 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.data.tables.labels import Labels, read_labels
from textgraft.dataset import Rows
from textgraft.errors import DataError


def labels_of(cells: Sequence[Any], name: str = "label", **options: Any) -> Labels:
    return read_labels({name: cells}, Rows.numbered(len(cells), "x.csv"), **options)


def decoded(labels: Labels) -> list[Any]:
    return list(labels.task.decode(labels.targets))


def test_numbers_keep_their_names_and_are_ordered_as_numbers() -> None:
    assert labels_of(["2", "-1", "10", "0"]).task.labels == ("-1", "0", "2", "10")
    assert labels_of([2, 1, 1]).task.labels == ("1", "2")


@pytest.mark.parametrize("cells", [[1.0, 2.0, 1.0], ["1.0", "2.0", "1.0"], ["1", "2.0", 1], np.array([1, 2, 1])])
def test_integers_written_as_floats_are_integers(cells: Any) -> None:
    assert decoded(labels_of(cells)) == ["1", "2", "1"]


def test_the_name_of_a_mark_does_not_depend_on_the_other_marks() -> None:
    assert decoded(labels_of(["1.0", "2.5"])) == ["1", "2.5"]


@pytest.mark.parametrize("missing", [None, "", "  ", float("nan")])
def test_a_row_without_its_label_is_named(missing: Any) -> None:
    with pytest.raises(DataError, match=r"2 rows have no label in column 'label': x.csv row 2, x.csv row 4\."):
        labels_of(["a", missing, "b", missing])


@pytest.mark.parametrize(
    "cells",
    [
        [["joy", "love"], [], ["fear"], None],
        [("joy", "love"), (), ("fear",), ()],
        ["['joy', 'love']", "[]", "['fear']", ""],
        ['["joy", "love"]', "[]", '["fear"]', None],
        [np.array(["joy", "love"]), np.array([]), np.array(["fear"]), None],
    ],
)
def test_lists_are_several_labels(cells: Any) -> None:
    labels = labels_of(cells)
    assert labels.shape == "list"
    assert labels.task.multi_label
    assert decoded(labels) == [("joy", "love"), (), ("fear",), ()]


def test_a_cell_that_is_no_list_among_lists_is_named() -> None:
    with pytest.raises(DataError, match=r"'\[joy, love\]' in x.csv row 2, which is not a list"):
        labels_of(["['joy']", "[joy, love]"])
    with pytest.raises(DataError, match=r"'\[0, 0, 1\]' in x.csv row 1, which repeats a label.* one column per label"):
        labels_of([[0, 0, 1], [1, 0]])


@pytest.mark.parametrize("mark", [";", "|", ","])
def test_delimited_labels_are_told_by_parts_that_recur(mark: str) -> None:
    labels = labels_of([f"joy{mark}love", "joy", f"love{mark} fear", "fear", "", "love"])
    assert (labels.shape, labels.delimiter) == ("delimited", mark)
    assert decoded(labels) == [("joy", "love"), ("joy",), ("fear", "love"), ("fear",), (), ("love",)]


@pytest.mark.parametrize(
    "names",
    [
        ["Sci/Tech", "Sports", "World"],
        ["rock; pop", "jazz", "folk"],
        ["rock; pop", "rock", "jazz"],
        ["Business, finance", "Business, markets", "Sports, football", "Sports, tennis"],
    ],
)
def test_a_name_that_holds_a_delimiter_is_not_divided_without_evidence(names: list[str]) -> None:
    labels = labels_of(names * 10)
    assert labels.shape == "name"
    assert labels.task.labels == tuple(sorted(names))


def test_a_delimiter_that_is_given_divides() -> None:
    labels = labels_of(["rock; pop", "jazz"], delimiter=";")
    assert decoded(labels) == [("pop", "rock"), ("jazz",)]


@given(st.lists(st.sets(st.sampled_from(["a", "b c", "d"])), min_size=1))
def test_a_shape_that_is_given_reads_what_was_written(rows: list[set[str]]) -> None:
    cells = ["|".join(sorted(row)) for row in rows]
    labels = labels_of(cells, shape="delimited", delimiter="|")
    assert [set(row) for row in decoded(labels)] == rows


def test_columns_of_0_and_1_are_a_label_each() -> None:
    columns = {
        "joy": ["1", "0", "0"],
        "fear": [True, False, False],
        "love": ["true", "FALSE", "0.0"],
        "awe": [0.0, 1, 0],
    }
    labels = read_labels(columns, Rows.numbered(3))
    assert labels.shape == "indicator"
    assert labels.task.labels == ("joy", "fear", "love", "awe")
    assert decoded(labels) == [("joy", "fear", "love"), ("awe",), ()]


@pytest.mark.parametrize("wrong", ["2", "", None, "yes", 0.5])
def test_another_value_in_a_0_1_column_is_named(wrong: Any) -> None:
    columns = {"joy": [0, 1, 0], "fear": [0, wrong, 1]}
    with pytest.raises(
        DataError, match=rf"column 'fear' has the value {wrong!r} in x.csv row 2; .* 0 or 1, or true or"
    ):
        read_labels(columns, Rows.numbered(3, "x.csv"))
