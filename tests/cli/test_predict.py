"""``textgraft predict`` as it is interrupted: killed, stopped, gone on with."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from textgraft import NgramClassifier

from .commands import COMMAND, refused, textgraft

# Every piece is made to outlast a kill, not only one a second, so that small tables are enough.
EAGER = [
    sys.executable,
    "-c",
    "import textgraft.prediction.part_file as h; h.COMMIT_SECONDS = 0; from textgraft.cli import main; main()",
]
ROWS = 50_000
WORDS = ["good", "bad", "fine", "dull", "film", "book", "the", "a", "of", "very", "great", "awful"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = ["good film", "bad film", "fine book", "dull book"] * 6
    return NgramClassifier().fit(texts, ["yes", "no"] * 12).save(tmp_path_factory.mktemp("model") / "m")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two long tables and several short ones, with a blank text each."""
    folder, rng = tmp_path_factory.mktemp("tables"), random.Random(7)

    def fill(path: Path, rows: int) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.write("id,text\n")
            file.writelines(f"{i},{' '.join(rng.choices(WORDS, k=4))} é{i}\n" for i in range(rows))
            file.write('last,""\n')

    fill(folder / "long.csv", ROWS)
    fill(folder / "longer.csv", 8 * ROWS)  # takes so long that nobody who looks is too late
    for i in range(40):
        fill(folder / f"short{i:02}.csv", 1000)
    return folder


def words(model: Path, source: object, output: Path, *more: object) -> list[str]:
    return [str(word) for word in ("predict", model, "--input", source, "--output", output, "--keep", "id", *more)]


def kept(output: Path) -> int:
    """How many rows are there to go on from."""
    try:
        return int(json.loads(output.with_name(f".{output.name}.part.json").read_text())["rows"])
    except FileNotFoundError:
        return 0


