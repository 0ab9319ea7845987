"""Progress of long work, and sentences that cannot wait for its end.

A long loop runs through ``track``, a sentence through ``say``. Both go to the listener that ``listening`` sets, or
nowhere where none is set. The command line's listener draws bars; a notebook or a server may set its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Listener(Protocol):
    """Is called at the start, after every step and at the end of each piece of work."""

    def start(self, what: str, total: float | None) -> object:
        """A piece of work begins; the return value names it in the next calls."""

    def advance(self, work: object, amount: float, detail: str) -> None:
        """It is ``amount`` further; ``detail`` is a short text such as the current loss."""

    def finish(self, work: object) -> None:
        """It is done or was given up."""

    def say(self, sentence: str) -> None:
        """A sentence that a user should read before the work goes on."""


_listener: ContextVar[Listener | None] = ContextVar("textgraft_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Sends the progress of everything inside the block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def current_listener() -> Listener | None:
    """The listener that is set here, if there is one."""
    return _listener.get()


def say(sentence: str) -> None:
    """Tells the listener, if there is one, something that cannot wait for the end."""
    if (listener := _listener.get()) is not None:
        listener.say(sentence)


def track(
    items: Iterable[T],
    what: str,
    total: float | None = None,
    amount: Callable[[T], float] = lambda _: 1,
    detail: Callable[[T], str] = lambda _: "",
) -> Iterator[T]:
    """Yields ``items`` and reports each of them to the listener, if there is one, once it is done.

    Args:
        items: the work, one step each.
        what: what is being done, for people: ``"encoding"``.
        total: the sum of all amounts, if known.
        amount: how much a step counts.
        detail: a short text to show after a step.
    """
    listener = _listener.get()
    if listener is None:
        yield from items
        return
    work = listener.start(what, total)
    try:
        for item in items:
            yield item
            listener.advance(work, amount(item), detail(item))
    finally:
        listener.finish(work)
