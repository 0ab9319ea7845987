"""Ray Serve: the service on more than one machine.

``serve run textgraft.serving.ray:app model=/models/reviews max_replicas=8``, or in a configuration ``import_path:
textgraft.serving.ray:app`` with these ``args``. A door takes requests from Ray's proxies, and replicas, each the whole
service with models of its own, answer them. A request whose replica dies is asked of another one: a prediction changes
nothing, so twice is as good as once. Models stand where every machine reads them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message

from textgraft.errors import SettingError
from textgraft.extras import library
from textgraft.serving.app import application
from textgraft.serving.bodies import read
from textgraft.serving.keys import Keys, read_keys
from textgraft.serving.limits import Limits
from textgraft.serving.logs import Log
from textgraft.serving.metrics import Metrics
from textgraft.serving.models import Models
from textgraft.serving.predicting import Service
from textgraft.serving.problems import Problem
from textgraft.serving.settings import Settings, places_of
from textgraft.unicode import quoted

if TYPE_CHECKING:
    from ray.serve import Application
    from ray.serve.handle import DeploymentHandle

TRIES, PAUSE = 20, 0.25  # of replicas that die, one after the other; seconds between them
DOORS = 1024  # requests that a door has at a time: it only waits
PASSED: Final = ("type", "http_version", "method", "scheme", "path", "raw_path", "query_string", "headers", "client")


class Arguments(BaseModel):
    """What ``app`` takes.

    Attributes:
        model: a directory, or several as ``NAME=DIR``, separated by commas.
        runtime: as for ``textgraft serve``.
        api_key_file: as for ``textgraft serve``.
        min_replicas, max_replicas: how many there are, as requests need.
        requests_per_replica: beyond these on average there are more replicas; enough that batches form.
        cpus: of a replica.
        doors: replicas of the door.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    model: str
    runtime: str = "auto"
    api_key_file: Path | None = None
    min_replicas: int = Field(1, ge=1)
    max_replicas: int = Field(4, ge=1)
    requests_per_replica: float = Field(32, gt=0)
    cpus: float = Field(1, gt=0)
    doors: int = Field(1, ge=1)


def app(arguments: Mapping[str, Any]) -> Application:
    """The application that Ray Serve runs.

    Args:
        arguments: see ``Arguments``.

    Raises:
        MissingExtraError: Ray Serve is not installed.
        SettingError: an argument is missing, unknown, or of no use.
    """
    serve = library("ray.serve", "Serving with Ray", "ray")
    given, settings = _read(arguments)
    limits = settings.limits
    replicas = serve.deployment(
        Replica,
        ray_actor_options={"num_cpus": given.cpus},
        max_ongoing_requests=limits.max_queue,  # the service itself refuses more, with a reason
        graceful_shutdown_timeout_s=limits.drain_s,
        autoscaling_config={
            "min_replicas": given.min_replicas,
            "max_replicas": given.max_replicas,
            "target_ongoing_requests": given.requests_per_replica,
        },
    )
    door = serve.deployment(
        Door, num_replicas=given.doors, ray_actor_options={"num_cpus": 0}, max_ongoing_requests=DOORS
    )
    return door.bind(replicas.bind(settings), limits)


def _read(arguments: Mapping[str, Any]) -> tuple[Arguments, Settings]:
    try:
        given = Arguments.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise SettingError(f"The argument {quoted(name)} of the service cannot be used: {first['msg']}.") from None
    if given.max_replicas < given.min_replicas:
        raise SettingError(
            f"max_replicas must be at least min_replicas; got {given.max_replicas} and {given.min_replicas}."
        )
    keys = () if given.api_key_file is None else read_keys(given.api_key_file)
    places = places_of([each.strip() for each in given.model.split(",") if each.strip()])
    return given, Settings(places, runtime=given.runtime, keys=keys, warm_up=True)


class Reply(NamedTuple):
    """An answer of the service."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Replica:
    """The service as one of many: its models, its batches, its limits. Ray waits for what it has accepted."""

    async def __init__(self, settings: Settings) -> None:  # type: ignore[misc]  # Ray awaits it
        log, metrics = Log(), Metrics()
        models = Models(
            settings.places,
            settings.limits,
            runtime=settings.runtime,
            metrics=metrics,
            warm=settings.warm_up,
            say=lambda sentence: log.write("models", said=sentence),
        )
        await models.load()
        self._watching = asyncio.create_task(models.watch())
        self._app = application(Service(models, settings.limits, metrics), log=log, keys=Keys(settings.keys))

    async def answer(self, scope: dict[str, Any], body: bytes) -> Reply:
        """Answers a request of HTTP, given as ASGI's scope and its body."""
        return await ask(self._app, scope, body)


class Door:
    """Takes requests, and asks replicas until one lives to answer.

    Args:
        replicas: of the service.
        limits: of requests.
    """

    def __init__(self, replicas: DeploymentHandle[Any], limits: Limits) -> None:
        self._replicas, self._limits = replicas, limits

    async def __call__(self, request: Request) -> Response:
        """Answers a request of HTTP."""
        from ray.exceptions import RayActorError
        from ray.serve.exceptions import DeploymentUnavailableError, ReplicaUnavailableError

        identity = f"door-{secrets.token_hex(8)}"
        try:
            body = await read(request, self._limits.max_body_bytes, self._limits.receive_s)
        except Problem as problem:
            return problem.response(identity)
        scope = {name: request.scope[name] for name in PASSED if name in request.scope}
        for _ in range(TRIES):
            try:
                reply = await self._replicas.answer.remote(scope, body)
            except (RayActorError, ReplicaUnavailableError, DeploymentUnavailableError):
                await asyncio.sleep(PAUSE)
                continue
            response = Response(reply.body, reply.status)
            response.raw_headers = reply.headers
            return response
        detail = "The replicas of the model died one after the other; try again later."
        return Problem(503, detail, reason="replicas", retry_after=5).response(identity)


async def ask(app: ASGIApp, scope: Mapping[str, Any], body: bytes) -> Reply:
    """What an ASGI application answers to a request whose body is at hand."""
    given = [{"type": "http.request", "body": body, "more_body": False}]
    status, headers, parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

    async def receive() -> Message:
        if given:
            return given.pop()
        return await asyncio.Future()  # the client stays

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        else:
            parts.append(message.get("body", b""))

    await app({**scope, "asgi": {"version": "3.0"}, "root_path": "", "state": {}}, receive, send)
    return Reply(status, headers, b"".join(parts))
