"""Threads that compute shares of a step side by side, each with some of the processor's cores."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Rows = NDArray[np.intp]


class Workers:
    """Divides rows among threads; with one, work is done where it is asked for.

    The operations of a small network are so short that two cores working on each of them together wait for each other
    a good part of the time. Two threads with a core each, on half of the rows each, do not.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        if threads > 1:
            import torch

            self._cores = torch.get_num_threads()
            each = max(1, self._cores // threads)
            # How many cores an operation takes is known to torch for each thread.
            self._pool = ThreadPoolExecutor(threads, "textgraft", torch.set_num_threads, (each,))

    def run(self, work: Callable[[Rows], T], rows: Rows) -> list[T]:
        """What ``work`` makes of each thread's share of the rows; the shares are always the same.

        Raises:
            Exception: what ``work`` raised first, when all threads have come to their end.
        """
        if self._pool is None:
            return [work(rows)]
        shares = [rows[i :: self.threads] for i in range(min(self.threads, len(rows)))]
        futures = [self._pool.submit(work, share) for share in shares]
        wait(futures)
        return [future.result() for future in futures]

    def close(self) -> None:
        """Ends the threads."""
        if self._pool is not None:
            import torch

            self._pool.shutdown()
            torch.set_num_threads(self._cores)
