"""Returning freed memory to the system while training.

The C library keeps freed blocks to use them again. Batches of ever new sizes fit into none of them, so that the process
would grow without end. Nothing is done where that library cannot return memory.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

GROWTH = 512_000_000  # bytes since the last return, before memory is returned again


class Memory:
    """Returns it whenever the process has grown by half a gigabyte; more often would cost time to ask for it again."""

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
    """Returns it now."""
    with suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
