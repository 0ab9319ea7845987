from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft import NgramClassifier
from textgraft.errors import DataError
from textgraft.prediction import TEXTS_AT_ONCE, Texts, predict_stream
from textgraft.prediction.threads import WAITING

from .streams import MODEL, SEVERAL, TEXTS, endless, pieces, rows_of, threads


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


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9000), max_size=4), st.data())
def test_what_is_predicted_after_some_rows_is_what_it_would_have_been(sizes: list[int], data: st.DataObject) -> None:
    given_pieces = pieces(sizes)
    whole = rows_of(predict_stream(MODEL, given_pieces))
    after = data.draw(st.integers(0, sum(sizes)))
    assert rows_of(predict_stream(MODEL, given_pieces, after=after)) == whole[after:]


def test_no_more_than_a_few_windows_are_read_ahead() -> None:
    read: list[int] = []
    with closing(predict_stream(MODEL, endless(read))) as predictions:
        for _ in range(5):
            next(predictions)
        held = 1 + WAITING + 1  # the one that was predicted, those that wait and the one that finds no room
        assert read[-1] <= held * (TEXTS_AT_ONCE + 1000)
    assert not threads()


class Watched(NgramClassifier):
    """Calls ``seen`` with the texts before they are predicted."""

    seen: Callable[[Sequence[str]], None]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.seen(texts)
        return super().predict_proba(texts)


def watched(seen: Callable[[Sequence[str]], None]) -> Watched:
    model = Watched().fit(TEXTS, ["yes", "no"] * 12)
    model.seen = seen
    return model


def windows(n: int) -> Iterator[Texts]:
    for i in range(n):
        yield Texts(["good film", "bad film"] * (TEXTS_AT_ONCE // 2), f"file{i}", range(TEXTS_AT_ONCE))


def test_the_next_window_is_read_while_one_is_predicted() -> None:
    second = threading.Event()

    def reading() -> Iterator[Texts]:
        for i, window in enumerate(windows(3)):
            if i == 1:
                second.set()
            yield window

    def wait(_: Sequence[str]) -> None:
        assert second.wait(60)

    assert len(list(predict_stream(watched(wait), reading()))) == 3


def test_a_text_that_a_window_holds_several_times_is_computed_once() -> None:
    computed: list[str] = []
    (prediction,) = predict_stream(watched(computed.extend), [Texts(TEXTS, "f", range(len(TEXTS)))])
    assert sorted(computed) == sorted(set(TEXTS))
    assert prediction.labels == list(MODEL.predict(TEXTS))


def test_an_error_of_reading_is_raised_before_what_is_read_is_predicted() -> None:
    def reading() -> Iterator[Texts]:
        yield from windows(1 + WAITING)
        raise DataError("row 7 does not parse")

    predicted: list[int] = []

    def wait(texts: Sequence[str]) -> None:
        predicted.append(len(texts))
        while threads():  # the reader has not failed yet
            time.sleep(0.001)

    with pytest.raises(DataError, match="row 7"):
        list(predict_stream(watched(wait), reading()))
    assert len(predicted) == 1
    assert not threads()


def test_an_error_of_predicting_ends_the_reading() -> None:
    def fail(_: Sequence[str]) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        list(predict_stream(watched(fail), endless([])))
    assert not threads()


def test_a_text_without_a_label_says_how_sure_that_is() -> None:
    (prediction,) = predict_stream(SEVERAL, [Texts(["good film", "dull book"], "", [1, 2])])
    for i in range(2):
        names = set(prediction.labels[i])
        shares = dict(zip(SEVERAL.task_.labels, prediction.probabilities[i].tolist(), strict=True))
        assert names == {name for name, share in shares.items() if share >= 0.5}
        sure = min((shares[name] for name in names), default=1 - max(shares.values()))
        assert prediction.probability[i] == pytest.approx(sure)


MEMORY = """
import sys
from functools import partial
from pathlib import Path
import psutil
from textgraft import load
from textgraft.data import read_texts
from textgraft.prediction import TEXTS_AT_ONCE, Texts, predict_stream
from textgraft.prediction.writing import Layout, writing

table, folder, jobs, settled = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
model = load(folder)
me = psutil.Process()

def resident():
    return sum(process.memory_info().rss for process in (me, *me.children(recursive=True)))

chunks = read_texts(table, "text", rows_per_chunk=TEXTS_AT_ONCE)
stream = (Texts(texts, chunk.file, chunk.numbers, {"id": chunk.columns["id"]}) for texts, chunk in chunks)
before = rows = most = 0
with writing(Path(table).with_name("predicted.csv"), Layout(model.task_)) as out:
    for prediction in predict_stream(model, stream, jobs=jobs, reopen=partial(load, folder)):
        out.write(prediction)
        rows += len(prediction.texts)
        if rows <= settled:
            before = max(before, resident())
        most = max(most, resident())
print(rows, (most - before) >> 20)
"""


@pytest.mark.parametrize(
    ("rows", "jobs", "settled"),
    [(200_000, 2, 100_000), pytest.param(10_000_000, 1, 500_000, marks=pytest.mark.slow)],
)
def test_memory_does_not_grow_with_the_rows(rows: int, jobs: int, settled: int, tmp_path: Path) -> None:
    table, saved = tmp_path / "long.csv", MODEL.save(tmp_path / "m")
    with table.open("w") as file:
        file.write("id,text\n")
        file.writelines(f"{i},good film number {i} and a {i % 997} dull book\n" for i in range(rows))
    words = [sys.executable, "-c", MEMORY, table, saved, jobs, settled]
    predicted, grown = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(predicted) == rows
    assert int(grown) < 150
    with (tmp_path / "predicted.csv").open() as file:
        assert sum(1 for _ in file) == rows + 1
