"""Where things that can be computed again are kept on disk."""

from __future__ import annotations

import atexit
import errno
import json
import os
import shutil
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from textgraft.whole import temporary_folder

SUMS: Final = "sums.json"
AT_ONCE: Final = 1 << 24  # bytes that are summed
REMEDY: Final = "set TEXTGRAFT_CACHE to a folder that can be written to and has room"
T = TypeVar("T")


def cache_folder() -> Path:
    """``$TEXTGRAFT_CACHE``, else ``textgraft`` in the user's cache folder."""
    chosen = os.environ.get("TEXTGRAFT_CACHE")
    if chosen:
        return Path(chosen)
    try:
        home = Path("~").expanduser()
    except RuntimeError:  # a user without a home: nothing can be written there, and all goes on without a cache
        home = Path(os.devnull)
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "textgraft"


def made(name: str, make: Callable[[Path], T]) -> tuple[T, str]:
    """What must be written to go on: in a folder of the cache, or else in one for this process alone.

    Args:
        name: of the folder.
        make: makes it in a folder, or finds there what was made before; raises OSError where it cannot be written.

    Returns:
        What ``make`` gives, and a sentence on why it is not kept in the cache; empty where it is.

    Raises:
        OSError: it can be written in neither; says why not in the cache.
    """
    folder = cache_folder() / name
    try:
        return make(folder), ""
    except OSError as error:
        cause = error
    try:
        place = _passing() / name
        result = make(place)
    except OSError:
        raise cause from None
    return result, (
        f"Nothing can be kept in {folder} ({reason(cause)}), so what is made is kept in {place} until this process "
        f"ends; {REMEDY}."
    )


def seal(folder: Path, name: str) -> None:
    """Writes the checksums of all files of a folder beside them; of a folder of this name alone."""
    (folder / SUMS).write_text(_sums(folder, name), "utf-8")


def check_seal(folder: Path) -> None:
    """Checks a sealed folder, before any of it is parsed.

    Raises:
        ValueError: it is not as it was written, or was written as another.
        OSError: it cannot be read.
    """
    if not (folder / SUMS).is_file() or (folder / SUMS).read_text("utf-8") != _sums(folder, folder.name):
        raise ValueError("a file is not as it was written")


def _sums(folder: Path, name: str) -> str:
    """The CRC-32 of each file by its name, as JSON: 400,000 vectors of GloVe take a tenth of a second."""
    sums = {}
    for path in sorted(folder.iterdir()):
        if path.name == SUMS:
            continue
        if not path.is_file():
            raise ValueError(f"{path} is no file")
        value = zlib.crc32(f"{name}/{path.name}".encode())
        with path.open("rb") as file:
            while block := file.read(AT_ONCE):
                value = zlib.crc32(block, value)
        sums[path.name] = value
    return json.dumps(sums)


def reason(error: OSError) -> str:
    """Why something cannot be written, in a few words."""
    return error.strerror or str(error)


def no_room(folder: Path, needed: int) -> OSError | None:
    """The error that writing so many bytes into a folder would end with, if it would."""
    free = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free
    if needed <= free:
        return None
    return OSError(errno.ENOSPC, f"it needs about {readable(needed)}, and {readable(free)} are free")


def readable(size: float) -> str:
    """Bytes for people."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


@cache
def _passing() -> Path:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(temporary_folder())
