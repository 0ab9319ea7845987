from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from textgraft import load
from textgraft.errors import ArtifactError, SettingError, TextgraftError
from textgraft.hardware import cores
from textgraft.prediction import TEXTS_AT_ONCE, Texts, predict_stream
from textgraft.progress import listening

from .streams import MODEL, Sentences, endless, pieces, rows_of, threads


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


def test_a_process_that_is_killed_while_it_answers_is_a_sentence(saved: Path) -> None:
    # 64 MB an answer, more than any pipe holds: the process dies while this one reads, or before, or between two.
    dying = partial(
        eval,
        "type('Dying', (), {'scored': lambda self, texts: (__import__('threading').Timer("
        "0.01, __import__('os').kill, (__import__('os').getpid(), 9)).start() or "
        "__import__('numpy').zeros((len(texts), (1 << 24) // len(texts)), 'float32'), None)})()",
    )
    with pytest.raises(TextgraftError, match=r"One of 2 predicting processes was killed by SIGKILL"):
        list(predict_stream(MODEL, varied(9), jobs=2, reopen=dying))
    assert not children()


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
