"""Files and folders written whole: processes are killed for real, two write at once, systems lack what others have."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from textgraft import whole
from textgraft.whole import recovered, remove_leftovers, scratch_folder, temporary_folder, whole_file, whole_folder

WRITER = """
import sys
from pathlib import Path
from textgraft import whole

root, how, first, last = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
if how == "two renames":
    whole._exchange = lambda *_: False
for version in range(first, last):
    with whole.whole_folder(root / "folder") as folder:
        for name in "abcd":
            (folder / name).write_text(f"{version} " * 1000)
    with whole.whole_file(root / "file") as part:
        part.write_text(f"{version} " * 1000)
    print(version, flush=True)
"""
HOW = ["exchange", "two renames"]


def writer(root: Path, how: str, first: int, last: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, str(root), how, str(first), str(last)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def versions(root: Path) -> tuple[int, int]:
    """The version of the folder and that of the file, each of which must be whole."""
    contents = [path.read_text() for path in (root / "folder").iterdir()]
    assert len(contents) == 4
    found = set(contents), {(root / "file").read_text()}
    for texts in found:
        (text,) = texts
        assert text == f"{text.split()[0]} " * 1000
    folder, file = (int(texts.pop().split()[0]) for texts in found)
    return folder, file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("how", HOW)
def test_after_every_kill_the_old_or_the_new_is_there_and_the_next_write_tidies_up(how: str, tmp_path: Path) -> None:
    chance = random.Random(0)
    for kill in range(10):
        first = 1_000_000 * kill
        process = writer(tmp_path, how, first, first + 1_000_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.02))
        process.kill()
        process.communicate()
        assert recovered(tmp_path / "folder")
        assert min(versions(tmp_path)) >= first
        writer(tmp_path, how, first + 999_999, first + 1_000_000).communicate()
        assert names(tmp_path) == ["file", "folder"]
        assert versions(tmp_path) == (first + 999_999,) * 2


@pytest.mark.parametrize("how", HOW)
def test_of_two_that_write_at_once_one_is_there_whole_and_nothing_else(how: str, tmp_path: Path) -> None:
    processes = [writer(tmp_path, how, first, first + 150) for first in (0, 1000)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert set(versions(tmp_path)) <= {149, 1149}
    assert names(tmp_path) == ["file", "folder"]


def test_a_folder_that_is_replaced_is_never_missing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    if not whole._exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system exchanges no names")
    writer(tmp_path, "exchange", 0, 1).communicate()
    process = writer(tmp_path, "exchange", 1, 100)
    while process.poll() is None:
        assert (tmp_path / "folder").is_dir()
        assert len((tmp_path / "file").read_text()) >= 2000
    process.communicate()
    assert versions(tmp_path) == (99, 99)


def test_what_a_living_writer_writes_stays(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a") as folder, whole_file(tmp_path / "b") as file, scratch_folder(tmp_path / "c"):
        before = names(tmp_path)
        writer(tmp_path, "exchange", 0, 1).communicate()
        assert set(before) < set(names(tmp_path))
        remove_leftovers(tmp_path)
        (folder / "inner").write_text("x")
        file.write_text("y")
    assert names(tmp_path) == ["a", "b", "file", "folder"]


def leftover(place: Path, machine: str, kind: str = "part") -> Path:
    folder = place.with_name(f".{place.name}.{machine}.01234567.{kind}")
    folder.mkdir()
    (folder / "inner").write_text("x")
    return folder


def older(folder: Path) -> None:
    for path in (folder / "inner", folder):
        os.utime(path, (time.time() - 2 * whole.A_DAY,) * 2)


@pytest.mark.parametrize("locks", [True, False])
def test_a_leftover_of_another_machine_or_without_locks_goes_when_it_was_still_for_a_day(
    locks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locks:
        monkeypatch.setattr(whole, "lock", lambda _: None)
    folder = leftover(tmp_path / "place", "012345" if locks else whole.MACHINE)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [folder.name]
    older(folder)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_one_of_this_machine_goes_at_once(tmp_path: Path) -> None:
    leftover(tmp_path / "place", whole.MACHINE)
    whole_file(tmp_path / "other").__enter__()
    assert not (tmp_path / f".place.{whole.MACHINE}.01234567.part").exists()


def test_files_that_only_look_alike_stay(tmp_path: Path) -> None:
    odd = [
        ".place.part",
        ".place.1234.part",
        ".hidden",
        "place.012345.01234567.part",
        ".place.012345.01234567.part.json",
    ]
    for name in odd:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(odd)


def test_of_what_was_set_aside_the_last_comes_back_and_the_rest_goes(tmp_path: Path) -> None:
    place = tmp_path / "place"
    for number in range(2):
        place.mkdir()
        (place / "number").write_text(str(number))
        place.rename(tmp_path / f".place.{whole.MACHINE}.0123456{1 - number}.old")
        time.sleep(0.01)
    with whole_file(tmp_path / "other"):
        pass
    assert names(tmp_path) == ["other", "place"]
    assert (place / "number").read_text() == "1"


def test_what_fails_leaves_what_was_there_and_no_new_folders(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        (part / "x" if part.is_dir() else part).write_text("after")
        raise KeyboardInterrupt

    (tmp_path / "file").write_text("before")
    for writing, name in ((whole_file, "file"), (whole_file, "new/parents/file"), (whole_folder, "new/folder")):
        with pytest.raises(KeyboardInterrupt), writing(tmp_path / name) as part:
            fail(part)
    with pytest.raises(NotADirectoryError), whole_folder(tmp_path / "file"):
        pass
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "before"


@pytest.mark.parametrize("there", [True, False])
def test_what_a_link_leads_to_is_replaced(there: bool, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "target"
    (tmp_path / "link").symlink_to(target)
    if there:
        target.mkdir()
        (target / "old").touch()
    with whole_folder(tmp_path / "link") as folder:
        (folder / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert names(target) == ["new"]
    assert names(tmp_path / "elsewhere") == ["target"]


def test_a_folder_that_may_only_be_read_is_replaced_and_goes(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "old").touch()
    place.chmod(0o555)
    with whole_folder(place) as folder:
        (folder / "new").touch()
    assert names(tmp_path) == ["place"]
    assert names(place) == ["new"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_what_is_written_has_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "file"), whole_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("file", "folder")] == [0o640, 0o750]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
@pytest.mark.parametrize(
    ("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o002, 0o664, 0o775), (0o077, 0o600, 0o700)]
)
def test_the_umask_decides_for_all_files_whatever_wrote_them(
    umask: int, file: int, folder: int, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        with whole_folder(tmp_path / "folder") as part:
            (part / "inner").mkdir()
            for name, mode in (("secret", 0o600), ("open", 0o666), ("run", 0o777), ("inner/secret", 0o400)):
                (part / name).touch()
                (part / name).chmod(mode)
        with whole_file(tmp_path / "file") as one:
            one.unlink()
            one.touch(0o600)
    finally:
        os.umask(before)
    found = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert found.pop("folder") == found.pop("folder/inner") == folder
    assert set(found.values()) == {file}


# A process that ends just before its n-th call of the system, while it replaces a folder and a file.
ENDS = """
import os, sys
from pathlib import Path
from textgraft import whole

