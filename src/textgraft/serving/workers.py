"""Several processes that answer at one address: started, watched, replaced when they die, and ended in order."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from tempfile import TemporaryDirectory
from types import FrameType

from textgraft.errors import TextgraftError
from textgraft.hardware import cores
from textgraft.prediction.processes import limited
from textgraft.serving.metrics import FOLDER, forget_process
from textgraft.serving.settings import Settings

PATIENCE = 5.0  # seconds that a process has to end, besides what it may drain
SHORT_LIFE = 10.0  # seconds; one that dies sooner is replaced after a pause
PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds, after so many short lives

context: SpawnContext = get_context("spawn")  # never a forked process, since threads do not live on in it


@dataclass
class Worker:
    """A process of the service, or the place of one that is about to be started.

    Attributes:
        process: None before it is started.
        connection: on which it says that it is ready, or why it is not.
        started: when.
        short_lives: how many in a row ended soon.
        ready: whether it has said so.
    """

    process: SpawnProcess | None = None
    connection: Connection | None = None
    started: float = 0.0
    short_lives: int = 0
    ready: bool = False

    def start(self, settings: Settings, listening: socket.socket, threads: int) -> None:
        """Starts the process."""
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(settings, listening, theirs), name="textgraft")
        with limited(threads):
            self.process.start()
        theirs.close()
        self.started, self.ready = time.monotonic(), False

    def bury(self) -> str:
        """What ended the process, which is forgotten."""
        assert self.process is not None
        assert self.connection is not None
        self.process.join()
        code, number = self.process.exitcode or 0, self.process.pid
        if number is not None:
            forget_process(number)
        self.process.close()
        self.connection.close()
        self.process = self.connection = None
        self.short_lives = self.short_lives + 1 if time.monotonic() - self.started < SHORT_LIFE else 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    @property
    def due(self) -> float:
        """When it may be started again."""
        return self.started + PAUSES[min(self.short_lives, len(PAUSES) - 1)]


@dataclass
class Crew:
    """The processes of a service.

    Attributes:
        settings: of the service.
        listening: the socket from which all of them accept.
        ready: is called when all of them answer for the first time.
        say: is told in a sentence of one that has died.
    """

    settings: Settings
    listening: socket.socket
    ready: Callable[[], None]
    say: Callable[[str], None]
    asked: list[int] = field(default_factory=list)

    def run(self) -> bool:
        """Keeps the processes alive until a signal asks for the end, and then ends them in order.

        Returns:
            Whether Ctrl-C ended it.

        Raises:
            TextgraftError: a model cannot be loaded.
        """
        workers = [Worker() for _ in range(self.settings.workers)]
        with (
            TemporaryDirectory(prefix="textgraft-metrics-") as folder,
            _environment(FOLDER, folder),
            self._signals() as bell,
        ):
            try:
                self._keep(workers, bell)
            finally:
                self._end(workers)
        return signal.SIGINT in self.asked

    def _keep(self, workers: Sequence[Worker], bell: Connection) -> None:
        threads = max(1, cores() // len(workers))
        called = False
        while not self.asked:
            now = time.monotonic()
            for worker in workers:
                if worker.process is None and worker.due <= now:
                    worker.start(self.settings, self.listening, threads)
            due = [worker.due - now for worker in workers if worker.process is None]
            watched = {each.process.sentinel: each for each in workers if each.process is not None}
            said = {each.connection: each for each in workers if each.connection is not None and not each.ready}
            for item in wait([*watched, *said, bell], min(due, default=None)):
                if isinstance(item, Connection) and item in said:
                    self._hear(said[item], item, first=not called)
                elif isinstance(item, int) and (worker := watched[item]).process is not None:
                    how = worker.bury()
                    self.say(f"A process of the service {how}; another one takes its place.")
            if not called and all(worker.ready for worker in workers):
                called = True
                self.ready()

    def _hear(self, worker: Worker, connection: Connection, *, first: bool) -> None:
        """What a process says when it has loaded its models, or has not."""
        with suppress(EOFError, OSError):
            sentence = connection.recv()
            if not sentence:
                worker.ready, worker.short_lives = True, 0
            elif first:
                raise TextgraftError(sentence)
            else:
                self.say(sentence)

    def _end(self, workers: Sequence[Worker]) -> None:
        self.listening.close()  # the processes go on with it until they have accepted all who wait
        alive = [worker.process for worker in workers if worker.process is not None]
        for process in alive:
            process.terminate()
        until = time.monotonic() + self.settings.limits.drain_s + PATIENCE
        for process in alive:
            process.join(max(0.0, until - time.monotonic()))
            process.kill()
            process.join()

    @contextmanager
    def _signals(self) -> Iterator[Connection]:
        """Inside the block signals ring a bell, which can be waited for."""
        bell, rope = context.Pipe(duplex=False)

        def ring(number: int, _: FrameType | None) -> None:
            self.asked.append(number)
            rope.send_bytes(b"!")

        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        before = {name: signal.signal(getattr(signal, name), ring) for name in names}
        try:
            yield bell
        finally:
            for name, handler in before.items():
                signal.signal(getattr(signal, name), handler)
            bell.close()
            rope.close()


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _work(settings: Settings, listening: socket.socket, connection: Connection) -> None:
    """What a process does."""
    from textgraft.serving.process import run

    try:
        run(settings, listening, lambda: connection.send(""))
    except KeyboardInterrupt:
        pass  # while it was loading
    except Exception as error:
        with suppress(OSError):
            connection.send(str(error) if isinstance(error, TextgraftError) else f"{type(error).__name__}: {error}")
        raise SystemExit(1) from None
