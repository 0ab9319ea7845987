"""One process of a service: models loaded, requests answered, all of them before it ends."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from multiprocessing import parent_process

from uvicorn import Config

from textgraft.serving.app import application
from textgraft.serving.feedback import Feedback
from textgraft.serving.keys import Keys
from textgraft.serving.logs import Log, Records
from textgraft.serving.metrics import Metrics
from textgraft.serving.models import Models
from textgraft.serving.predicting import Service
from textgraft.serving.protocols import IDLE_SECONDS, DrainingServer, protocol
from textgraft.serving.settings import Settings
from textgraft.serving.tracing import trace
from textgraft.serving.watching import DriftWatch


def run(settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> bool:
    """Answers requests until a signal, or the end of the process that started it, asks it to end.

    Args:
        settings: of the service.
        listening: where requests come in; connections wait there until the models are loaded.
        ready: is called when requests are answered.

    Returns:
        Whether Ctrl-C ended it.

    Raises:
        ArtifactError: a model is damaged.
    """
    log = Log(texts=settings.log_texts)
    records = Records(log)
    logging.root.addHandler(records)
    try:
        with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
            return runner.run(_run(settings, listening, ready, log))
    finally:
        logging.root.removeHandler(records)
        log.close()


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Makes uvloop's event loop, where it is installed; None is Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    new: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return new


async def _run(settings: Settings, listening: socket.socket, ready: Callable[[], None], log: Log) -> bool:
    metrics = Metrics()
    say = lambda sentence: log.write("models", said=sentence)  # noqa: E731
    models = Models(
        settings.places, settings.limits, runtime=settings.runtime, metrics=metrics, warm=settings.warm_up, say=say
    )
    service = Service(models, settings.limits, metrics)
    app = application(
        service,
        log=log,
        keys=Keys(settings.keys),
        cors=settings.cors,
        drift=DriftWatch(
            metrics,
            settings.drift,
            workers=settings.workers,
            state_dir=settings.state_dir,
            say=lambda sentence: log.write("drift", "warning", said=sentence),
        ),
        feedback=None if settings.feedback is None else Feedback(settings.feedback),
    )

    end_traces = trace(app) if settings.trace else None

    def leaving() -> None:
        app.state.draining = True

    config = Config(
        app,
        http=protocol(settings.limits.receive_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.limits.drain_s)),
    )
    server = DrainingServer(config, ready, leaving)
    if (parent := parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent, server), daemon=True).start()
    try:
        async with loaded(models):
            await server.serve([listening])
    finally:
        if end_traces is not None:
            await asyncio.to_thread(end_traces)
    return server.interrupted


@asynccontextmanager
async def loaded(models: Models) -> AsyncIterator[None]:
    """Models that are there inside the block, read again when they change, and that have answered all at its end.

    Raises:
        ArtifactError: one is damaged.
    """
    await models.load()
    watching = asyncio.create_task(models.watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await models.drain()


def _end_with(parent: object, server: DrainingServer) -> None:
    """A process whose parent was killed ends, too."""
    parent.join()  # type: ignore[attr-defined]
    server.should_exit = True
