"""Corrections: whole or not at all, of labels that there are, and a table to train on."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from textgraft import ReadOptions, read_table
from textgraft.errors import DataError, SettingError
from textgraft.serving.feedback import Correction, Feedback, FullError, export_feedback
from textgraft.task import Task

from ..cli.commands import refused, textgraft

TASK = Task(("bad", "good"))
TAGS = Task(("a, b", "c|d", "e"), multi_label=True)


def correction(text: str, *labels: str, model: str = "m") -> Correction:
    return Correction("1-0", text, labels, model, "v")


@pytest.fixture
def kept(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path / "feedback.db")


def test_corrections_are_kept_in_their_order_across_restarts(kept: Feedback) -> None:
    assert kept.add(correction("fine", "good"), TASK) == 1
    assert Feedback(kept.path).add(correction('dull\n"x" \ud800', "bad"), TASK) == 2
    assert [(each.text, each.labels, several) for each, several in Feedback(kept.path)] == [
        ("fine", ("good",), False),
        ('dull\n"x" \ufffd', ("bad",), False),
    ]


@pytest.mark.parametrize(
    ("labels", "task", "said"),
    [
        (("fine",), TASK, "There is no label 'fine'"),
        ((), TASK, "A text has one label here; got 0"),
        (("good", "bad"), TASK, "A text has one label here; got 2"),
        (("e", "e"), TAGS, "A label is given twice"),
    ],
)
def test_labels_that_cannot_be_are_refused(kept: Feedback, labels: tuple[str, ...], task: Task, said: str) -> None:
    with pytest.raises(DataError, match=said):
        kept.add(correction("x", *labels), task)
    assert not list(kept)


def test_what_is_exported_is_read_as_a_table(kept: Feedback, tmp_path: Path) -> None:
    for text, label in (("fine, very", "good"), ("dull", "good"), ("dull", "bad"), ('so "so"\nnow', "bad")):
        kept.add(correction(text, label), TASK)
    for ending in ("csv", "tsv", "jsonl"):
        exported = export_feedback(kept.path, tmp_path / f"out.{ending}")
        assert exported.rows == 3
        [note] = exported.notes
        assert note.startswith("1 correction is of a text that was corrected again later; the last one counts (1 said ")
        data = read_table(tmp_path / f"out.{ending}")
        rows = dict(zip(data.texts, data.task.decode(data.targets), strict=True))
        assert rows == {"fine, very": "good", "dull": "bad", 'so "so"\nnow': "bad"}


def test_several_labels_are_read_as_they_were_given(kept: Feedback, tmp_path: Path) -> None:
    given = {"x y": ("a, b", "e"), "y z": ("c|d",), "z x": ("e", "c|d")}
    for text, labels in given.items():
        kept.add(correction(text, *labels), TAGS)
    export_feedback(kept.path, tmp_path / "out.jsonl")
    data = read_table(tmp_path / "out.jsonl")
    assert [set(each) for each in data.task.decode(data.targets)] == [set(each) for each in given.values()]
    [note] = export_feedback(kept.path, tmp_path / "out.csv").notes
    assert note == "Several labels are divided by ';': textgraft train TABLE --label-delimiter ';'."
    data = read_table(tmp_path / "out.csv", label_delimiter=";", options=ReadOptions(header=True))
    assert [set(each) for each in data.task.decode(data.targets)] == [set(each) for each in given.values()]


def test_of_several_models_one_must_be_named(kept: Feedback, tmp_path: Path) -> None:
    for model in ("m", "n"):
        kept.add(correction("fine", "good", model=model), TASK)
    with pytest.raises(DataError, match="corrections of 'm', 'n'; say which with --model"):
        export_feedback(kept.path, tmp_path / "out.csv")
    assert export_feedback(kept.path, tmp_path / "out.csv", model="n").rows == 1
    with pytest.raises(DataError, match="no corrections of the model 'o'"):
        export_feedback(kept.path, tmp_path / "out.csv", model="o")


def test_the_command_says_what_was_written(kept: Feedback, tmp_path: Path) -> None:
    kept.add(correction("fine", "good"), TASK)
    ended = textgraft("feedback", "export", kept.path, tmp_path / "out.csv")
    assert ended.returncode == 0
    assert "1 corrected text written to" in ended.stderr
    assert "There is no file" in refused("feedback", "export", tmp_path / "none.db", tmp_path / "out.csv")
    assert "must end with .csv, .tsv or .jsonl" in refused("feedback", "export", kept.path, tmp_path / "out.xlsx")


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(SettingError, match="cannot be used"):
        Feedback(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE things (x)")
    other.close()
    with pytest.raises(SettingError, match="is a database of something else"):
        Feedback(tmp_path / "other.db")
    with pytest.raises(SettingError, match="cannot be used"):
        Feedback(tmp_path / "no" / "folder.db")
    newer = Feedback(tmp_path / "newer.db")
    with sqlite3.connect(newer.path) as file:
        file.execute("PRAGMA user_version = 2")
    file.close()
    with pytest.raises(SettingError, match="newer textgraft"):
        Feedback(newer.path)


def test_a_correction_without_room_is_refused_and_leaves_nothing_half_written(
    kept: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.add(correction("fine", "good"), TASK)
    connect = sqlite3.connect

    def full(*given: object, **more: object) -> sqlite3.Connection:
        file = connect(*given, **more)  # type: ignore[call-overload]
        file.execute("PRAGMA max_page_count = 1")  # SQLite's own limit, which it meets as it does a full disk
        return file

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(FullError, match="there is no room for it"):
        kept.add(correction("long " * 10_000, "good"), TASK)
    monkeypatch.undo()
    assert [each.text for each, _ in kept] == ["fine"]
    kept.add(correction("dull", "bad"), TASK)


def test_several_processes_write_into_one_file_and_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from textgraft.serving.feedback import Correction, Feedback\n"
        "from textgraft.task import Task\n"
        "kept = Feedback(sys.argv[1])\n"
        "for i in range(20):\n"
        "    kept.add(Correction(str(i), f'{sys.argv[2]} {i}', ('good',), 'm', 'v'), Task(('bad', 'good')))\n"
    )
    place = tmp_path / "feedback.db"
    writers = [subprocess.Popen([sys.executable, "-c", code, place, name]) for name in "abc"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert sorted(each.text for each, _ in Feedback(place)) == sorted(
        f"{name} {i}" for name in "abc" for i in range(20)
    )
