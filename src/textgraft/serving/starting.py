"""A service from its settings: the door first, then one process, or several that are watched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textgraft.extras import library
from textgraft.serving.feedback import Feedback
from textgraft.serving.listening import address_of, listen
from textgraft.serving.settings import Settings

NEEDED = ("fastapi", "uvicorn", "prometheus_client")


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serves models until a signal asks for the end; all that was accepted is answered then.

    Args:
        settings: of the service.
        say: is told where it listens, and of processes that die.

    Raises:
        MissingExtraError: the extra ``serve`` is not installed, or ``tracing`` where it is asked for.
        SettingError: the port is in use, or a setting is of no use.
        ArtifactError: a model is damaged.
        KeyboardInterrupt: Ctrl-C ended it.
    """
    for name in NEEDED:
        library(name, "Serving", "serve")
    if settings.trace:
        from textgraft.serving.tracing import check_tracing

        check_tracing()
    if settings.feedback is not None:
        Feedback(settings.feedback)  # says what is wrong with it before models are loaded
    with listen(settings.host, settings.port) as listening:
        ready = partial(_say, settings, address_of(listening), say)
        if settings.workers == 1:
            from textgraft.serving.process import run

            interrupted = run(settings, listening, ready)
        else:
            from textgraft.serving.workers import Crew

            interrupted = Crew(settings, listening, ready, say).run()
    if interrupted:
        raise KeyboardInterrupt


def _say(settings: Settings, address: str, say: Callable[[str], None]) -> None:
    key = " -H 'Authorization: Bearer KEY'" if settings.keys else ""
    workers = settings.workers
    names = ", ".join(settings.places)
    say(
        f"Serving {names} on {address} with {workers} process{'es' * (workers > 1)}; stop with Ctrl-C. Try it in a "
        f'browser, or:\n  curl {address}/v1/predict{key} -d \'{{"texts": ["some text"]}}\''
    )
    if settings.host not in ("127.0.0.1", "::1", "localhost") and not settings.keys:
        say("Whoever reaches this address may use it; --api-key-file asks for a key.")
