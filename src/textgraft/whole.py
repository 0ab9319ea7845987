"""Files and folders that are there whole or not at all, whatever happens to the process that writes them.

What is written stands beside its place under a hidden name, ``.NAME.MACHINE.TOKEN.part``, and takes the place when it
is complete and on the disk. A folder takes that of another by one exchange of their names, where the system and the
file system have it. Elsewhere the earlier one is set aside as ``.NAME.MACHINE.TOKEN.old`` between two renames.

What a killed writer leaves goes with the next write into the same folder. A writer holds a lock on its ``.part``: if
the lock can be taken, nobody writes it any more. Without locks, and for a part of another machine, which may not see
ours, it must have been still for a day, too. An ``.old`` is put back if its place is empty and deleted if it is not. A
living writer can bear both: it finds its place taken, and replaces what is there once more.

Earlier releases named what they wrote for their process, ``.NAME.PID.part``, ``.old`` and ``.export``, and left it
there. Whoever writes or looks for ``NAME`` treats it alike, once there is no such process.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HIDDEN = re.compile(r"\.(?P<name>.+)\.(?P<machine>[0-9a-f]{6})\.[0-9a-f]{8}\.(?P<kind>part|old)", re.DOTALL)
EARLIER = re.compile(r"\.(?P<name>.+)\.(?P<pid>[0-9]{1,10})\.(?P<kind>part|old|export)", re.DOTALL)
MACHINE = hashlib.blake2b(platform.node().encode("utf-8", "surrogateescape"), digest_size=3).hexdigest()
A_DAY = 86_400  # seconds
TAKEN = {errno.ENOTEMPTY, errno.EEXIST}  # a folder cannot be renamed onto one that holds something
LACKING = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.ENOLCK}


@contextmanager
def whole_file(path: str | Path, *, durable: bool = True) -> Iterator[Path]:
    """A new file that takes the place of ``path`` when the block ends well, and is deleted if not.

    Args:
        path: parent folders are made; of a link, what it leads to is replaced.
        durable: whether it must outlast a loss of power. What is soon made again, or lies in a folder that becomes
            durable as a whole, need not.

    Yields:
        Where to write it; an empty file is there.

    Raises:
        OSError: it cannot be written, or something is there that is no file, such as a device, and stays.
    """
    if os.path.exists(path) and not Path(path).is_file():  # noqa: PTH110 - no error of a part of it
        raise FileExistsError(errno.EEXIST, "What is there is no file, and stays as it is", str(path))
    with _part(path, lambda part: part.open("xb").close()) as (part, place):
        usual = part.stat().st_mode
        yield part
        _permit(part, usual)
        if durable:
            sync(part)
        part.replace(place)
        if durable:
            sync(place.parent)


@contextmanager
def whole_folder(path: str | Path, *, durable: bool = True) -> Iterator[Path]:
    """A new folder that takes the place of ``path``, and of all that is in it; otherwise as ``whole_file``."""
    with _part(path, Path.mkdir) as (part, place):
        usual = part.stat().st_mode
        yield part
        for written in part.rglob("*"):
            _permit(written, usual)
        for written in (*part.rglob("*"), part) if durable else ():
            sync(written)
        _take(part, place)
        if durable:
            sync(place.parent)


@contextmanager
def scratch_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder beside ``path``, on the same disk, for this user alone; it is deleted at the end of the block."""
    with _part(path, lambda part: part.mkdir(0o700)) as (part, _):
        yield part


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder among the system's temporary files, otherwise as ``scratch_folder``.

    Python's own would stay for ever where the process is killed.
    """
    from tempfile import gettempdir

    with scratch_folder(Path(gettempdir()) / "textgraft") as folder:
        yield folder


def remove(path: Path) -> None:
    """Deletes a file or folder; of one that is interrupted, the rest has a hidden name.

    Raises:
        OSError: it is not there, or cannot be renamed.
    """
    _delete(path.rename(_hidden(path, "part")))


def remove_leftovers(folder: Path) -> None:
    """Deletes what killed writers left in a folder, and puts back what they had set aside."""
    for hidden in _all_hidden(folder):
        path, place = folder / hidden.string, folder / hidden["name"]
        with suppress(OSError):  # it is somebody else's, or just goes
            if hidden["kind"] == "part":
                _delete_if_dead(path, hidden["machine"])
            elif place.exists() or recovered(place):
                _drop(path)


def recovered(path: str | Path) -> bool:
    """Puts back a folder that a killed writer had set aside; whether one is in its place now."""
    with suppress(OSError, ValueError):
        place = Path(os.path.realpath(path))
        aside = [f for f in _all_hidden(place.parent) if (f["name"], f["kind"]) == (place.name, "old")]
        olds = [place.parent / hidden.string for hidden in aside]
        olds += [old for old in _of_earlier_releases(place) if old.suffix == ".old"]
        for old in sorted(olds, key=lambda old: old.stat().st_ctime, reverse=True):
            old.rename(place)  # the last one first; the others find the place taken
    return Path(path).is_dir()


def _of_earlier_releases(place: Path) -> list[Path]:
    """The folders that processes of earlier releases left when they wrote ``place``; those that still run do not count.

    What another machine's process writes cannot be told; it would only fail, and what is there would stay.
    """
    found = []
    with suppress(OSError):
        for path in place.parent.iterdir():
            match = EARLIER.fullmatch(path.name)
            ours = match and match["name"] == place.name and not HIDDEN.fullmatch(path.name)
            if match and ours and path.is_dir() and not path.is_symlink() and not _runs(int(match["pid"]), path):
                found.append(path)
    return found


def _runs(pid: int, path: Path) -> bool:
    """Whether a process runs; where that cannot be asked, whether its folder was written to within a day."""
    if os.name == "nt":  # where such a signal ends it
        return time.time() - path.stat().st_mtime < A_DAY
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid > 0


def link(source: Path, place: Path) -> None:
    """A further name of a file, or a copy where that cannot be: on another disk, or without hard links."""
    try:
        place.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, place)


def sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk; where nobody can say so, it does nothing."""
    try:
        handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in LACKING:
            raise
    finally:
        os.close(handle)


