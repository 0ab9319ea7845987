"""Connections that cannot be held open for nothing, and a server that ends without breaking any of them.

uvicorn waits for ever for a head that does not come, for a client that does not read, and for the rest of a body that
nobody wants. When it ends, it closes connections on which the next request may be on its way already.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn import Config, Server

from textgraft.serving.problems import MEDIA_TYPE, Problem

HEAD_BYTES = 1 << 16
REST_SECONDS = 5.0  # for what is still sent of a body that was answered already
WRITE_SECONDS = 60.0  # for a client to read what fills its buffers
IDLE_SECONDS = 75  # between requests; longer than the minute of most load balancers
MOST_LATE = 1 << 13  # connections that are still let in then
LEAVING_SECONDS = 1.0  # for a request that is on its way when the service ends


class _Guard:
    """What is added to a protocol of uvicorn: one timer for what the connection waits for."""

    if TYPE_CHECKING:
        cycle: Any
        transport: Any
        connections: set[Any]
        loop: asyncio.AbstractEventLoop

    receive_seconds: float
    _timer: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _head = 0  # bytes of a head that is not whole yet

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        self._within(self.receive_seconds)
        if len(self.connections) > most_connections():
            self._refuse(503, "There are as many connections as this process can hold; try again later.")

    def connection_lost(self, error: Exception | None) -> None:
        self._within(None)
        self.resume_writing()
        cycle = self.cycle
        super().connection_lost(error)  # type: ignore[misc]
        if cycle is not None and not cycle.response_complete:
            task = cycle.scope["state"].get("task")
            if task is not None:
                task.cancel()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        waiting = before is None or (before.response_complete and not before.more_body)
        if waiting and self._timer is None:
            self._within(self.receive_seconds)
        super().data_received(data)  # type: ignore[misc]
        if self.cycle is not before:
            self._head = 0
            self._within(None)
        elif waiting:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(431, f"The head of a request has at most {HEAD_BYTES:,} bytes.")

    def on_response_complete(self) -> None:
        super().on_response_complete()  # type: ignore[misc]
        if self.cycle.response_complete and self.cycle.more_body:
            self._within(REST_SECONDS)

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._writing = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        super().resume_writing()  # type: ignore[misc]

    def shutdown(self) -> None:
        """Lets a request come that is on its way; its answer says that the connection is closed."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LEAVING_SECONDS, super().shutdown)  # type: ignore[misc]
        else:
            super().shutdown()  # type: ignore[misc]

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, f"This is no request of HTTP/1.1: {msg}")

    def _refuse(self, status: int, detail: str) -> None:
        """Answers what never becomes a request, and closes the connection."""
        body = Problem(status, detail, reason="http").body("")
        phrase = HTTPStatus(status).phrase
        head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}connection: close\r\n\r\n".encode() + body)
        self.transport.close()

    def _within(self, seconds: float | None) -> None:
        """Ends the connection after so many seconds, unless it is called again before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)


def protocol(receive_seconds: float) -> type[asyncio.Protocol]:
    """The fastest protocol of uvicorn that is installed, guarded.

    Args:
        receive_seconds: that a client may take to send a head.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    return type("Guarded", (_Guard, AutoHTTPProtocol), {"receive_seconds": receive_seconds})


@cache
def most_connections() -> int:
    """How many this process can hold, beside its files."""
    try:
        import resource
    except ImportError:  # no such limit there
        return 1 << 14
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return max(16, min(soft - 128, 1 << 14)) if soft > 0 else 1 << 14


class DrainingServer(Server):
    """uvicorn's server, which answers all that it has accepted before it ends, and ends well.

    Args:
        config: of uvicorn.
        ready: is called when requests are answered.
        leaving: is called when the end begins.
    """

    def __init__(self, config: Config, ready: Callable[[], None], leaving: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._leaving = ready, leaving

    @property
    def interrupted(self) -> bool:
        """Whether it ended for Ctrl-C."""
        return signal.SIGINT in self._captured_signals

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end it in order; they are not raised again, as uvicorn does, since they were obeyed."""
        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        before = {number: signal.signal(number, self.handle_exit) for number in _known(names)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to accept connections."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts who waits at the door, lets nobody else in, and answers all who are inside."""
        self._leaving()
        late: list[socket.socket] = []
        for each in sockets or []:
            each.setblocking(False)
            # Until nobody waits; then it is closed at once, since who comes meanwhile is never answered. A shorter
            # queue before would not help: who finds it full believes to be connected.
            with suppress(OSError):
                while len(late) < MOST_LATE:
                    late.append(each.accept()[0])
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in late:
            with suppress(OSError):
                await loop.connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        state = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        return self.config.http_protocol_class(**state)


def _known(names: tuple[str, ...]) -> list[signal.Signals]:
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]
