from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft import Dataset, MajorityClassifier, NgramClassifier, Task, learning_curve, split
from textgraft.analysis.curve import LearningCurve, sample_order
from textgraft.data.folds import make_folds
from textgraft.dataset import Rows, Splits
from textgraft.errors import DataError, SettingError
from textgraft.report.curve import curve_report
from textgraft.report.html import page
from textgraft.report.terminal import as_text


def data(n: int, *, seed: int = 0) -> Dataset:
    """Two labels, of which words tell one from the other, the better the more of them are known."""
    rng = np.random.RandomState(seed)
    labels = rng.randint(2, size=n)
    texts = [f"w{rng.zipf(1.3) % 400 + 400 * label} and t{i}" for i, label in enumerate(labels)]
    return Dataset(texts, labels.astype(np.int64), Task(("a", "b")), Rows.numbered(n))


@pytest.fixture(scope="module")
def tested() -> LearningCurve:
    rows = data(400)
    splits = Splits(rows.select(range(320)), None, rows.select(range(320, 400)))
    return learning_curve([MajorityClassifier(), NgramClassifier(C=1.0)], splits, points=4, repeats=2)


def test_every_size_is_half_of_the_next_and_all_rows_are_used_once(tested: LearningCurve) -> None:
    for curve in tested.curves:
        assert [point.rows for point in curve.points] == [40, 80, 160, 320]
        assert [len(point.runs) for point in curve.points] == [2, 2, 2, 1]
        assert [forecast.rows for forecast in curve.forecasts] == [640, 1280]
        assert all(point.score.low <= point.score.value <= point.score.high for point in curve.points)


def test_the_report_says_what_twice_the_labels_would_bring(tested: LearningCurve) -> None:
    report = curve_report("a table", tested)
    assert "ngrams: twice the labels (640 rows of training) would bring " in as_text(report)
    assert page(report)
    json.dumps(tested.to_dict(), allow_nan=False)


def test_in_folds_every_row_is_tested_once() -> None:
    rows = data(200)
    found = learning_curve([NgramClassifier(C=1.0)], Splits(rows, folds=make_folds(rows, 4)), points=2)
    [curve] = found.curves
    assert found.tested_on == "200 rows in 4 folds"
    assert [len(point.runs) for point in curve.points] == [4, 4]
    assert curve.forecasts == ()
    assert "Nothing is forecast from 2 sizes" in " ".join(found.notes)


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=5).filter(any),
    n=st.integers(1, 100),
    seed=st.integers(0, 5),
)
def test_the_first_rows_of_a_sample_have_the_labels_in_their_shares(counts: list[int], n: int, seed: int) -> None:
    targets = np.repeat(np.arange(len(counts)), counts)
    total = len(targets)
    rows = Dataset(
        [f"t{i}" for i in range(total)], targets, Task(tuple(map(str, range(len(counts))))), Rows.numbered(total)
    )
    order = sample_order(rows, seed)
    assert sorted(order.tolist()) == list(range(total))
    n = min(n, total)
    first = np.bincount(targets[order[:n]], minlength=len(counts))
    assert (np.abs(first - n * np.array(counts) / total) <= len(counts) + 1).all()


def test_another_seed_gives_another_sample_and_the_order_of_rows_plays_no_part() -> None:
    rows = data(60)
    one, other = (rows.select(sample_order(rows, seed)).texts for seed in (0, 1))
    turned = rows.select(range(59, -1, -1))
    assert one != other
    assert turned.select(sample_order(turned, 0)).texts == one


def test_losses_and_several_labels_have_curves() -> None:
    rows = data(240)
    several = Dataset(rows.texts, np.eye(2, dtype=bool)[rows.targets], Task(("a", "b"), multi_label=True), rows.rows)
    for each, metric in ((rows, "log_loss"), (several, "f1_micro")):
        splits = Splits(each.select(range(160)), None, each.select(range(160, 240)))
        found = learning_curve([NgramClassifier(C=1.0)], splits, points=3, repeats=2, metric=metric)
        assert found.lower_is_better is (metric == "log_loss")
        forecast = found.curves[0].forecasts[0]
        assert forecast.score.low <= forecast.score.value <= forecast.score.high


def test_the_validation_part_is_left_aside_and_said_to_be() -> None:
    splits = split(data(300))
    found = learning_curve([MajorityClassifier()], splits, points=2, repeats=1)
    assert f"The {len(splits.valid or ())} validation rows are left aside" in found.notes[0]


def test_what_cannot_be_done_is_said() -> None:
    few = data(14)
    with pytest.raises(DataError, match="rows of training are too few for a learning curve"):
        learning_curve([MajorityClassifier()], Splits(few.select(range(10)), None, few.select(range(10, 14))))
    with pytest.raises(SettingError, match="at least one method"):
        learning_curve([], few)
    with pytest.raises(SettingError, match="points must be"):
        learning_curve([MajorityClassifier()], few, points=0)
    with pytest.raises(DataError, match="needs rows to test on"):
        learning_curve([MajorityClassifier()], Splits(data(60)))
