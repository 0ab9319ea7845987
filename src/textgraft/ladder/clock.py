"""The time of a search."""

from __future__ import annotations

import time


class Clock:
    """Seconds since it was made, or since the process began.

    Args:
        of_process: count the processor time that the process took before, which at its beginning is nearly all time.
    """

    def __init__(self, *, of_process: bool = False) -> None:
        self._start = time.monotonic() - (time.process_time() if of_process else 0.0)

    def seconds(self) -> float:
        """How many."""
        return time.monotonic() - self._start
