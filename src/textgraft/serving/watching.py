"""What a service learns of its texts: whether they have changed, and what people correct; and the routes to both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response
from pydantic import Field

from textgraft.encoders.vector_store import without_cache
from textgraft.errors import DataError
from textgraft.methods.answering import Answers
from textgraft.serving import schemas
from textgraft.serving.batching import QueueFullError
from textgraft.serving.bodies import parsed, too_long
from textgraft.serving.drift import DriftMonitor
from textgraft.serving.feedback import BusyError, Correction, Feedback, FullError, check_labels
from textgraft.serving.metrics import Metrics
from textgraft.serving.models import Served
from textgraft.serving.problems import Problem, of_one
from textgraft.serving.routes import as_json, body_of, problems, service_of
from textgraft.serving.windows import DriftSettings
from textgraft.whole import lock

NO_SKETCH = "This model keeps no sketch of its training data, as those of earlier releases; train it anew."
router: APIRouter = APIRouter()


class DriftWatch:
    """A watcher of a service: a monitor for each version of each model, which counts in the thread of its model.

    Each process of a service looks on its own, at its share of the requests; the chance of false alarms is that of all
    of them together, and what Prometheus reads adds up.

    Args:
        metrics: of the service.
        settings: how to look.
        workers: how many processes there are.
        state_dir: where windows are kept for a restart, of each process in a file of its own; None keeps none.
        say: is told in a sentence of changes, when they begin.
    """

    def __init__(
        self,
        metrics: Metrics,
        settings: DriftSettings | None = None,
        *,
        workers: int = 1,
        state_dir: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings, self._workers, self._folder = settings, workers, state_dir
        self._say = say
        self._place = None if state_dir is None else _free_place(state_dir)
        self._monitors: WeakKeyDictionary[Served, DriftMonitor | None] = WeakKeyDictionary()
        self._counting: dict[str, asyncio.Task[None]] = {}
        most = {"multiprocess_mode": "livemax"}
        self._windows = metrics.counter("drift_windows", "Windows of texts held against the training data", "model")
        self._alarms = metrics.counter("drift_alarms", "Changes that were found", "model", "quantity")
        self._alarm = metrics.gauge("drift_alarm", "1 while a change is found", "model", "quantity", **most)
        self._distance = metrics.gauge(
            "drift_distance", "Share of texts of the last window that are others", "model", "quantity", **most
        )

    def __call__(self, served: Served, texts: Sequence[str], answers: Answers, ids: Sequence[str]) -> None:  # noqa: ARG002
        """Takes note of what was answered."""
        monitor = self.monitor(served)
        if monitor is not None and monitor.observe(texts, answers.probabilities) and served.name not in self._counting:
            task = asyncio.get_running_loop().create_task(self._count(served, monitor))
            self._counting[served.name] = task
            task.add_done_callback(lambda _: self._counting.pop(served.name, None))

    def monitor(self, served: Served) -> DriftMonitor | None:
        """That of a version of a model; None where it keeps no sketch."""
        if served in self._monitors:  # a version that is replaced answers some requests beside the new one
            return self._monitors[served]
        sketch, monitor = served.classifier.sketch_, None
        if sketch is not None:
            state = None if self._folder is None else self._folder / f"drift-{served.name}-{self._place}.json"
            monitor = DriftMonitor(
                served.classifier,
                sketch,
                self._settings,
                workers=self._workers,
                state=state,
                version=served.version,
            )
        self._monitors[served] = monitor
        return monitor

    async def _count(self, served: Served, monitor: DriftMonitor) -> None:
        def count() -> bool:
            with without_cache():
                return monitor.count()

        windows = monitor.windows
        before = dict(windows.raised)
        try:
            over = await served.batcher.call(count)
        except QueueFullError:  # requests are more important
            return
        if not over:
            return
        self._windows.labels(served.name).inc()
        on = {quantity for quantity, _ in windows.alarms}
        for change in windows.last:
            self._distance.labels(served.name, change.name).set(change.change.distance)
            self._alarm.labels(served.name, change.name).set(int(change.name in on))
        for quantity, times in windows.raised.items():
            self._alarms.labels(served.name, quantity).inc(times - before.get(quantity, 0))
        if windows.raised != before:
            self._say(f"{served.name}: {windows.said()}")

    def of(self, served: Served) -> dict[str, Any]:
        """What is known of a model."""
        monitor = self.monitor(served)
        if monitor is None:
            return {"watched": False, "windows": [], "alarms": [], "said": NO_SKETCH}
        return {"watched": True, "version": served.version} | monitor.to_dict()


def _free_place(folder: Path) -> int:
    """The first number whose file no living process holds; this one holds it to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        file = folder / f"drift-{number}.lock"
        file.touch()
        try:
            lock(file)
        except BlockingIOError:
            number += 1
        else:
            return number


class FeedbackRequest(schemas.Request):
    """What is right of a text that was answered."""

    id: str = Field(max_length=200, description="The text's id, as in its prediction.")
    text: str = Field(description="The text.")
    label: str | None = Field(None, description="The right label.")
    labels: list[str] | None = Field(None, description="The right labels, where a text may have several.")
    model: str | None = Field(None, description="The model that answered; the first one where it is not given.")
    version: str | None = Field(None, max_length=64, description="The version that answered; the one that is served.")


@router.get(
    "/v1/drift",
    summary="Whether texts have changed since the training",
    tags=["watching"],
    response_model=None,
    responses={200: {"content": {"application/json": {}}}, **problems(401)},
)
async def drift(request: Request) -> Response:
    """Windows and alarms of each model, as far as this process has seen its texts."""
    service = service_of(request)
    watch: DriftWatch = request.app.state.drift
    models = {name: watch.of(service.models.get(name)) for name in service.models.names}
    return as_json({"process": os.getpid(), "models": models})


@router.post(
    "/v1/feedback",
    summary="Correct a prediction",
    tags=["watching"],
    response_model=None,
    status_code=201,
    responses={
        201: {"content": {"application/json": {}}},
        **problems(400, 401, 403, 404, 408, 413, 415, 422, 503, 507),
    },
    openapi_extra=body_of(FeedbackRequest),
)
async def feedback(request: Request) -> Response:
    """Keeps what is right of a text, where the service was started with a file for that."""
    service, passage = service_of(request), request.state.passage
    kept: Feedback | None = request.app.state.feedback
    if kept is None:
        detail = "This service keeps no feedback; start it with --feedback FILE."
        raise Problem(404, detail, reason="feedback")
    wish = await parsed(request, FeedbackRequest, service.limits)
    served = service.named(wish.model)
    passage.fields |= {"model": served.name, "version": served.version}
    if len(wish.text) > service.limits.max_characters:
        raise too_long("/text", len(wish.text), service.limits)
    task = served.classifier.task_
    given = wish.labels if wish.labels is not None else None if wish.label is None else [wish.label]
    member = "labels" if task.multi_label else "label"
    if given is None or (wish.labels is None) == (wish.label is None):
        raise of_one(f"/{member}", f"Give {member}, what is right of the text, and nothing else beside it.")
    try:
        check_labels(given, task)
    except DataError as error:
        raise of_one(f"/{member}", str(error)) from None
    correction = Correction(wish.id, wish.text, tuple(given), served.name, wish.version or served.version)
    try:
        number = await asyncio.to_thread(kept.add, correction, task)
    except FullError as error:
        raise Problem(507, str(error), reason="disk") from None
    except BusyError as error:
        raise Problem(503, str(error), reason="feedback", retry_after=1) from None
    answer = as_json({"request_id": passage.id, "number": number})
    answer.status_code = 201
    return answer
