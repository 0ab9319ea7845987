"""Requests as OpenTelemetry traces: a span each, by the names of routes; no texts are in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from fastapi import FastAPI

from textgraft.errors import SettingError
from textgraft.extras import library
from textgraft.unicode import quoted

WISH: Final = "Tracing requests"
LIBRARIES: Final = ("opentelemetry.sdk.trace.export", "opentelemetry.instrumentation.fastapi")
OTLP: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
EXPORTERS: Final = ("otlp", "console")
UNSEEN: Final = "healthz,readyz,metrics"  # they are asked for all the time


def check_tracing() -> None:
    """Whether traces can be sent as ``OTEL_TRACES_EXPORTER`` says: to a collector (``otlp``, as is usual) or here.

    Raises:
        MissingExtraError: the extra ``tracing`` is not installed.
        SettingError: there is no such exporter.
    """
    for name in (*LIBRARIES, *([OTLP] if _exporter() == "otlp" else [])):
        library(name, WISH, "tracing")


def trace(app: FastAPI) -> Callable[[], None]:
    """Has the requests of an application traced; returns what sends the last traces.

    Where they go is said by OpenTelemetry's own variables, such as ``OTEL_EXPORTER_OTLP_ENDPOINT``.
    """
    sdk, instrumentation = (library(name, WISH, "tracing") for name in LIBRARIES)
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    provider = TracerProvider(resource=Resource.create({} if named else {"service.name": "textgraft"}))
    if _exporter() == "console":
        exporter = sdk.ConsoleSpanExporter(out=sys.stderr)
    else:
        exporter = library(OTLP, WISH, "tracing").OTLPSpanExporter()
    provider.add_span_processor(sdk.BatchSpanProcessor(exporter))
    instrumentation.FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls=UNSEEN,
        server_request_hook=_without_query,
        exclude_spans=["receive", "send"],
    )
    end: Callable[[], None] = provider.shutdown
    return end


def _without_query(span: Any, scope: MutableMapping[str, Any]) -> None:  # noqa: ARG001
    """Takes out of a span what an address holds besides its path: whoever asks so may have put a text there."""
    for name in ("http.url", "http.target", "url.full", "url.query", "url.path"):
        span.set_attribute(name, "")


def _exporter() -> str:
    name = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if name not in EXPORTERS:
        raise SettingError(f"OTEL_TRACES_EXPORTER must be {' or '.join(EXPORTERS)} for --trace; got {quoted(name)}.")
    return name
