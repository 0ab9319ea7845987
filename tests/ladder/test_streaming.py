from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft import NgramClassifier
from textgraft.errors import DataError
from textgraft.ladder import TEXTS_AT_ONCE, Texts, predict_stream
from textgraft.ladder.writing import Layout, writing
from textgraft.methods import TextClassifier

TEXTS = ["good film", "bad film", "fine book", "dull book"] * 6
MODEL = NgramClassifier().fit(TEXTS, ["yes", "no"] * 12)
SEVERAL = NgramClassifier().fit(TEXTS, [{"good", "film"}, {"film"}, {"good"}, set()] * 6)


def pieces(sizes: list[int]) -> list[Texts]:
    return [
        Texts([TEXTS[(i + j) % 4] for j in range(size)], f"file{i}", range(1, size + 1))
        for i, size in enumerate(sizes)
        if size
    ]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 30), max_size=20))
def test_every_piece_comes_back_in_order_with_the_labels_of_its_own_texts(sizes: list[int]) -> None:
    given_pieces = pieces(sizes)
    found = list(predict_stream(MODEL, given_pieces))
    assert [p.file for p in found] == [p.file for p in given_pieces]
    for piece, prediction in zip(given_pieces, found, strict=True):
        assert prediction.texts == piece.texts
        assert prediction.labels == list(MODEL.predict(piece.texts))
        np.testing.assert_allclose(prediction.probabilities, MODEL.predict_proba(piece.texts), atol=1e-6)


def test_no_more_than_a_few_thousand_texts_are_read_ahead() -> None:
    read = 0

    def endless() -> Iterator[Texts]:
        nonlocal read
        while True:
            read += 1000
            yield Texts(TEXTS[:4] * 250, "f", range(1000))

    next(iter(predict_stream(MODEL, endless())))
    assert read <= TEXTS_AT_ONCE + 1000


def test_a_text_without_a_label_says_how_sure_that_is() -> None:
    (prediction,) = predict_stream(SEVERAL, [Texts(["good film", "dull book"], "", [1, 2])])
    for i in range(2):
        names = set(prediction.labels[i])
        shares = dict(zip(SEVERAL.task_.labels, prediction.probabilities[i].tolist(), strict=True))
        assert names == {name for name, share in shares.items() if share >= 0.5}
        sure = min((shares[name] for name in names), default=1 - max(shares.values()))
        assert prediction.probability[i] == pytest.approx(sure)


@pytest.mark.parametrize("model", [MODEL, SEVERAL])
def test_all_formats_say_the_same(model: TextClassifier, tmp_path: Path) -> None:
    layout = Layout(model.task_, every=True, with_file=True)
    for ending in ("csv", "jsonl", "parquet"):
        with writing(tmp_path / f"p.{ending}", layout) as writer:
            for prediction in predict_stream(model, pieces([3, 5])):
                writer.write(prediction)
    with (tmp_path / "p.csv").open(newline="") as file:
        by_csv = list(csv.DictReader(file))
    by_parquet = pq.read_table(tmp_path / "p.parquet").to_pylist()
    by_json = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert len(by_csv) == len(by_parquet) == len(by_json) == 8
    for c, p, j in zip(by_csv, by_parquet, by_json, strict=True):
        assert c["file"] == p["file"] == j["file"]
        assert int(c["row"]) == p["row"] == j["row"]
        assert c["label"] == p["label"] == (j["label"] if "label" in j else ";".join(j["labels"]))
        for name in model.task_.labels:
            assert float(c[f"p({name})"]) == p[f"p({name})"] == j["probabilities"][name]


def test_a_label_with_a_semicolon_stays_one_label(tmp_path: Path) -> None:
    model = NgramClassifier().fit(TEXTS, [{"a;b"}, {"a;b"}, {"a;b"}, set()] * 6)
    with writing(tmp_path / "p.jsonl", Layout(model.task_)) as writer:
        writer.write(next(predict_stream(model, [Texts(["good film"], "", [1])])))
    assert json.loads((tmp_path / "p.jsonl").read_text())["labels"] == ["a;b"]


def test_a_kept_column_named_like_one_of_ours_stays_under_another_name(tmp_path: Path) -> None:
    kept = {"label": ["old"], "row": [77], "id": [5]}
    with writing(tmp_path / "p.csv", Layout(MODEL.task_)) as writer:
        writer.write(next(predict_stream(MODEL, [Texts(["good film"], "", [1], kept)])))
    with (tmp_path / "p.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["input.row"], row["input.label"], row["id"]) == ("1", "77", "old", "5")
    assert row["label"] in {"yes", "no"}


def test_a_kept_column_that_changes_its_type_is_a_sentence_in_parquet(tmp_path: Path) -> None:
    pieces_of = [Texts(["good film"], "t.csv", [i], {"id": [value]}) for i, value in ((1, 5), (2, "x"))]

    def write() -> None:
        with writing(tmp_path / "p.parquet", Layout(MODEL.task_)) as writer:
            for prediction in predict_stream(MODEL, pieces_of):
                writer.write(prediction)

    with pytest.raises(DataError, match=r"changes its type between rows 2 and 2 of t\.csv"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_no_file(tmp_path: Path) -> None:
    def fails() -> None:
        with writing(tmp_path / "p.csv", Layout(MODEL.task_)) as writer:
            writer.write(next(predict_stream(MODEL, pieces([3]))))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert list(tmp_path.iterdir()) == []
