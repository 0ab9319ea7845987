"""How long work tells how far it is, without knowing who listens.

Long loops run through ``track``. By default nobody listens and nothing is drawn; the command line installs a listener
that draws bars on a terminal, a notebook or a server may install its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Listener(Protocol):
    """Told about one piece of work: its start, every step and its end."""

    def start(self, what: str, total: float | None) -> object:
        """A piece of work begins; the return value names it in the next calls."""

    def advance(self, work: object, amount: float, detail: str) -> None:
        """It is ``amount`` further; ``detail`` is a short text such as the current loss."""

    def finish(self, work: object) -> None:
        """It is done or was given up."""

    def say(self, sentence: str) -> None:
        """Something that a user should know before the work goes on."""


_listener: ContextVar[Listener | None] = ContextVar("textgraft_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Sends the progress of everything inside the block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def say(sentence: str) -> bool:
    """Tells the listener something that cannot wait for the end; whether there is one."""
    listener = _listener.get()
    if listener is not None:
        listener.say(sentence)
    return listener is not None


def track(
    items: Iterable[T],
    what: str,
    total: float | None = None,
    amount: Callable[[T], float] = lambda _: 1,
    detail: Callable[[T], str] = lambda _: "",
) -> Iterator[T]:
    """Yields ``items`` and tells the listener, if there is one, after each of them.

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
