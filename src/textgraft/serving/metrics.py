"""What a service counts and measures, in the form that Prometheus reads.

Several processes add up through files of ``prometheus_client``'s own: the one that starts them sets
``PROMETHEUS_MULTIPROC_DIR`` to an empty folder before any of them imports it, and says with ``forget_process`` that one
has ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from textgraft.extras import library

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TEXTS: Final = tuple(2**i for i in range(11))


class Metrics:
    """The metrics of a service; none of them holds a text.

    Raises:
        MissingExtraError: prometheus-client is not installed.
    """

    def __init__(self) -> None:
        prometheus = library("prometheus_client", "Serving", "serve")
        self._prometheus = prometheus
        self._registry = prometheus.CollectorRegistry()
        queue = {"multiprocess_mode": "livesum"}
        self._requests = self._counter("requests", "Requests answered", "path", "status")
        self._latency = self._histogram("request_seconds", "Seconds until a request was answered", SECONDS, "path")
        self._rejected = self._counter("rejected", "Requests refused, by reason", "reason")
        self._labels = self._counter("labels", "Texts by predicted label; empty for no answer", "model", "label")
        self._reloads = self._counter("reloads", "Models read again after their directory changed", "model", "outcome")
        self._texts = self._histogram("batch_texts", "Texts of a batch", TEXTS, "model")
        self._seconds = self._histogram("batch_seconds", "Seconds that a batch was computed", SECONDS, "model")
        self._tokens = self._counter("batch_tokens", "Tokens computed, about", "model")
        self._queue = self._gauge("queue_texts", "Texts that wait", "model", **queue)

    def request(self, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(path, status).inc()
        self._latency.labels(path).observe(seconds)

    def rejected(self, reason: str) -> None:
        """A request was refused; ``reason`` is one of a few words."""
        self._rejected.labels(reason).inc()

    def labelled(self, model: str, labels: Iterable[str | None]) -> None:
        """Labels were predicted, or none."""
        for label in labels:
            self._labels.labels(model, label or "").inc()

    def reloaded(self, model: str, *, well: bool) -> None:
        """A directory changed, and its model was read, or could not be."""
        self._reloads.labels(model, "loaded" if well else "failed").inc()

    def of(self, model: str) -> ModelMetrics:
        """What the batcher of a model is observed by."""
        return ModelMetrics(
            *(metric.labels(model) for metric in (self._texts, self._seconds, self._tokens, self._queue))
        )

    def gauge(self, name: str, about: str, *labels: str, **options: str) -> Any:
        """A gauge of another part of the service, ``textgraft_NAME``."""
        return self._gauge(name, about, *labels, **options)

    def counter(self, name: str, about: str, *labels: str) -> Any:
        """A counter of another part of the service, ``textgraft_NAME_total``."""
        return self._counter(name, about, *labels)

    def page(self) -> bytes:
        """All of them as Prometheus reads them, of all processes together; its type is ``CONTENT_TYPE``."""
        registry = self._registry
        if os.environ.get(FOLDER):
            registry = self._prometheus.CollectorRegistry()
            library("prometheus_client.multiprocess", "Serving", "serve").MultiProcessCollector(registry)
        page: bytes = self._prometheus.generate_latest(registry)
        return page

    def _counter(self, name: str, about: str, *labels: str) -> Any:
        return self._prometheus.Counter(f"textgraft_{name}", about, labels, registry=self._registry)

    def _gauge(self, name: str, about: str, *labels: str, **options: str) -> Any:
        return self._prometheus.Gauge(f"textgraft_{name}", about, labels, registry=self._registry, **options)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Any:
        return self._prometheus.Histogram(f"textgraft_{name}", about, labels, registry=self._registry, buckets=buckets)


class ModelMetrics:
    """An ``Observer`` of one model."""

    def __init__(self, texts: Any, seconds: Any, tokens: Any, queue: Any) -> None:
        self._texts, self._seconds, self._tokens, self._queue = texts, seconds, tokens, queue

    def queued(self, texts: int) -> None:
        """So many texts wait now."""
        self._queue.set(texts)

    def computed(self, texts: int, tokens: int, seconds: float) -> None:
        """A batch is done."""
        self._texts.observe(texts)
        self._seconds.observe(seconds)
        self._tokens.inc(tokens)


def forget_process(number: int) -> None:
    """A process has ended: what waits in it waits no more."""
    library("prometheus_client.multiprocess", "Serving", "serve").mark_process_dead(number)
