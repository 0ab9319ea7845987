"""Probabilities of many texts, window by window: computed here, or by several processes with a model each."""

from __future__ import annotations

import copy
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.vector_store import without_cache
from textgraft.errors import TextgraftError
from textgraft.hardware import cores
from textgraft.methods import TextClassifier
from textgraft.prediction.counting import SpoiledError

Reopen = Callable[[], TextClassifier]
# What limits the threads of NumPy's, PyTorch's and the tokenizers' libraries; it is read when they are loaded.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
PATIENCE = 5.0  # seconds for a process that was asked to end


class HasTexts(Protocol):
    """Some texts that are predicted together."""

    @property
    def texts(self) -> list[str]: ...  # noqa: D102


W = TypeVar("W", bound=HasTexts)


Scored = tuple[NDArray[np.float32], NDArray[np.float32] | None]


def scores_of(model: TextClassifier, texts: list[str]) -> Scored:
    """What ``scored`` gives of n texts; each distinct text is computed once."""
    places = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    # Texts to predict are seen once; keeping their vectors would fill the disk with them.
    with without_cache():
        probabilities, familiarity = model.scored(list(places))
    if len(places) == len(texts):
        return probabilities, familiarity
    rows = [places[text] for text in texts]
    return probabilities[rows], None if familiarity is None else familiarity[rows]


class Processes:
    """Several processes that predict windows side by side, one window at a time each.

    They are started when there is work for them, share the cores among them, and end with the ``with`` block or with
    the process that started them, however that ends.

    Each has a connection of its own, which ends with it. In ``concurrent.futures.ProcessPoolExecutor`` all answer
    through one that stays open, so that the caller waits for ever if a process is killed while it sends its answer
    (``docs/lab.md``, 2026-11-27).

    Args:
        reopen: loads the model in a process; it must be picklable, such as ``functools.partial(load, directory)``.
        jobs: how many processes.
    """

    def __init__(self, reopen: Reopen, jobs: int) -> None:
        self._reopen = reopen
        self._jobs = jobs
        self._workers: list[_Worker] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(PATIENCE)
            worker.process.kill()
            worker.process.join()
            worker.process.close()
        self._workers = []

    def predict(self, windows: Iterable[W]) -> Iterator[tuple[W, Scored]]:
        """Each window with what is computed of its texts, in order.

        Raises:
            TextgraftError: a process has ended, such as by the system's hand for want of memory.
            Exception: what a process raised.
        """
        waiting: deque[tuple[int, W, _Worker]] = deque()
        for number, window in enumerate(windows):
            if number < self._jobs:
                self._workers.append(_start(self._reopen, max(1, cores() // self._jobs)))
            # Turns go round, so the process that is next is the one that has been at work for longest.
            done = self._answer(*waiting.popleft()) if len(waiting) == self._jobs else None
            worker = self._workers[number % self._jobs]
            try:
                worker.connection.send((number, window.texts))
            except OSError:
                raise self._ended(worker) from None
            waiting.append((number, window, worker))
            if done is not None:
                yield done
        while waiting:
            yield self._answer(*waiting.popleft())

    def _answer(self, number: int, window: W, worker: _Worker) -> tuple[W, Scored]:
        sentinels = {other.process.sentinel: other for other in self._workers}
        ready = wait([worker.connection, *sentinels])
        if worker.connection not in ready:
            raise self._ended(next(sentinels[handle] for handle in ready if isinstance(handle, int)))
        try:
            answered, answer = worker.connection.recv()
        except (EOFError, OSError):
            raise self._ended(worker) from None
        if isinstance(answer, Exception):
            raise answer
        if answered != number:
            raise SpoiledError(
                f"One of {self._jobs} predicting processes lost texts: it was asked for window {number + 1:,} and "
                f"answers for window {answered + 1:,}. Run it again; if it happens again, report it."
            )
        return window, answer

    def _ended(self, worker: _Worker) -> TextgraftError:
        worker.process.join(PATIENCE)
        code = worker.process.exitcode
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
            why = "The system does so when memory runs out; try fewer jobs." if code == -9 else "Try again."
        else:
            how = f"ended with exit code {code}"
            why = 'What it wrote above says why. A script that predicts with jobs needs `if __name__ == "__main__":`.'
        return TextgraftError(f"One of {self._jobs} predicting processes {how}. {why}")


@dataclass(frozen=True)
class _Worker:
    process: SpawnProcess
    connection: Connection


def _start(reopen: Reopen, threads: int) -> _Worker:
    """A new process; never a forked one, since torch's threads do not live on in it."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, reopen), name="textgraft", daemon=True)
    with ExitStack() as stack:
        stack.callback(theirs.close)  # so that the end of the process is the end of the connection
        stack.enter_context(limited(threads))
        stack.enter_context(_undisturbed())
        process.start()
    return _Worker(process, ours)


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Processes that are started in the block use so many threads, unless the environment says otherwise already."""
    missing = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, str(threads)))
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Processes that are started in the block do not see Ctrl-C; whoever started them ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # as starting a process does first, which would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, reopen: Reopen) -> None:
    """What a process does: answers lists of texts with what it computes of them, or with what went wrong."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    model: TextClassifier | None = None
    while True:
        try:
            number, texts = connection.recv()
        except (EOFError, OSError):
            return
        answer: Scored | Exception
        try:
            model = model or reopen()
            answer = scores_of(model, texts)
        except Exception as error:
            answer = _portable(error)
        try:
            connection.send((number, answer))
        except OSError:
            return


def _end_with_parent() -> None:
    """A parent that is killed can end nothing itself."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _portable(error: Exception) -> Exception:
    """The error as it can be sent, with its traceback as a note for ``--debug``."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        return copy.copy(error)  # the way that it is sent, too: it fails for errors that cannot be made from their args
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
