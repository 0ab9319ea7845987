"""Signals that ask a command to stop: SIGTERM and SIGHUP end it as Ctrl-C does, in order and with a sentence."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = ("SIGTERM", "SIGHUP")  # of a system that has them; SIGINT is Python's own


class _Asked:
    """The signal that came last."""

    number: int = signal.SIGINT


def exit_code() -> int:
    """128 and the number of the signal, as of what a shell runs."""
    return 128 + _Asked.number


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside the block the signals raise KeyboardInterrupt; one that is ignored, as ``nohup`` has it, stays so."""
    _Asked.number = signal.SIGINT
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    taken = [number for number, handler in before.items() if handler == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, _: FrameType | None) -> None:
    _Asked.number = number
    raise KeyboardInterrupt
