"""``textgraft serve``: models as a service over HTTP."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Runtime
from textgraft.serving.limits import Limits

_limit = functools.partial(typer.Option, rich_help_panel="Limits")


@dataclass(frozen=True)
class LimitOptions:
    """How much of anything the service takes."""

    max_batch_tokens: Annotated[int, _limit(help="Tokens of a batch, about.")] = Limits.max_batch_tokens
    max_wait_ms: Annotated[float, _limit(help="Milliseconds that a small batch waits for more texts, under load.")] = (
        Limits.max_wait_ms
    )
    max_queue: Annotated[int, _limit(help="Texts that wait for a model; more are refused.")] = Limits.max_queue
    max_delay_s: Annotated[float, _limit(help="Seconds that a request may wait to be begun; else refused.")] = (
        Limits.max_delay_s
    )
    max_body_bytes: Annotated[int, _limit(help="Bytes of a request.")] = Limits.max_body_bytes
    max_texts: Annotated[int, _limit(help="Texts of a request.")] = Limits.max_texts
    max_characters: Annotated[int, _limit(help="Characters of a text.")] = Limits.max_characters
    max_explained: Annotated[int, _limit(help="Texts of a request that are explained.")] = Limits.max_explained
    timeout_s: Annotated[float, _limit(help="Seconds until a request is given up.")] = Limits.timeout_s
    receive_s: Annotated[float, _limit(help="Seconds that a client may take to send a request.")] = Limits.receive_s
    drain_s: Annotated[float, _limit(help="Seconds that accepted requests have when the service ends.")] = (
        Limits.drain_s
    )

    def limits(self) -> Limits:
        """The same for the service."""
        return Limits(**{field.name: getattr(self, field.name) for field in fields(self)})


def run(
    models: Annotated[
        list[str], typer.Argument(metavar="DIR...", help="Model directories; several may be named: a=DIR b=DIR.")
    ],
    limits: LimitOptions,
    port: Annotated[int, typer.Option("--port", "-p", help="Port to listen at; 0 takes any that is free.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 is all of this machine.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Processes, each with the models; one that dies is replaced.")] = 1,
    runtime: Runtime = "auto",
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keys, one a line, any of which clients must send.")
    ] = None,
    cors: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="Pages of this address may ask it from a browser.")
    ] = None,
    warmup: Annotated[bool, typer.Option("--warmup", help="Predict once before the service is ready.")] = False,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Write the texts of requests to the log.")] = False,
    feedback: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep what people correct in this SQLite file.")
    ] = None,
    state_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep what was seen of changed texts here, for a restart.")
    ] = None,
    drift_window: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long texts are gathered until they are looked at for changes.")
    ] = 600,
    trace: Annotated[bool, typer.Option("--trace", help="Tell OpenTelemetry of requests, as OTEL_... says.")] = False,
) -> None:
    """Serve the models in DIR over HTTP: predictions as JSON, a page to try them on, figures for Prometheus.

    It listens on this machine alone unless told otherwise, and ends in order when it is asked to. The log is JSON on
    standard output, a line for each request.
    """
    from textgraft.cli.console import remark
    from textgraft.serving.keys import read_keys
    from textgraft.serving.settings import Settings, places_of
    from textgraft.serving.starting import serve
    from textgraft.serving.windows import DriftSettings

    settings = Settings(
        places=places_of(models),
        host=host,
        port=port,
        workers=workers,
        runtime=runtime,
        limits=limits.limits(),
        keys=() if api_key_file is None else read_keys(api_key_file),
        cors=tuple(cors or ()),
        log_texts=log_texts,
        trace=trace,
        warm_up=warmup,
        drift=DriftSettings(window_s=drift_window),
        state_dir=state_dir,
        feedback=feedback,
    )
    serve(settings, say=remark)
