"""Commands whose disk is full, or whose output is a device: a sentence, exit code 1, and nothing half-written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from textgraft.analysis.corrections import digest

from ..disks import can_mount, mounted
from .commands import COMMAND, refused, said


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "t.csv"
    lines = (f"{('good', 'bad')[i % 2]} film {i},{('a', 'b')[i % 2]}\n" for i in range(5000))
    path.write_text("text,label\n" + "".join(lines), "utf-8")
    (path.parent / "c.csv").write_text(f"row,corrected,digest\n1,b,{digest('good film 0')}\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def model(table: Path) -> Path:
    small = table.parent / "small.csv"
    small.write_text("".join(table.read_text("utf-8").splitlines(keepends=True)[:201]), "utf-8")
    said("train", small, "--out", table.parent / "m")
    return table.parent / "m"


def one_sentence(errors: str) -> str:
    (sentence,) = (line for line in errors.splitlines() if line.startswith("Error: "))
    assert "Traceback" not in errors
    assert "fault here" not in errors
    return sentence


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "TABLE", "--html", "DISK/page.html"],
        ["evaluate", "MODEL", "TABLE", "--html", "DISK/new/page.html"],
        ["errors", "MODEL", "SMALL", "--html", "DISK/page.html"],
        ["apply-corrections", "TABLE", "CORRECTIONS", "--out", "DISK/copy.csv"],
        ["train", "TABLE", "--out", "DISK/m"],
        *(["predict", "MODEL", "--input", "TABLE", "--output", f"DISK/p.{end}"] for end in ("csv", "jsonl", "parquet")),
        ["predict", "MODEL", "--input", "TABLE", "--output", "DISK/p.csv", "--resume"],
        ["predict", "MODEL", "--input", "TABLE", "--output", "DISK/p.csv", "--jobs", "2"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("disk", ["size=4k", "nr_inodes=2"])
def test_a_full_disk_is_a_sentence_and_nothing_is_left(
    words: list[str], disk: str, table: Path, model: Path, tmp_path: Path
) -> None:
    if not can_mount():
        pytest.skip("needs Linux and file systems of one's own")
    if "--resume" in words and disk == "nr_inodes=2":
        pytest.skip("the output is a file by itself; only what to go on from is lacking")
    (place := tmp_path / "disk").mkdir()
    known = {"TABLE": str(table), "MODEL": str(model), "CORRECTIONS": str(table.parent / "c.csv")}
    known["SMALL"] = str(table.parent / "small.csv")
    given = [known.get(word, word.replace("DISK", str(place))) for word in words]
    listing = ["sh", "-c", f'"$@"; code=$?; find {place} -mindepth 1; exit $code', "sh", *COMMAND, *given]
    mount = f"mount -t tmpfs -o {disk} tmpfs {place}"
    if disk == "nr_inodes=2":
        mount += f" && touch {place}/taken"
    ended = subprocess.run(mounted(mount, listing), capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    assert "No space left on device" in one_sentence(ended.stderr)
    left = [line for line in ended.stdout.splitlines() if line.startswith(str(place))]
    assert left == ([f"{place}/taken"] if disk == "nr_inodes=2" else [])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "TABLE"],
        ["inspect", "TABLE", "--json"],
        ["evaluate", "MODEL", "TABLE", "--json"],
        ["predict", "MODEL", "--input", "TABLE"],
        ["predict", "MODEL", "a text"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_standard_output_that_takes_nothing_is_a_sentence(words: list[str], table: Path, model: Path) -> None:
    known = {"TABLE": str(table), "MODEL": str(model)}
    with Path("/dev/full").open("w") as full:
        command = [*COMMAND, *(known.get(word, word) for word in words)]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert one_sentence(ended.stderr) == "Error: No space left on device."


def test_what_is_no_file_is_never_replaced(table: Path, model: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "p.csv"
    os.mkfifo(pipe)
    assert "p.csv is no file, and stays as it is; give the name of one" in refused(
        "predict", model, "--input", table, "--output", pipe
    )
    assert "What is there is no file, and stays as it is" in refused("inspect", table, "--html", pipe)
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]
