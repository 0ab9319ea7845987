"""The time of a search."""

from __future__ import annotations

import time


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        """How many."""
        return time.monotonic() - self._start
