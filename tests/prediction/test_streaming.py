from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft import NgramClassifier, load
from textgraft.errors import ArtifactError, DataError, SettingError, TextgraftError
from textgraft.hardware import cores
from textgraft.prediction import TEXTS_AT_ONCE, Prediction, Texts, predict_stream
from textgraft.prediction.threads import WAITING, behind
from textgraft.progress import listening

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


@settings(max_examples=30)
@given(st.lists(st.integers(0, 9000), max_size=4), st.data())
def test_what_is_predicted_after_some_rows_is_what_it_would_have_been(sizes: list[int], data: st.DataObject) -> None:
    given_pieces = pieces(sizes)
    whole = rows_of(predict_stream(MODEL, given_pieces))
    after = data.draw(st.integers(0, sum(sizes)))
    assert rows_of(predict_stream(MODEL, given_pieces, after=after)) == whole[after:]


def rows_of(predictions: Iterable[Prediction]) -> list[tuple[object, ...]]:
    """Each row with all that is known of it, to the last bit."""
    return [
        (p.file, number, text, label, probability.tobytes(), shares.tobytes())
        for p in predictions
        for number, text, label, probability, shares in zip(
            p.numbers, p.texts, p.labels, p.probability, p.probabilities, strict=True
        )
    ]


def endless(read: list[int]) -> Iterator[Texts]:
    """Pieces without end; how many rows were read is appended to ``read``."""
    for i in count(1):
        read.append(1000 * i)
        yield Texts(TEXTS[:4] * 250, "f", range(1000))


def test_no_more_than_a_few_windows_are_read_ahead() -> None:
    read: list[int] = []
    with closing(predict_stream(MODEL, endless(read))) as predictions:
        for _ in range(5):
            next(predictions)
        held = 1 + WAITING + 1  # the one that was predicted, those that wait and the one that finds no room
        assert read[-1] <= held * (TEXTS_AT_ONCE + 1000)
    assert not threads()


def threads() -> list[str]:
    """The threads that textgraft has started and not ended."""
    return [thread.name for thread in threading.enumerate() if thread.name == "textgraft"]


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


def test_an_error_of_writing_reaches_the_giver_and_nothing_more_is_taken() -> None:
    taken: list[int] = []

    def take(item: int) -> None:
        if item == 3:
            raise BrokenPipeError
        taken.append(item)

    def give() -> None:
        with behind(take) as put:
            for i in count():
                put(i)

    with pytest.raises(BrokenPipeError):
        give()
    assert taken == [0, 1, 2]
    assert not threads()


def test_what_is_put_behind_is_taken_while_the_giver_goes_on() -> None:
    given_on = threading.Event()
    taken: list[int] = []

    def take(item: int) -> None:
        assert given_on.wait(60)
        taken.append(item)

    with behind(take) as put:
        put(1)
        given_on.set()
        put(2)
    assert taken == [1, 2]


def test_a_text_without_a_label_says_how_sure_that_is() -> None:
    (prediction,) = predict_stream(SEVERAL, [Texts(["good film", "dull book"], "", [1, 2])])
    for i in range(2):
        names = set(prediction.labels[i])
        shares = dict(zip(SEVERAL.task_.labels, prediction.probabilities[i].tolist(), strict=True))
        assert names == {name for name, share in shares.items() if share >= 0.5}
        sure = min((shares[name] for name in names), default=1 - max(shares.values()))
        assert prediction.probability[i] == pytest.approx(sure)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MODEL.save(tmp_path_factory.mktemp("model") / "m")


def children() -> list[psutil.Process]:
    """The processes that predict for this one."""
    return [process for process in psutil.Process().children() if "spawn_main" in " ".join(process.cmdline())]


