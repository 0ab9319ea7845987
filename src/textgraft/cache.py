"""Where things that can be computed again are kept on disk."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$TEXTGRAFT_CACHE``, else ``textgraft`` in the user's cache folder."""
    chosen = os.environ.get("TEXTGRAFT_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~").expanduser() / ".cache") / "textgraft"
