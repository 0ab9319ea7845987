"""Where things that can be computed again are kept on disk."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


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


def room(name: str) -> tuple[Path, str]:
    """A folder for what must be written to go on, and why it is not the one in the cache; empty where it is.

    Where the cache cannot be written to, it is one for this process alone, which goes at its end.
    """
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder, ""
        reason = "it is read-only"
    except OSError as error:
        reason = error.strerror or str(error)
    place = _passing() / name
    place.mkdir(exist_ok=True)
    return place, (
        f"Nothing can be kept in {folder} ({reason}), so what is made is kept in {place} until this process ends; set "
        "TEXTGRAFT_CACHE to a folder that can be written to."
    )


@cache
def _passing() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="textgraft-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
