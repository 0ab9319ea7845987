from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.analysis.rows import LONGEST, MOST_BYTES, MOST_ROWS, WORST, cut_to_fit, kept_rows, rows_of
from textgraft.dataset import Dataset, Rows
from textgraft.evaluation.inputs import check_predictions
from textgraft.label_sets import LabelSets
from textgraft.task import Task


def size(texts: list[str]) -> int:
    return sum(len(json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").encode()) for text in texts)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=30), st.integers(50, 2_000))
def test_cut_texts_fit_and_are_beginnings_and_short_ones_are_whole(texts: list[str], room: int) -> None:
    cut = cut_to_fit(texts, room, 40)
    assert all(text.startswith(short) for text, short in zip(texts, cut, strict=True))
    assert all(len(short) <= 40 for short in cut)
    if size([text[:40] for text in texts]) <= room:
        assert cut == [text[:40] for text in texts]
    lengths = sorted(len(short) for text, short in zip(texts, cut, strict=True) if short != text[:40])
    whole = [size([text]) for text, short in zip(texts, cut, strict=True) if short == text[:40]]
    if lengths and all(text.isascii() and text.isalnum() for text in texts):
        assert lengths[-1] - lengths[0] <= 2
        assert max(whole, default=0) <= lengths[-1] + 4


def test_twenty_thousand_long_texts_fit() -> None:
    cut = cut_to_fit(["<&é" * 2_000] * 20_000)
    assert MOST_BYTES * 0.9 < size(cut) - 2 * len(cut) <= MOST_BYTES
    assert len(cut_to_fit(["x" * 50_000])[0]) == LONGEST


@pytest.mark.parametrize("n", [1, MOST_ROWS, MOST_ROWS + 1, 100_000])
def test_of_very_many_rows_the_worst_and_an_even_draw_are_kept(n: int) -> None:
    losses = np.random.default_rng(0).random(n)
    at = kept_rows(losses)
    assert len(at) == min(n, MOST_ROWS)
    assert (np.diff(at) > 0).all()
    if n > MOST_ROWS:
        assert set(np.argsort(-losses)[:WORST]) <= set(at.tolist())


def test_rows_say_what_is_true_and_what_is_answered() -> None:
    task = Task(("a", "b"))
    data = Dataset(["one", "\u202etwo"], np.array([0, 1]), task, Rows.numbered(2, "folder/rows.csv"))
    predictions = check_predictions(np.array([[0.9, 0.1], [0.8, 0.2]], np.float32), data.targets, task)
    found = rows_of(data, predictions)
    assert found["files"] == ["rows.csv"]
    first, second = (dict(zip(found["columns"], row, strict=True)) for row in found["rows"])
    assert first["text"] == "one"
    assert (second["true"], second["predicted"], second["number"]) == (1, 0, 2)
    assert second["text"] == "\\u202etwo"
    assert second["loss"] == pytest.approx(-np.log(0.2), abs=1e-3)
    assert {row[0] for row in rows_of(data, predictions, texts=False)["rows"]} == {""}


def test_rows_of_several_labels_have_lists() -> None:
    task = Task(("a", "b"), multi_label=True)
    data = Dataset(["one"], LabelSets.of(np.array([[True, True]])), task, Rows.numbered(1))
    predictions = check_predictions(np.array([[0.9, 0.2]], np.float32), np.asarray(data.targets), task)
    row = dict(zip((found := rows_of(data, predictions))["columns"], found["rows"][0], strict=True))
    assert (row["true"], row["predicted"], row["probability"]) == ([0, 1], [0], pytest.approx(0.9 * 0.8))
