"""Memory that was freed and that the C library keeps for later: with batches of ever new sizes it grows without end."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

EVERY = 32  # steps; what is in use is paged in anew after each time


def give_back() -> None:
    """Returns freed memory to the system, where the C library can; it takes milliseconds."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # only glibc has it
            ctypes.CDLL(None).malloc_trim(0)
