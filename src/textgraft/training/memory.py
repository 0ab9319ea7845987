"""Memory that was freed and that the C library keeps for later: with batches of ever new sizes it grows without end."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

ROOM = 512_000_000  # bytes


class Memory:
    """Returns freed memory to the system whenever the process has grown by half a gigabyte since the last time.

    Not more often, since what is in use must be paged in anew. Where the C library cannot do so, nothing is done.
    """

    def __init__(self) -> None:
        self._usual: int | None = None  # bytes, after the first step that followed

    def check(self) -> None:
        """To be called after every step."""
        now = resident()
        if self._usual is None:
            self._usual = now
        elif now > self._usual + ROOM:
            give_back()
            self._usual = None


def resident() -> int:
    """Bytes of memory that this process holds; 0 where that cannot be read."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0


def give_back() -> None:
    """Returns freed memory to the system, where the C library can."""
    with suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