root, how, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0

def counted(call):
    def counts(*args, **kwargs):
        global calls
        calls += 1
        if calls == last:
            os._exit(9)
        return call(*args, **kwargs)
    return counts

if how == "two renames":
    whole._exchange = lambda *_: False
else:
    whole._exchange = counted(whole._exchange)
for name in ("rename", "replace", "unlink", "remove", "rmdir", "mkdir", "fsync", "open", "close", "link", "chmod"):
    setattr(os, name, counted(getattr(os, name)))
with whole.whole_folder(root / "folder") as folder:
    for name in "abcd":
        (folder / name).write_text("2 " * 1000)
with whole.whole_file(root / "file") as part:
    part.write_text("2 " * 1000)
os._exit(0)
"""


def ends(root: Path, how: str, last: int) -> bool:
    """Whether a process ended in the middle."""
    words = [sys.executable, "-c", ENDS, str(root), how, str(last)]
    code = subprocess.run(words, check=False).returncode
    assert code in (0, 9)
    return code == 9


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such exchange")
@pytest.mark.parametrize("how", HOW)
def test_a_process_may_end_at_any_call_of_the_system(how: str, tmp_path: Path) -> None:
    calls, root = 1, tmp_path / "root"
    while True:
        writer(root, how, 1, 2).communicate()
        ended = ends(root, how, calls)
        assert recovered(root / "folder")
        assert set(versions(root)) <= {1, 2}
        # Whoever writes next beside it tidies up, and leaves what is there.
        before = versions(root)
        with whole_file(root / "other"):
            pass
        assert names(root) == ["file", "folder", "other"]
        assert versions(root) == before
        if not ended:
            break
        calls += 1
    assert calls > 20


@pytest.fixture
def dead() -> int:
    """The number of a process that was."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot ask for a process")
def test_leftovers_of_earlier_releases_go_but_for_those_of_the_living(dead: int, tmp_path: Path) -> None:
    for kind in ("part", "export", "old"):
        for pid in (dead, os.getpid()):
            (tmp_path / f".place.{pid}.{kind}").mkdir()
            (tmp_path / f".place.{pid}.{kind}" / "model.safetensors").write_text("x")
    odd = [f".other.{dead}.part", f".place.{dead}.json", f"place.{dead}.part"]
    for name in odd:
        (tmp_path / name).mkdir()
    (tmp_path / f".place.{dead}0.part").touch()  # a file is none
    for _ in range(2):
        with whole_folder(tmp_path / "place") as folder:
            (folder / "new").touch()
    living = [f".place.{os.getpid()}.{kind}" for kind in ("part", "export", "old")]
    assert names(tmp_path) == sorted([*odd, *living, f".place.{dead}0.part", "place"])
    assert names(tmp_path / "place") == ["new"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot ask for a process")
def test_what_an_earlier_release_had_set_aside_is_put_back(dead: int, tmp_path: Path) -> None:
    (tmp_path / f".place.{dead}.old").mkdir()
    (tmp_path / f".place.{dead}.part").mkdir()
    assert recovered(tmp_path / "place")
    assert names(tmp_path) == [f".place.{dead}.part", "place"]


def test_thirty_kills_of_an_earlier_release_leave_nothing(tmp_path: Path) -> None:
    for pid in range(4_000_000_000, 4_000_000_030):  # more than any system gives
        (tmp_path / f".place.{pid}.part").mkdir()
    with whole_file(tmp_path / "place"):
        pass
    assert names(tmp_path) == ["place"]


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    def write(place: Path) -> None:
        with whole_file(place) as part:
            part.write_text("new")

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(FileExistsError, match="What is there is no file, and stays as it is"):
            write(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert names(tmp_path) == ["link", "pipe"]


def test_temporary_folders_are_private_and_those_of_killed_processes_go_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os; from textgraft.whole import temporary_folder as t; c = t(); c.__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)}, check=False)
    assert len(names(tmp_path)) == 1
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_folder() as folder:
        assert names(tmp_path) == [folder.name]
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not names(tmp_path)
