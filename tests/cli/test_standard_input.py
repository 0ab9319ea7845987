"""Tables from a pipe, as a shell gives them: each command reads it once, and the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .commands import COMMAND, process, refused

TABLE = "text,label\n" + "".join(
    f"a {how} film number {i},{label}\n" for i in range(20) for how, label in (("good", "yes"), ("bad", "no"))
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    done = process("train", "-", "--out", tmp_path / "m", "--test-size", "0", stdin=TABLE)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("standard input: Text: 'text'")
    return tmp_path / "m"


def test_predictions_of_a_pipe_are_those_of_the_file(model: Path, tmp_path: Path) -> None:
    table, output = tmp_path / "t.csv", tmp_path / "p.csv"
    table.write_text(TABLE, "utf-8")
    assert process("predict", model, "--input", table, "--output", output).returncode == 0
    expected = output.read_text("utf-8")
    words = ("predict", model, "--input", "-", "--keep", "label")
    for more in ((), ("--jobs", "2")):
        done = process("predict", model, "--input", "-", *more, stdin=TABLE)
        assert done.stdout == expected.replace(str(table), "standard input"), done.stderr
    assert process(*words, stdin=TABLE).stdout.startswith(
        "file,row,input.label,text,label,probability\nstandard input,1,yes,"
    )
    shell = f'"$@" --input <(cat {table})'
    done = subprocess.run(
        ["bash", "-c", shell, "bash", *COMMAND, "predict", str(model)], capture_output=True, text=True, check=True
    )
    assert [line.partition(",")[2] for line in done.stdout.splitlines()[1:]] == [
        line.partition(",")[2] for line in expected.splitlines()[1:]
    ]


def test_lines_of_standard_input_are_texts_where_no_input_is_named(model: Path) -> None:
    done = process("predict", model, stdin="good film\nbad film\n")
    assert [line.split(",")[:3] for line in done.stdout.splitlines()] == [
        ["row", "text", "label"],
        ["1", "good film", "yes"],
        ["2", "bad film", "no"],
    ]


def test_what_cannot_be_is_a_sentence(model: Path, tmp_path: Path) -> None:
    sentence = "What standard input gives can be read once, so a run cannot be gone on with; save it as a file"
    assert sentence in refused("predict", model, "--input", "-", "--output", tmp_path / "p.csv", "--resume")
    assert "give - for one of the tables" in refused("train", "-", "--test", "-", "--out", tmp_path / "n")
    empty = process("inspect", "-", stdin="")
    assert (empty.returncode, empty.stderr) == (1, "Error: There are no rows to read. standard input is empty.\n")