def varied(n: int) -> list[Texts]:
    """Windows of texts that differ."""
    words = ("good", "film", "bad", "dull", "book", "fine")
    return [
        Texts([f"{words[(i * j) % 6]} {words[j % 5]} {j % 911}" for j in range(TEXTS_AT_ONCE)], f"f{i}", range(1, 8193))
        for i in range(n)
    ]


def test_several_processes_predict_the_same_in_the_same_order(saved: Path) -> None:
    alone = rows_of(predict_stream(MODEL, varied(5)))
    with closing(predict_stream(MODEL, varied(5), jobs=2, reopen=partial(load, saved))) as predictions:
        first = next(predictions)
        assert len(children()) == 2
        assert rows_of([first, *predictions]) == alone
    assert not children()
    assert not threads()


def test_no_more_processes_are_started_than_there_are_windows(saved: Path) -> None:
    with closing(predict_stream(MODEL, varied(1), jobs=50, reopen=partial(load, saved))) as predictions:
        next(predictions)
        assert len(children()) == 1


def test_a_process_that_is_killed_is_a_sentence_and_ends_the_others(saved: Path) -> None:
    def kill_one() -> None:
        with closing(predict_stream(MODEL, endless([]), jobs=2, reopen=partial(load, saved))) as predictions:
            next(predictions)
            children()[-1].kill()
            for _ in predictions:
                pass

    with pytest.raises(TextgraftError, match=r"One of 2 predicting processes was killed by SIGKILL.*fewer jobs"):
        kill_one()
    assert not children()
    assert not threads()


def test_an_error_in_a_process_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="There is no model directory"):
        list(predict_stream(MODEL, endless([]), jobs=2, reopen=partial(load, tmp_path / "gone")))
    assert not children()


def test_processes_share_the_cores_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    tell = partial(eval, "int('OMP_NUM_THREADS is ' + __import__('os').environ['OMP_NUM_THREADS'])")
    for told, found in ((None, max(1, cores() // 2)), ("3", 3)):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if told is not None:
            monkeypatch.setenv("OMP_NUM_THREADS", told)
        with pytest.raises(ValueError, match=f"OMP_NUM_THREADS is {found}'"):
            list(predict_stream(MODEL, pieces([1]), jobs=2, reopen=tell))
        assert os.environ.get("OMP_NUM_THREADS") == told


def test_the_processes_end_when_the_one_that_started_them_is_killed(saved: Path) -> None:
    code = f"""
from functools import partial
from itertools import repeat
from textgraft import load
from textgraft.prediction import Texts, predict_stream
for _ in predict_stream(
    load({str(saved)!r}), repeat(Texts(["a"] * 9000, "", range(9000))), jobs=2, reopen=partial(load, {str(saved)!r})
):
    print("predicted", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = psutil.Process(process.pid).children()
        process.kill()
        _, alive = psutil.wait_procs(started, timeout=60)
    assert started
    assert not alive


def test_jobs_that_cannot_be_are_a_sentence(saved: Path) -> None:
    with pytest.raises(SettingError, match="jobs must be a whole number from 1 on; got 0"):
        predict_stream(MODEL, [], jobs=0)
    with pytest.raises(SettingError, match="give reopen="):
        predict_stream(MODEL, [], jobs=2)


def test_more_jobs_than_cores_are_told(saved: Path) -> None:
    said = Sentences()
    with listening(said):
        list(predict_stream(MODEL, pieces([1]), jobs=1000, reopen=partial(load, saved)))
    assert re.search("1000 jobs share [0-9]+ cores", " ".join(said))


class Sentences(list[str]):
    """A listener that keeps what is said."""

    def start(self, what: str, total: float | None) -> None: ...
    def advance(self, work: object, amount: float, detail: str) -> None: ...
    def finish(self, work: object) -> None: ...
    def say(self, sentence: str) -> None:
        self.append(sentence)


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
def test_memory_does_not_grow_with_the_rows(rows: int, jobs: int, settled: int, saved: Path, tmp_path: Path) -> None:
    table = tmp_path / "long.csv"
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