def lock(path: Path) -> int | None:
    """Locks a file or folder until the handle that is returned is closed, or the process ends.

    Returns:
        None where there are no such locks, as on Windows.

    Raises:
        BlockingIOError: it is locked already, here or in another process.
        OSError: it is not there, or cannot be opened.
    """
    try:
        import fcntl
    except ImportError:
        return None
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held the lock may have renamed it meanwhile.
        if not os.path.samestat(os.fstat(handle), path.stat()):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    except OSError as error:
        os.close(handle)
        if error.errno in LACKING:
            return None
        raise
    return handle


def _permit(file: Path, usual: int) -> None:
    """Gives a file the permissions that the umask leaves, whatever wrote it: some libraries let only its owner read."""
    with suppress(PermissionError):  # a further name of somebody else's file
        if file.is_file() and not file.is_symlink() and file.stat().st_mode & 0o777 != usual & 0o666:
            file.chmod(usual & 0o666)


@contextmanager
def _part(path: str | Path, make: Callable[[Path], None]) -> Iterator[tuple[Path, Path]]:
    """A part, made and locked, and its place; at the end it is deleted, and so are new parents that stay empty."""
    place = Path(os.path.realpath(path))
    parents = [parent for parent in place.parents if not parent.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(place.parent)
        there = place.exists() or recovered(place)
        for old in _of_earlier_releases(place):
            if there or old.suffix != ".old":
                _delete(old)
        part, handle = _begun(place, make)
        try:
            yield part, place
        finally:
            _delete(part)
            if handle is not None:
                os.close(handle)
    finally:
        with suppress(OSError):
            for parent in parents:
                parent.rmdir()


def _begun(place: Path, make: Callable[[Path], None]) -> tuple[Path, int | None]:
    while True:
        part = _hidden(place, "part")
        make(part)
        with suppress(BlockingIOError, FileNotFoundError):  # taken for a leftover just before it was locked
            return part, lock(part)


def _take(part: Path, place: Path) -> None:
    """Gives a folder its place; one that was there has the name of the part afterwards, or is gone."""
    earlier: Path | None = None
    while True:
        try:
            part.rename(place)
        except OSError as error:
            if error.errno not in TAKEN:
                if earlier is not None:
                    earlier.rename(place)
                raise
        else:
            break
        if earlier is not None:  # another writer has put it back, or something newer in its place
            _drop(earlier)
        try:
            if _exchange(part, place):
                return
            earlier = place.rename(_hidden(place, "old"))
        except FileNotFoundError:  # another writer has just set aside what was there
            if not part.exists():
                raise
    if earlier is not None:
        _drop(earlier)


def _exchange(first: Path, second: Path) -> bool:
    """Exchanges the names of two folders in one step; False where the system or the file system cannot."""
    if sys.platform == "win32":
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "darwin":
            failed = libc.renamex_np(*names, 2)  # RENAME_SWAP
        else:
            failed = libc.renameat2(-100, names[0], -100, names[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
    except AttributeError:  # a C library without it
        return False
    code = ctypes.get_errno() if failed else 0
    if failed and code not in LACKING:
        raise OSError(code, os.strerror(code), str(first), None, str(second))
    return not failed


def _delete_if_dead(part: Path, machine: str) -> None:
    handle = lock(part)
    try:
        ours = handle is not None and machine == MACHINE
        if ours or time.time() - max(path.stat().st_mtime for path in (part, *part.rglob("*"))) > A_DAY:
            _delete(part)
    finally:
        if handle is not None:
            os.close(handle)


def _drop(old: Path) -> None:
    with suppress(OSError):
        _delete(old.rename(old.with_suffix(".part")))  # so that what is called .old is whole, always


def _delete(path: Path) -> None:
    """Deletes a file, or a folder with all that is in it, as far as that can be."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)  # else a folder that may only be read would stay
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _all_hidden(folder: Path) -> list[re.Match[str]]:
    with suppress(OSError):
        return [match for path in folder.iterdir() if (match := HIDDEN.fullmatch(path.name))]
    return []


def _hidden(place: Path, kind: str) -> Path:
    return place.with_name(f".{place.name}.{MACHINE}.{secrets.token_hex(4)}.{kind}")
