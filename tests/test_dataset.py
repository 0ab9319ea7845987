from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

import textgraft as tg
from textgraft.dataset import Dataset, Rows
from textgraft.errors import SettingError
from textgraft.task import Task

TASK = Task(("bad", "good"))


def dataset() -> Dataset:
    texts = ["a good film", "a bad film", "good", "bad"]
    return Dataset(texts, TASK.encode(["good", "bad", "good", "bad"]), TASK, Rows.numbered(4))


def test_the_fingerprint_is_that_of_texts_labels_and_their_order() -> None:
    data = dataset()
    assert data.fingerprint == dataset().fingerprint
    assert data.fingerprint == replace(data, rows=Rows.numbered(4, "other.csv"), notes=("read",)).fingerprint
    others = [
        replace(data, texts=[*data.texts[:-1], "worse"]),
        replace(data, targets=1 - data.targets),
        data.select([1, 0, 2, 3]),
        data.select(np.array([True, True, True, False])),
        data.with_task(Task(("bad", "good", "neither"))),
    ]
    assert len({data.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_what_was_made_of_a_dataset_has_its_own_fingerprint_though_the_first_one_was_asked_for_it() -> None:
    data = dataset()
    first = data.fingerprint
    part = data.select([0, 1])
    assert part.fingerprint != first
    assert part.fingerprint == dataset().select([0, 1]).fingerprint
    assert data.select(range(4)).fingerprint == first


def test_a_dataset_comes_out_of_a_pickle_as_it_was() -> None:
    fresh, asked = dataset(), dataset()
    fingerprint = asked.fingerprint
    for data in (fresh, asked):
        again = pickle.loads(pickle.dumps(data))
        assert again.texts == data.texts
        assert again.fingerprint == fingerprint
        assert again.select([0]).fingerprint == data.select([0]).fingerprint != fingerprint


def test_what_a_notebook_shows_is_one_line_whatever_the_size() -> None:
    data = tg.read_table([(f"text {i}", f"label {i % 9}") for i in range(90)])
    assert repr(data) == (
        "Dataset(90 rows of the given table; single-label, 9 labels: label 0, label 1, label 2, label 3, label 4 "
        "and 4 more)"
    )
    assert repr(tg.split(data)).startswith("Splits(train 63, valid 9, test 18 rows; single-label, 9 labels: label 0")


def test_the_cells_of_all_columns_go_with_their_rows() -> None:
    rows = [{"text": f"text {i}", "label": "ab"[i % 2], "stars": i} for i in range(6)]
    assert tg.read_table(rows).cells is None
    data = tg.read_table(rows, keep_cells=True).select([4, 1])
    assert data.cells is not None
    assert {name: list(values) for name, values in data.cells.items()} == {
        "text": ["text 4", "text 1"],
        "label": ["a", "b"],
        "stars": [4, 1],
    }


def test_a_sample_is_the_same_for_the_same_seed_and_smaller_ones_are_within_larger_ones() -> None:
    data = Dataset([f"text {i}" for i in range(50)], TASK.encode(["good", "bad"] * 25), TASK, Rows.numbered(50))
    ten, twenty = data.sample(10), data.sample(20)
    assert len(set(ten.texts)) == 10
    assert set(ten.texts) < set(twenty.texts)
    assert (np.diff(twenty.rows.number) > 0).all()  # they stay in order, with where they came from
    assert data.sample(10).fingerprint == ten.fingerprint != data.sample(10, seed=1).fingerprint
    assert data.sample(1_000).fingerprint == data.fingerprint
    with pytest.raises(SettingError, match="rows is 0"):
        data.sample(0)
