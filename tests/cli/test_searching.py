"""A search as a command: what it writes and says, and what is left of one that is killed or stopped."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from textgraft import load

from ..ladder.races import dataset
from .commands import COMMAND, process, refused, said, textgraft


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 texts in two labels."""
    path = tmp_path_factory.mktemp("table") / "table.csv"
    data = dataset(600)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("text", "label"))
        rows.writerows((text, data.task.labels[y]) for text, y in zip(data.texts, data.targets.tolist(), strict=True))
    return path


def words(table: Path, out: Path) -> list[str]:
    """A search among n-grams alone, with more time than it needs."""
    return ["compare", str(table), "--methods", "ngrams", "--budget", "10m", "--out", str(out), "--json"]


def begun(words: list[str], memory: Path, pieces: int, end: signal.Signals) -> subprocess.CompletedProcess[str]:
    """A process that is sent a signal once so many pieces of work are done, and has ended."""
    running = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(list(memory.glob("*.safetensors"))) < pieces and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(end)
    output, errors = running.communicate(timeout=300)
    return subprocess.CompletedProcess(words, running.returncode, output, errors)


def test_a_budget_alone_trains_the_best_and_shows_what_was_tried(table: Path, tmp_path: Path) -> None:
    shown = said("compare", table, "--methods", "ngrams", "--budget", "10m", "--out", tmp_path / "model")
    assert "Chosen: ngrams" in shown
    assert "All that was tried, out of fold" in shown
    assert load(tmp_path / "model").method == "ngrams"
    assert (tmp_path / "model.search" / "search.json").is_file()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--method", "auto"), "--method auto needs the time that it may take: --budget 10m"),
        (("--budget", "soon"), "budget must be a time above zero, such as 90s, 10m or 1h; got 'soon'"),
        (("--budget", "1s"), "A budget of 1 s is too short for anything on 600 rows"),
        (("--budget", "1m", "--tensorboard"), "--tensorboard is for recurrent and finetune"),
        (("--budget", "1m", "--members", "ngrams,features"), "--members means nothing to what is tried"),
    ],
)
def test_what_cannot_be_searched_is_refused(table: Path, tmp_path: Path, more: tuple[str, ...], says: str) -> None:
    assert says in refused("train", table, "--out", tmp_path / "model", *more)
    assert not (tmp_path / "model").exists()


def test_a_budget_of_a_network_is_its_own(table: Path, tmp_path: Path) -> None:
    ended = textgraft("train", table, "--out", tmp_path / "m", "--method", "ngrams", "--budget", "1m")
    assert "--budget means nothing to ngrams" in ended.stderr


@pytest.mark.slow
def test_killed_at_three_moments_and_gone_on_with_it_chooses_the_same_and_does_nothing_twice(
    table: Path, tmp_path: Path
) -> None:
    whole = json.loads(said(*words(table, tmp_path / "whole")))
    out, memory = tmp_path / "model", tmp_path / "model.search"
    written: dict[str, int] = {}
    for pieces in (1, 4, 7):
        more = ["--resume"] if memory.exists() else []
        ended = begun([*words(table, out), *more], memory, pieces, signal.SIGKILL)
        assert ended.returncode == -signal.SIGKILL
        now = {path.name: path.stat().st_mtime_ns for path in memory.glob("*.safetensors")}
        assert written.items() <= now.items()
        written = now
    found = json.loads(said(*words(table, out), "--resume"))
    assert written.items() <= {path.name: path.stat().st_mtime_ns for path in memory.glob("*.safetensors")}.items()
    assert found["chosen"] == whole["chosen"]
    assert found["metrics"] == whole["metrics"]
    assert [each["value"] for each in found["tried"]] == [each["value"] for each in whole["tried"]]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_leaves_a_saved_model_and_a_table(table: Path, tmp_path: Path) -> None:
    ended = begun(words(table, tmp_path / "model"), tmp_path / "model.search", 4, signal.SIGINT)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["stopped"]
    assert found["tried"]
    assert "Stopping early" in ended.stderr
    assert process("predict", tmp_path / "model", "bright and quick").returncode == 0
