"""Who watches a training: is handed each step once it is done, wherever the training was started."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from textgraft.training import processes
from textgraft.training.loop import Progress

Watcher = Callable[[Progress], None]

_watcher: ContextVar[Watcher | None] = ContextVar("textgraft_watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Hands the steps of trainings inside the block to ``watcher``; those of folds and other parts of the rows not."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def watched(steps: Iterable[Progress]) -> Iterator[Progress]:
    """The same steps; of several processes that train together, the first one hands them to who watches."""
    watcher = _watcher.get() if processes.rank() == 0 else None
    for step in steps:
        if watcher is not None:
            watcher(step)
        yield step
