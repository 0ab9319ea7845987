"""``predict_table`` in Python: what the command line writes, notes, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from textgraft import ReadOptions, predict_table
from textgraft.errors import SettingError
from textgraft.progress import listening

from .streams import MODEL, Sentences

COMMAND = [sys.executable, "-m", "textgraft", "predict"]
ROWS = 200_000  # so many that a run is seen before it ends


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MODEL.save(tmp_path_factory.mktemp("model") / "m")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rows that can be read, one of them blank, and one that cannot."""
    path = tmp_path_factory.mktemp("table") / "new.csv"
    path.write_text('id,text\n1,good film\n2,""\n3,dull,book,too\n4,"fine, book"\n', "utf-8")
    return path


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "long.csv"
    words = ("good", "bad", "fine", "dull", "film", "book")
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text\n")
        file.writelines(f"{i},{words[i % 6]} {words[i % 5]} é{i % 911}\n" for i in range(ROWS))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_python_and_the_command_line_write_the_same(saved: Path, table: Path, tmp_path: Path, ending: str) -> None:
    by_command, by_python, fitted = (tmp_path / f"{name}.{ending}" for name in ("command", "python", "fitted"))
    options = ["--keep", "id", "--all", "--skip-bad-rows", "--text", "text"]
    words = [*COMMAND, saved, "--input", table, "--output", by_command, *options]
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    said = Sentences()
    for model, output in ((saved, by_python), (MODEL, fitted)):
        said.clear()
        with listening(said):
            predicted = predict_table(
                model, table, output, text="text", options=ReadOptions(skip_bad_rows=True), keep="id", every=True
            )
        assert output.read_bytes() == by_command.read_bytes()
        assert (predicted.rows, predicted.blank) == (3, (f"{table} row 2",))
        assert [*said, *predicted.notes, f"3 predictions written to {by_command}."] == ended.stderr.splitlines()


RUN = """
import sys
import textgraft.prediction.part_file
from textgraft import predict_table
textgraft.prediction.part_file.COMMIT_SECONDS = 0
predict_table(sys.argv[1], sys.argv[2], sys.argv[3], keep="id", resume=True)
"""


def interrupted(saved: Path, table: Path, output: Path, how: signal.Signals) -> tuple[int, str]:
    """How many rows a run in Python left when it was stopped in the middle, and what it wrote on standard error."""
    journal = output.with_name(f".{output.name}.part.json")
    words = [sys.executable, "-c", RUN, saved, table, output]
    with subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, text=True) as process:
        while not journal.exists():
            assert process.poll() is None
            time.sleep(0.002)
        os.kill(process.pid, how)
        _, errors = process.communicate(timeout=60)
    return int(json.loads(journal.read_text("utf-8"))["rows"]), errors


def test_a_run_that_is_killed_is_gone_on_with_to_the_same_bytes(saved: Path, long: Path, tmp_path: Path) -> None:
    predict_table(saved, long, tmp_path / "whole.csv", keep="id")
    output, said = tmp_path / "p.csv", Sentences()
    rows, _ = interrupted(saved, long, output, signal.SIGKILL)
    with listening(said):
        predicted = predict_table(saved, long, output, keep="id", resume=True)
    assert predicted.rows == ROWS
    assert f"Going on after the {rows:,} rows of an interrupted run." in said
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.csv", "whole.csv"]


def test_the_command_line_goes_on_with_what_python_has_begun(saved: Path, long: Path, tmp_path: Path) -> None:
    output = tmp_path / "p.csv"
    rows, errors = interrupted(saved, long, output, signal.SIGINT)
    assert f"KeyboardInterrupt: {rows:,} rows are kept, and the same command goes on from there." in errors
    words = [*COMMAND, saved, "--input", long, "--output", output, "--keep", "id", "--resume"]
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    assert f"Going on after the {rows:,} rows" in ended.stderr
    assert len(output.read_text("utf-8").splitlines()) == ROWS + 1


def test_what_cannot_be_is_a_sentence_and_leaves_an_interrupted_run_as_it_was(
    saved: Path, long: Path, tmp_path: Path
) -> None:
    output = tmp_path / "p.csv"
    interrupted(saved, long, output, signal.SIGKILL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SettingError, match="jobs must be a whole number from 1 on; got 0"):
        predict_table(saved, long, output, jobs=0)
    with pytest.raises(SettingError, match="save the NgramClassifier, and give its directory"):
        predict_table(MODEL, long, output, jobs=2)
    with pytest.raises(SettingError, match="save the NgramClassifier, and give its directory"):
        predict_table(MODEL, long, output, resume=True)
    with pytest.raises(SettingError, match="give output too"):
        predict_table(saved, long, None, resume=True)
    with pytest.raises(SettingError, match=r"made with other options \(--all, --keep\); run as it was begun"):
        predict_table(saved, long, output, every=True, resume=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
