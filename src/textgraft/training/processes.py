"""Several processes that train one network: ``torchrun`` and ``accelerate launch`` start them, torch connects them.

Each process computes its share of a step's rows; gradients are summed. So n processes do what one does with a batch n
times as large. Without a launcher everything here does nothing.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

T = TypeVar("T")


def count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is, from 0; the first one writes files and speaks to people."""
    return int(os.environ.get("RANK", "0"))


def connect() -> None:
    """Joins the other processes, if there are any and it has not been done; NCCL on GPUs, else Gloo."""
    if count() == 1:
        return
    import torch
    from torch import distributed

    if not distributed.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        # The others wait while the first one encodes texts, and longer than torch allows by itself.
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=timedelta(days=1))
        atexit.register(distributed.destroy_process_group)


def add_up(tensor: Any) -> None:
    """Replaces ``tensor`` in every process by the sum over all of them."""
    if count() > 1:
        from torch import distributed

        connect()
        distributed.all_reduce(tensor)


def gather(mine: T) -> list[T]:
    """What each process has, in the order of their ranks; any plain object."""
    if count() == 1:
        return [mine]
    from torch import distributed

    connect()
    everyone: list[Any] = [None] * count()
    distributed.all_gather_object(everyone, mine)
    return everyone


def first_does(work: Callable[[], T]) -> T:
    """Runs ``work`` in the first process and gives its result to all.

    Raises:
        Exception: what it raised there, in every process, so that none waits for the others for ever.
    """
    result: Any = None
    error: Exception | None = None
    if rank() == 0:
        try:
            result = work()
        except Exception as raised:
            error = raised
    result, error = gather((result, error))[0]
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]
