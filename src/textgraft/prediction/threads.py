"""Work in threads beside the caller's: reading ahead of it, writing behind it.

The caller's own thread computes. So Ctrl-C stops a computation where it is, and a network stays in the thread that it
was made in.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Generic, TypeVar

T = TypeVar("T")

WAITING = 2  # items between two threads: enough that neither waits for the other, few enough for memory
PATIENCE = 1.0  # seconds for a reader to notice that nobody listens; one that waits for standard input may never do


class Channel(Generic[T]):
    """A bounded queue between two threads that each notice at once when the other fails or leaves."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = self._left = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Waits for room and adds an item; False where nobody takes any more.

        Raises:
            BaseException: what the other thread failed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._left or self._error or len(self._items) < WAITING)
            self.check()
            if not self._left:
                self._items.append(item)
                self._changed.notify_all()
            return not self._left

    def __iter__(self) -> Iterator[T]:
        """The items in order; what the other thread fails with is raised before items that still wait."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._left or self._error or self._ended or self._items)
                self.check()
                if self._left or not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item

    def end(self, error: BaseException | None = None, *, left: bool = False) -> None:
        """No more items will come, or, with ``left``, be taken; or one side cannot go on, and the other raises why."""
        with self._changed:
            self._ended = True
            self._left |= left
            self._error = error or self._error
            self._changed.notify_all()

    def check(self) -> None:
        """Raises what a side failed with."""
        if self._error is not None:
            raise self._error


@contextmanager
def ahead(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """The items, taken by a thread up to two before they are asked for; it stops when the block ends.

    Raises:
        BaseException: what ``items`` raises, as soon as the next item is asked for.
    """
    channel: Channel[T] = Channel()

    def read() -> None:
        for item in items:
            if not channel.put(item):
                return
        channel.end()

    thread = _start(channel, read)
    try:
        yield iter(channel)
    finally:
        channel.end(left=True)
        thread.join(PATIENCE)


@contextmanager
def behind(take: Callable[[T], object]) -> Iterator[Callable[[T], object]]:
    """A function that has a thread call ``take``, in order, with up to two items waiting.

    When the block ends well, all of them have been taken; when it does not, those that wait are dropped.

    Raises:
        BaseException: what ``take`` raises, in the next call or at the end of the block.
    """
    channel: Channel[T] = Channel()

    def write() -> None:
        for item in channel:
            take(item)

    thread = _start(channel, write)
    try:
        yield channel.put
        channel.end()
        thread.join()
        channel.check()
    finally:
        channel.end(left=True)
        thread.join()


def _start(channel: Channel[T], work: Callable[[], None]) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            channel.end(error)

    # What is said in the thread is heard by the listener of the caller.
    thread = threading.Thread(target=copy_context().run, args=(guarded,), name="textgraft", daemon=True)
    thread.start()
    return thread