def begun(command: list[str], ready: Callable[[], bool], *, base: list[str] = EAGER) -> subprocess.Popen[str]:
    """A run that has come so far; or to its end before anybody could look."""
    process = subprocess.Popen([*base, *command], stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not ready() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return process


@pytest.mark.parametrize(
    ("source", "ending", "more"),
    [
        ("long.csv", "csv", ["--all"]),
        pytest.param("short*.csv", "jsonl", [], marks=pytest.mark.slow),
        pytest.param("long.csv", "tsv", ["--jobs", "2"], marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    model: Path, tables: Path, tmp_path: Path, source: str, ending: str, more: list[str]
) -> None:
    whole, output = tmp_path / f"whole.{ending}", tmp_path / f"p.{ending}"
    told = textgraft(*words(model, tables / source, whole, *more)).stderr
    assert "blank" in told
    rng = random.Random(ending)
    command = words(model, tables / source, output, "--resume", *more)
    before = 0
    for _ in range(2):
        wanted = before + rng.randint(1, 20_000)
        process = begun(command, lambda wanted=wanted: kept(output) >= wanted)
        time.sleep(rng.random() / 20)
        process.kill()
        process.communicate()
        assert output.exists() or kept(output) > before
        before = kept(output)
    ended = textgraft(*command)
    assert ended.returncode == 0, ended.stderr
    assert output.read_bytes() == whole.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {whole.name, output.name}
    said = [line for line in ended.stderr.replace(output.name, whole.name).splitlines() if "Going on" not in line]
    assert said == told.splitlines()
    if before:
        assert f"Going on after the {before:,} rows of an interrupted run." in ended.stderr


def test_ctrl_c_keeps_what_is_written_only_where_it_is_to_be_gone_on_with(
    model: Path, tables: Path, tmp_path: Path
) -> None:
    output = tmp_path / "p.csv"
    process = begun(words(model, tables / "longer.csv", output, "--resume"), lambda: kept(output) > 0)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    last = errors.splitlines()[-1]
    assert re.fullmatch(r"Stopped; [0-9,]+ rows are kept, and the same command goes on from there\.", last)
    assert {path.name for path in tmp_path.iterdir()} == {".p.csv.part", ".p.csv.part.json"}
    assert "was made with other options (--all)" in refused(
        *words(model, tables / "longer.csv", output, "--resume", "--all")
    )
    ended = textgraft(*words(model, tables / "short00.csv", output))
    assert "Starting over; with --resume" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


def test_what_a_killed_run_leaves_is_removed_by_the_next(model: Path, tables: Path, tmp_path: Path) -> None:
    output, part = tmp_path / "p.csv", tmp_path / ".p.csv.part"
    process = begun(
        words(model, tables / "longer.csv", output), lambda: part.exists() and part.stat().st_size > 0, base=COMMAND
    )
    process.kill()
    process.communicate()
    assert textgraft(*words(model, tables / "short00.csv", output)).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]
    assert len(output.read_text().splitlines()) == 1002


@pytest.fixture
def endless(model: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[psutil.Process], Path]]:
    """A run of two jobs on lines that never end, its two processes, and its output."""
    output = tmp_path / "out" / "p.csv"
    output.parent.mkdir()
    producer = subprocess.Popen(["yes", "good film"], stdout=subprocess.PIPE)
    process = subprocess.Popen(
        [*COMMAND, "predict", str(model), "--jobs", "2", "--output", str(output)],
        stdin=producer.stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert producer.stdout is not None
    producer.stdout.close()
    part = output.with_name(".p.csv.part")
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    jobs = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    assert len(jobs) == 2
    yield process, jobs, output
    for one in (process, producer):
        one.kill()
        one.wait()


def test_a_job_that_is_killed_is_a_sentence_and_leaves_nothing(
    endless: tuple[subprocess.Popen[bytes], list[psutil.Process], Path],
) -> None:
    process, jobs, output = endless
    jobs[1].kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Error: One of 2 predicting processes was killed by SIGKILL. The system does so when memory" in errors
    assert b"Traceback" not in errors
    assert not list(output.parent.iterdir())
    assert not psutil.wait_procs(jobs, timeout=60)[1]


def test_ctrl_c_ends_all_jobs_without_a_word_from_them(
    endless: tuple[subprocess.Popen[bytes], list[psutil.Process], Path],
) -> None:
    process, jobs, output = endless
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, which tells all of them
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode().splitlines() == ["Stopped."]
    assert not list(output.parent.iterdir())
    assert not psutil.wait_procs(jobs, timeout=60)[1]


@pytest.mark.slow
def test_a_job_that_is_killed_leaves_what_is_to_be_gone_on_with(model: Path, tables: Path, tmp_path: Path) -> None:
    whole, output = tmp_path / "whole.csv", tmp_path / "p.csv"
    textgraft(*words(model, tables / "longer.csv", whole))
    command = words(model, tables / "longer.csv", output, "--resume", "--jobs", 2)
    process = begun(command, lambda: kept(output) > 0)
    jobs = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    jobs[0].kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search("^[0-9,]+ rows are kept, and the same command goes on from there", errors, re.MULTILINE)
    assert textgraft(*command).returncode == 0
    assert output.read_bytes() == whole.read_bytes()


def test_ctrl_c_ends_a_run_that_waits_for_standard_input(model: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "predict", str(model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"good film\n" * 20_000)
    process.stdin.flush()
    process.stdout.readline()  # it has predicted, and waits for more lines or is about to
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode().splitlines() == ["Stopped."]


def test_what_cannot_be_is_a_sentence(model: Path, tables: Path, tmp_path: Path) -> None:
    table, output = tables / "short00.csv", tmp_path / "p.csv"
    assert "--jobs must be a whole number from 1 on; got 0" in refused(*words(model, table, output, "--jobs", 0))
    assert "give --input and --output too" in refused("predict", str(model), "--input", str(table), "--resume")
    assert "give --input and --output too" in refused("predict", str(model), "a", "--output", str(output), "--resume")
    assert "There is no file" in refused(*words(model, tables / "none.csv", output, "--resume"))
    assert "no column 'idd' to keep" in refused(*words(model, table, output, "--resume", "--keep", "idd"))
    assert list(tmp_path.iterdir()) == []
