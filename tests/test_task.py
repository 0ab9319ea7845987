from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from textgraft.dataset import Dataset, Rows
from textgraft.errors import DataError
from textgraft.labels import label_order
from textgraft.task import Task
from textgraft.unicode import whole


def test_numbers_are_ordered_as_numbers_and_everything_else_as_names() -> None:
    assert label_order(["10", "-1", "2", "0"]) == ("-1", "0", "2", "10")
    assert label_order(["b", "10", "2"]) == ("10", "2", "b")


def test_the_order_of_labels_is_the_same_in_every_process(said_by_processes: Callable[[str], set[str]]) -> None:
    script = "from textgraft.labels import label_order; print(label_order(['3', 'nan', '1', '2', '10', 'inf']))"
    said = said_by_processes(script)
    assert len(said) == 1


def test_half_characters_become_whole_ones() -> None:
    assert whole("a\ud83d b") == "a\ufffd b"
    assert whole("a\U0001f600") == "a\U0001f600"


def test_labels_of_another_task_are_counted_anew_or_named() -> None:
    rows = Rows.numbered(3, "new.csv")
    data = Dataset(["x", "y", "z"], np.array([0, 1, 1]), Task(("b", "c")), rows)
    assert data.with_task(Task(("a", "b", "c"))).targets.tolist() == [1, 2, 2]
    with pytest.raises(DataError, match=r"'c' \(new\.csv row 2, new\.csv row 3\)"):
        data.with_task(Task(("a", "b")))


def test_rows_keep_their_names_through_selecting_and_joining() -> None:
    joined = Rows.concatenate([Rows.numbered(2, "a.csv"), Rows.numbered(2, "b.csv")]).select([3, 0])
    assert [joined.name(i) for i in range(2)] == ["b.csv row 2", "a.csv row 1"]
