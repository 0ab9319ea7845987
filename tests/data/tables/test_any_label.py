"""A label has one name at every door, and names that look alike become one only where that is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textgraft.data.tables.labels import merged, read_labels
from textgraft.dataset import Dataset, Rows
from textgraft.errors import DataError, SettingError
from textgraft.labels import LIKENESSES, label_name, look_alike
from textgraft.task import Task

from ...trying import EXAMPLES
from .doors import DOORS, Door, from_csv, from_excel, from_json, from_parquet, from_sqlite, through

# What XML, and so a workbook, and csv can hold.
NAME = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"), max_size=12)
NUMBER = st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))
SPELLED = st.sampled_from(["true", "TRUE", " True", "1", "1.0", "01", " 1 ", "Spam", "spam", "spam\u200b", "+1", "-0"])
LABELS = st.one_of(
    st.lists(NAME | SPELLED, min_size=2, max_size=8),
    st.lists(NUMBER.map(float), min_size=2, max_size=8),
    st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=8),
    st.lists(st.booleans(), min_size=2, max_size=8),
)


def names(data: Dataset) -> list[Any]:
    return list(data.task.decode(data.targets))


@settings(max_examples=EXAMPLES, deadline=None)
@given(labels=LABELS, doors=st.tuples(st.sampled_from(DOORS), st.sampled_from(DOORS)))
def test_labels_have_the_same_names_through_any_two_doors(labels: list[Any], doors: tuple[Door, Door]) -> None:
    expected = [label_name(label) for label in labels]
    assume(len(set(expected)) > 1)
    assume(None not in expected)
    assume(not (from_sqlite in doors and isinstance(labels[0], bool)))  # SQLite has numbers for them
    texts = [f"this is text number {i}" for i in range(len(labels))]
    with tempfile.TemporaryDirectory() as folder:
        first = through(doors[0], Path(folder), texts, labels, single_label=True)
        other = through(doors[1], Path(folder), texts, labels, single_label=True, like=first)
    assert names(first) == names(other) == expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(NAME, SPELLED, NUMBER, st.booleans(), st.datetimes(), st.dates(), st.text(), st.decimals()))
def test_the_name_of_a_name_is_itself(value: Any) -> None:
    name = label_name(value)
    assert label_name(name) == name


ALIKE = st.sampled_from(
    [
        "Spam",
        "spam",
        "SPAM",
        "sp am",
        "sp\u00a0am",
        "tr\u00e8s bon",
        "tre\u0300s bon",
        "TR\u00c8S  BON",
        "ham",
        "\ufb01n",
        "fin",
    ]
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    labels=st.lists(ALIKE | NAME.filter(lambda name: label_name(name) is not None), min_size=2, max_size=20),
    within=st.sets(st.sampled_from(LIKENESSES), min_size=1),
    order=st.randoms(use_true_random=False),
)
def test_merging_again_changes_nothing_and_the_order_of_rows_plays_no_part(
    labels: list[str], within: set[str], order: Any
) -> None:
    def read(cells: list[str]) -> list[Any]:
        rows = Rows.numbered(len(cells))
        once = merged(read_labels({"label": cells}, rows, single=True), sorted(within))
        again = merged(once, sorted(within))
        assert once is again
        assert not look_alike(once.task.labels, within)
        return list(once.task.decode(once.targets))

    places = list(range(len(labels)))
    order.shuffle(places)
    assert [read(labels)[i] for i in places] == read([labels[i] for i in places])


@settings(max_examples=EXAMPLES, deadline=None)
@given(labels=st.lists(ALIKE, min_size=4, max_size=20), door=st.sampled_from(DOORS), spelling=ALIKE)
def test_what_is_merged_at_training_is_found_again_in_any_spelling(
    labels: list[str], door: Door, spelling: str
) -> None:
    texts = [f"this is text number {i}" for i in range(len(labels))]
    with tempfile.TemporaryDirectory() as folder:
        train = through(from_csv, Path(folder), [*texts, "another"], [*labels, "other"], merge_labels=LIKENESSES)
        chosen = next((name for name in train.task.labels if name == spelling or look_alike((name, spelling))), None)
        if chosen is None:
            with pytest.raises(DataError, match="never seen"):
                through(door, Path(folder), texts[:1], [spelling], like=train)
            return
        assert names(through(door, Path(folder), texts[:1], [spelling], like=train)) == [chosen]
        columns = through(door, Path(folder), texts[:1], [spelling], like=train.columns)
        assert names(columns.with_task(train.task)) == [chosen]


TEXTS = ["it works well", "it broke at once", "no idea yet", "still works fine"]


@pytest.mark.parametrize("door", [from_json, from_excel, from_parquet])
def test_a_truth_value_is_the_word_that_csv_has_for_it(door: Door, tmp_path: Path) -> None:
    flags = [True, False, True, False]
    train = through(door, tmp_path, TEXTS, flags)
    for spelled in (["true", "false", "TRUE", "False"], flags):
        assert names(through(from_csv, tmp_path, TEXTS, spelled, like=train)) == ["true", "false", "true", "false"]


def test_zero_and_one_of_a_format_without_truth_values_are_taken_for_them_and_said(tmp_path: Path) -> None:
    train = through(from_json, tmp_path, TEXTS, [True, False, True, False])
    data = through(from_sqlite, tmp_path, TEXTS, [True, False, True, True], like=train)
    assert names(data) == ["true", "false", "true", "true"]
    assert "The labels 0, 1 are taken for false, true." in data.notes
    back = through(from_csv, tmp_path, TEXTS, [1, 0, 1, 0])
    assert names(through(from_json, tmp_path, TEXTS, [True, True, False, True], like=back)) == ["1", "1", "0", "1"]


def test_days_are_the_same_in_a_workbook_a_frame_and_a_text(tmp_path: Path) -> None:
    from datetime import date, datetime

    days = [datetime(2024, 5, 31), datetime(2024, 6, 1)] * 2
    expected = ["2024-05-31", "2024-06-01"] * 2
    for door in (from_excel, from_parquet, from_csv):
        assert names(through(door, tmp_path, TEXTS, days)) == expected
    assert [label_name(day) for day in (date(2024, 5, 31), "2024-05-31T00:00:00.000", np.datetime64("2024-05-31", "ns"))
            ] == ["2024-05-31"] * 3  # fmt: skip


def test_labels_of_models_of_earlier_versions_are_found_by_their_normal_form() -> None:
    rows = Rows.numbered(3)
    data = Dataset(TEXTS[:3], np.array([0, 1, 0]), Task(("true", "1")), rows)
    assert names(data.with_task(Task(("1.0", "2.0", "True")))) == ["True", "1.0", "True"]
    with pytest.raises(DataError, match="never seen in the training data: '1'"):
        data.with_task(Task(("1.0", "1.00", "True")))  # which of the two is not clear


def test_an_unknown_label_that_looks_like_a_known_one_is_pointed_at() -> None:
    data = Dataset(TEXTS[:2], np.array([0, 1]), Task(("SPAM", "ham")), Rows.numbered(2))
    with pytest.raises(DataError, match=r"'SPAM' differs from 'spam' only in case: train with --merge-labels case"):
        data.with_task(Task(("ham", "spam")))


def test_merging_says_what_became_of_which_rows(tmp_path: Path) -> None:
    data = through(from_csv, tmp_path, TEXTS, ["Spam", "spam", "spam", "ham"], merge_labels=["case"])
    assert data.task.labels == ("ham", "spam")
    assert "Labels merged, with the rows of each: 'Spam' (1) into 'spam' (2)." in data.notes
    with pytest.raises(SettingError, match=r"some of case, space, unicode; got 'cas'\. Did you mean 'case'\?"):
        through(from_csv, tmp_path, TEXTS, ["a", "b", "a", "b"], merge_labels=["cas"])


def test_columns_of_0_and_1_are_found_again_where_a_frame_has_numbers_for_names(tmp_path: Path) -> None:
    import pandas as pd

    import textgraft as tg

    path = tmp_path / "t.csv"
    path.write_text("text,1,2\nit works well,1,0\nit broke at once,1,1\n")
    train = tg.read_table(str(path), label=["1", "2"])
    frame = pd.DataFrame({"text": TEXTS[:2], 1.0: [1.0, 0.0], 2.0: ["TRUE", "false"]})
    assert names(tg.read_table(frame, like=train)) == [("1", "2"), ()]
    path.write_text("text,a,1,1.0\nit works well,1,0,1\n")
    with pytest.raises(DataError, match=r"columns '1' and '1\.0' name one label, '1'"):
        tg.read_table(str(path), label=["1", "1.0"])
