"""Nothing outside of a folder that is read is read, whatever lies in it; and very wide tables are read in seconds."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

import textgraft as tg
from textgraft.data.sources.options import ReadOptions
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


@pytest.mark.parametrize("how", ["files", "files of one class", "class folders", "texts alone", "leading nowhere"])
def test_a_folder_of_links_alone_is_said_to_be_one(how: str, tmp_path: Path) -> None:
    store, folder = folder_of_texts(tmp_path / "store"), tmp_path / "texts"
    if how == "class folders":
        folder.mkdir()
        for label in ("good", "bad"):
            (folder / label).symlink_to(store / label)
    elif how == "texts alone":
        folder.mkdir()
        (folder / "0.txt").symlink_to(store / "good" / "0.txt")
    else:
        for label in ("good",) if how == "files of one class" else ("good", "bad"):
            (folder / label).mkdir(parents=True)
            (folder / label / "0.txt").symlink_to("gone" if how == "leading nowhere" else store / label / "0.txt")
    with pytest.raises(DataError, match=r"holds links and no files, as git-annex and DVC leave it, .* cp -rL does"):
        tg.read_table(folder)


def test_a_class_of_links_is_not_said_to_be_empty(tmp_path: Path) -> None:
    folder = folder_of_texts(tmp_path / "texts")
    (folder / "other").mkdir()
    (folder / "other" / "0.txt").symlink_to(tmp_path)
    (folder / "none").mkdir()
    notes = " ".join(tg.read_table(folder).notes)
    assert "texts/other holds no files; it is left out." in notes
    assert "texts/none is empty; it is left out." in notes


def test_a_file_of_two_names_is_two_texts(tmp_path: Path) -> None:
    folder = folder_of_texts(tmp_path / "texts")
    os.link(folder / "good" / "0.txt", folder / "good" / "again.txt")
    assert tg.read_table(folder).texts.count("a good film 0") == 2


def test_names_that_look_alike_are_read_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    names = ["caf\u00e9", "cafe\u0301", "Good", "GOOD", "good"]
    for i, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for file in ("a.txt", "A.txt", "\u00e9.txt", "e\u0301.txt"):
            (folder / name / file).write_text(f"text {i} {file}")
    if len(list(folder.iterdir())) < len(names):
        pytest.skip("this file system takes names that look alike for one")
    data = tg.read_table(folder)
    assert len(data) == 4 * len(names)
    assert set(data.task.labels) == set(names)


def test_folders_of_any_depth_are_read(tmp_path: Path) -> None:
    folder = folder_of_texts(tmp_path / "texts")
    before, depth = Path.cwd(), 1_200
    os.chdir(folder / "good")
    try:
        for _ in range(depth):
            Path("d").mkdir()
            os.chdir("d")
        Path("deep.txt").write_text("a deep film")
        assert "a deep film" in tg.read_table(folder).texts
        for _ in range(depth):  # deeper than what removes it could go
            Path("deep.txt").unlink(missing_ok=True)
            os.chdir("..")
            Path("d").rmdir()
    finally:
        os.chdir(before)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs the users and modes of Unix")
@pytest.mark.parametrize(
    ("closed", "said"),
    [
        ("bad", "bad cannot be read: Permission denied."),
        ("bad/0.txt", "bad/0.txt line 1: it cannot be opened: Permission denied. Mend the file"),
    ],
)
def test_a_folder_or_file_that_may_not_be_read_is_named(closed: str, said: str) -> None:
    with tempfile.TemporaryDirectory() as place:  # not pytest's, into which only its own user may look
        Path(place).chmod(0o755)
        folder = folder_of_texts(Path(place) / "texts")
        code = (
            "import os, textgraft as tg\n"
            f"tg.read_table({str(folder)!r})\n"  # all is imported before this user may not
            f"os.chmod({str(folder / closed)!r}, 0)\n"
            "os.getuid() or os.setresuid(65534, 65534, 65534)\n"
            f"try: tg.read_table({str(folder)!r})\n"
            "except tg.errors.TextgraftError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        (folder / closed).chmod(0o755)
        assert done.stderr == ""
        assert said in done.stdout


@pytest.mark.parametrize("packing", ["zip", "tar"])
@pytest.mark.parametrize("leads", ["../secret.csv", "/{}/secret.csv", "link", "device"])
def test_members_of_an_archive_lead_to_nothing_outside(packing: str, leads: str, tmp_path: Path) -> None:
    secret, archive = tmp_path / "secret.csv", tmp_path / "in" / f"t.{packing}"
    secret.write_text("text,label\n" + "a secret film,x\n" * 5)
    archive.parent.mkdir()
    name = leads.format(tmp_path).replace("//", "/")
    if packing == "zip":
        with zipfile.ZipFile(archive, "w") as made:
            member = zipfile.ZipInfo(name if "/" in name else "t.csv")
            if name == "link":
                member.external_attr = (stat.S_IFLNK | 0o777) << 16
            made.writestr(member, str(secret) if name == "link" else "text,label\n" + "a book,x\na film,y\n" * 5)
    else:
        with tarfile.open(archive, "w") as made:
            member = tarfile.TarInfo(name if "/" in name else "t.csv")
            kinds = {"link": tarfile.SYMTYPE, "device": tarfile.CHRTYPE}
            member.type = kinds.get(name, tarfile.REGTYPE)
            member.linkname = str(secret)
            content = b"text,label\n" + b"a book,x\na film,y\n" * 5
            member.size = len(content) if member.type == tarfile.REGTYPE else 0
            made.addfile(member, io.BytesIO(content))
    before = sorted(tmp_path.rglob("*"))
    with contextlib.suppress(DataError):
        assert set(tg.read_table(archive).texts) == {"a book", "a film"}
    assert sorted(tmp_path.rglob("*")) == before
    assert "a secret film" in secret.read_text()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_writes_attaches_and_loads_nothing(mode: str, tmp_path: Path) -> None:
    database, other = tmp_path / "t.db", tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("create table secret (text, label)")
        connection.commit()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            f"pragma journal_mode={mode}; create table t (text, label); create table log (text);"
            + "insert into t values ('a book', 'x'), ('a film', 'y');" * 5
            + f"create view v as select load_extension('{tmp_path}/e.so') as text, writefile('{tmp_path}/w', 'x') as "
            "label from t; create trigger r instead of insert on v begin insert into log values ('x'); end;"
        )
        connection.commit()
    content, files = database.read_bytes(), sorted(tmp_path.iterdir())
    assert len(tg.read_table(database, options=ReadOptions(table="t"))) == 10
    for view in ("v", "secret", "t; attach 'other.db' as o"):
        with pytest.raises(DataError):
            tg.read_table(database, options=ReadOptions(table=view))
    assert database.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == files


def test_folders_of_parquet_lead_to_nothing_outside(tmp_path: Path) -> None:
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    outside, folder = tmp_path / "outside.parquet", tmp_path / "parts"
    table = {"text": ["a film", "a book"] * 5, "label": ["x", "y"] * 5}
    pq.write_table(pa.table(table | {"text": ["a secret film"] * 10}), outside)
    (folder / "year=1").mkdir(parents=True)
    pq.write_table(pa.table(table), folder / "year=1" / "a.parquet")
    (folder / "year=2").mkdir()
    (folder / "year=2" / "b.parquet").symlink_to(outside)
    (folder / "year=3").symlink_to(tmp_path)
    with pytest.raises(DataError, match=r"a table|folder"):
        tg.read_table(folder)
    data = tg.read_table(str(folder / "year=1" / "*.parquet"))
    assert len(data) == 10
