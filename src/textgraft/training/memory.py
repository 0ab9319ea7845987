"""Returning freed memory to the system while training.

The C library keeps freed blocks to use them again. Batches of ever new sizes fit into none of them, so that the process
would grow without end.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

GROWTH = 512_000_000  # bytes since the last return, before memory is returned again


class Memory:
    """Returns freed memory to the system whenever the process has grown by half a gigabyte since the last time.

    More often would cost time: what is needed again must be asked for again. Does nothing where the C library cannot
    return memory.
    """

    def __init__(self) -> None:
        self._base: int | None = None  # bytes, after the first step since memory was returned

    def check(self) -> None:
        """To be called after every step."""
        now = resident()
        if self._base is None:
            self._base = now
        elif now > self._base + GROWTH:
            give_back()
            self._base = None


def resident() -> int:
    """Bytes of memory that this process holds; 0 where that cannot be read."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0


def give_back() -> None:
    """Returns freed memory to the system, where the C library can."""
    with suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
