"""Nothing outside of a folder that is read is read, whatever lies in it; and very wide tables are read in seconds."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

import textgraft as tg
from textgraft.errors import DataError


def folder_of_texts(place: Path) -> Path:
    for label in ("good", "bad"):
        (place / label).mkdir(parents=True)
        for i in range(3):
            (place / label / f"{i}.txt").write_text(f"a {label} film {i}")
    return place


def test_links_and_what_is_no_file_are_left_out_of_a_folder_of_texts(tmp_path: Path) -> None:
    folder, outside = folder_of_texts(tmp_path / "texts"), folder_of_texts(tmp_path / "outside")
    (folder / "secret").symlink_to(outside / "good")
    (folder / "good" / "secret.txt").symlink_to(outside / "good" / "0.txt")
    (folder / "good" / "zero.txt").symlink_to("/dev/zero")
    (folder / "good" / "itself").symlink_to(folder)
    (folder / "bad" / "again.txt").symlink_to("0.txt")
    (folder / "bad" / "gone.txt").symlink_to("nowhere")
    os.mkfifo(folder / "bad" / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(folder / "bad")  # for its path may be too long for a socket's
        try:
            listening.bind("s")
        finally:
            os.chdir(before)
        data = tg.read_table(folder)
    assert sorted(data.texts) == sorted(f"a {label} film {i}" for label in ("good", "bad") for i in range(3))
    assert data.task.labels == ("bad", "good")
    notes = " ".join(data.notes)
    assert "are links and left out; nothing outside of the folder is read" in notes
    assert "neither a file nor a folder and left out." in notes


def test_a_pattern_of_all_folders_follows_no_links_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "t.csv").write_text("text,label\n" + "a film,x\na book,y\n" * 5)
    for name in ("one", "two"):
        (tmp_path / "a" / name).symlink_to(tmp_path)
    for pattern in (tmp_path / "**" / "*.csv", tmp_path / "a" / "**" / "t.csv"):
        assert len(tg.read_table(str(pattern))) == 10


@pytest.mark.parametrize("leads", ["splits up", "link to a split", "link to a file", "link to the state"])
def test_a_saved_data_set_leads_to_nothing_outside(leads: str, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    outside, root = tmp_path / "outside", tmp_path / "outside" / "saved"
    (root / "train").mkdir(parents=True)
    for folder in (outside, root / "train"):
        with pa.OSFile(str(folder / "data.arrow"), "wb") as sink:
            table = pa.table({"text": ["a film", "a book"] * 5, "label": ["x", "y"] * 5})
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    splits = ["train"]
    (root / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    assert len(tg.read_table(root)) == 10
    if leads == "splits up":
        splits = [".."]
    elif leads == "link to a split":
        (root / "test").symlink_to(outside)
        splits = ["train", "test"]
    else:
        name = "data.arrow" if leads == "link to a file" else "state.json"
        (root / "train" / name).unlink()
        (root / "train" / name).symlink_to(outside / name)
    (root / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    with pytest.raises(DataError, match=r"does not name its parts|is a link to a file outside of it"):
        tg.read_table(root)


def test_a_very_wide_table_is_read_and_one_wider_than_the_limit_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["text", "label", *(f"v{i}" for i in range(20_000))]
    rows = [[f"a film {i}", "xy"[i % 2], *("1" * 20_000)] for i in range(10)]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(map(",".join, [names, *rows])) + "\n")
    assert tg.read_table(table).columns.text == ("text",)
    monkeypatch.setenv("TEXTGRAFT_MOST_COLUMNS", "20000")
    with pytest.raises(DataError, match=r"20,002 columns are more than the 20,000 .* TEXTGRAFT_MOST_COLUMNS=20002"):
        tg.read_table(table)


def test_lines_of_json_that_share_no_keys_take_no_memory(tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text(
        "".join(json.dumps({"text": "a", **{f"{i}-{j}": 1 for j in range(25)}}) + "\n" for i in range(4_000))
    )
    with pytest.raises(DataError, match=r"cells of columns that their rows lack are more than"):
        tg.read_table(table)
