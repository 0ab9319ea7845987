"""Several labels in one cell are the labels that were written, however they were, or are refused; never others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textgraft.data.tables.labels import Labels, read_labels
from textgraft.dataset import Rows
from textgraft.errors import DataError, SettingError
from textgraft.labels import label_name

from ...trying import EXAMPLES

# NumPy's strings end before a null character.
NAME = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=10) | st.sampled_from(
    ["pos", "film", "a b", "it's", 'say "x"', "a, b", "1", "0", "01", "True", "[x]", "back\\slash", "...", "a'b\"c"]
)
ROWS = st.lists(st.lists(NAME.filter(lambda name: label_name(name) is not None), max_size=4), min_size=1, max_size=6)


def numpy_str(row: list[str]) -> str:
    return str(np.array(row)) if row else "[]"


def numpy_objects(row: list[str]) -> str:
    return repr(np.array(row, dtype=object))


def scalars(row: list[str]) -> str:
    return str([np.str_(name) for name in row])


WRITERS: list[Callable[[list[str]], str]] = [
    str, lambda row: str(tuple(row)), lambda row: str(set(row)), lambda row: repr(frozenset(row)), json.dumps,
    lambda row: json.dumps(row, ensure_ascii=False, separators=(",", ":")), numpy_str, numpy_objects,
    lambda row: repr(np.array(row)), scalars,
]  # fmt: skip


def read(cells: list[Any], **options: Any) -> Labels:
    return read_labels({"labels": cells}, Rows.numbered(len(cells), "x.csv"), **options)


def decoded(labels: Labels) -> list[set[str]]:
    return [set(row) if labels.task.multi_label else {row} for row in labels.task.decode(labels.targets)]  # type: ignore[arg-type]


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=ROWS, writers=st.lists(st.sampled_from(WRITERS), min_size=6, max_size=6))
def test_lists_as_any_program_writes_them_are_the_names_that_were_written(
    rows: list[list[str]], writers: list[Callable[[list[str]], str]]
) -> None:
    names = [[label_name(name) for name in row] for row in rows]
    assume(all(len(set(row)) == len(row) for row in names))
    cells = [write(row) for write, row in zip(writers, rows, strict=False)]
    labels = read(cells)
    assert labels.shape == "list"
    assert decoded(labels) == [set(row) for row in names]


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=ROWS, mark=st.sampled_from(";|,"), asked=st.booleans())
def test_delimited_names_are_those_that_were_written_or_none_is_divided(
    rows: list[list[str]], mark: str, asked: bool
) -> None:
    assume(not any(set(name) & set(";|,\n") for row in rows for name in row))
    cells = [mark.join(row) for row in rows]
    try:
        labels = read(cells, delimiter=mark if asked else None)
    except DataError:
        return
    if labels.shape == "delimited":
        assert decoded(labels) == [{label_name(name) for name in row} for row in rows]
    elif labels.shape == "name":
        assert decoded(labels) == [{label_name(cell)} for cell in cells]
    elif labels.shape == "list":  # "[x]" and its like
        assert all(cell.startswith(("[", "(")) for cell in cells if cell.strip())


FLAGS = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.booleans(), min_size=k, max_size=k), min_size=1, max_size=6)
)
VECTORS: list[Callable[[list[bool]], Any]] = [
    lambda row: row, lambda row: [float(x) for x in row], np.array, lambda row: np.array(row, float),
    lambda row: str([int(x) for x in row]), lambda row: str(tuple(map(float, row))), str,
    lambda row: str(np.array(row)), lambda row: str(np.array(row, int)), lambda row: str(np.array(row, float)),
    json.dumps, lambda row: repr(np.array(row, np.float32)),
]  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=FLAGS, writer=st.sampled_from(VECTORS))
def test_0_1_vectors_are_vectors_however_many_labels_there_are(rows: list[list[bool]], writer: Any) -> None:
    labels = read([writer(row) for row in rows])
    assert labels.shape == "vector"
    assert labels.task.labels == tuple(map(str, range(len(rows[0]))))
    assert labels.task.multi_label == any(sum(row) != 1 for row in rows)
    assert decoded(labels) == [{str(i) for i, truth in enumerate(row) if truth} for row in rows]


@settings(max_examples=EXAMPLES, deadline=None)
@given(rows=FLAGS, written=st.sampled_from([lambda row: row, str, json.dumps]))
def test_names_with_values_are_the_labels_whose_value_is_1(rows: list[list[bool]], written: Any) -> None:
    cells = [{f"name {i}": int(truth) for i, truth in enumerate(row)} for row in rows]
    labels = read([written(cell) for cell in cells])
    assert labels.task.labels == tuple(cells[0])
    assert decoded(labels) == [{name for name, truth in cell.items() if truth} for cell in cells]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(NAME.filter(lambda name: label_name(name) is not None), min_size=1, max_size=6))
def test_a_cell_that_is_said_to_be_one_name_is_one(cells: list[str]) -> None:
    assert decoded(read(cells, single=True)) == [{label_name(cell)} for cell in cells]


def test_numpys_lists_of_names_are_not_glued() -> None:
    assert read(["['good' 'plot']", "['bad']", "['good'\n 'bad']", "[]"]).task.labels == ("bad", "good", "plot")


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["['a' ... 'b']", "['a']"], r"x.csv row 1, .*it is shortened"),
        (["['a', … 'b']"], r"it is shortened"),
        (["[joy, love]", "[joy]"], r"its names stand without quotes.*--single-label"),
        (["{joy,love}", "{joy}"], r"its names stand without quotes"),
        (["['a''b']", "['a']"], r"'\[\\'a\\'\\'b\\'\]' in x.csv row 1|\"\['a''b'\]\" in x.csv row 1"),
        (["['a' 'b', 'c']"], r"a comma is missing"),
        (["[['a'], ['b']]"], r"a list stands within it"),
        (["joy", "['joy', 'love']"], r"'joy' in x.csv row 1, which is not a list"),
        (["[0, 0, 1]", "[1, 0]"], r"x.csv row 1, which repeats a label.*equally many"),
        (["0,0,1", "1,0", "1"], r"which repeats a label|x"),
        (["[0.2, 0.8]", "[0.9, 0.1]"], r"x.csv row 1, a list of scores"),
        ([[0.2, 0.8], [1, 0]], r"a list of scores"),
        ([[1, 0], None, [0, 1]], r"x.csv row 2, where other rows have 0/1 vectors"),
        ([{"a": 1, "b": 0}, {"a": 1}], r"x.csv row 2, which does not name the same labels"),
        ([{"a": 1, "b": 0}, {"a": 0.7, "b": 0.3}], r"x.csv row 2, where each label must have 0 or 1"),
        ([{"a": 1}, ["a"]], r"x.csv row 2, and names with values in x.csv row 1"),
        (["joy;love", "joy", "love", "joy;awe", "awe", "love,joy"], r"x.csv row 6, where ',' divides names"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(cells: list[Any], why: str) -> None:
    with pytest.raises(DataError, match=why):
        read(cells, delimiter="," if why.endswith("|x") else None)


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingError, match=r"must not be empty; where each cell is one name, say --single-label"):
        read(["a"], delimiter="")
    with pytest.raises(SettingError, match=r"leave it out, or --label-delimiter"):
        read(["a"], delimiter=",", single=True)
    with pytest.raises(SettingError, match=r"is about one column of names"):
        read_labels({"a": [1], "b": [0]}, Rows.numbered(1), single=True)


def test_a_list_of_a_training_table_is_found_in_another_form() -> None:
    assert decoded(read([["a", "b"], ["a"]], shape="delimited", delimiter=";")) == [{"a", "b"}, {"a"}]
    assert decoded(read(["a", "b"], shape="list")) == [{"a"}, {"b"}]
    assert decoded(read([[0, 1], [1, 0]], shape="list")) == [{"0", "1"}, {"0", "1"}]  # ids, as in training
    assert decoded(read(["1,0", "1,0"], shape="vector")) == [{"0"}, {"0"}]
