"""What every request passes: its id, keys, where it comes from, headers of answers, faults, and its line in the log."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from textgraft.serving.bodies import Gone
from textgraft.serving.keys import Keys
from textgraft.serving.logs import Log
from textgraft.serving.metrics import Metrics
from textgraft.serving.problems import Problem

ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
OPEN = re.compile(r"/|/page/.*|/healthz|/readyz|/docs|/openapi\.json")  # read, they say nothing that a key protects
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
GONE = 499  # what nginx logs of clients that did not wait for the answer


@dataclass
class Passage:
    """A request on its way, for its line in the log.

    Attributes:
        id: of the request.
        fields: what the log says besides.
    """

    id: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Gate:
    """An ASGI middleware around all routes.

    Attributes:
        app: the routes.
        keys: that open the service.
        origins: that browsers may call it from, besides its own pages.
        log: of requests.
        metrics: count them.
        direct: applications by method and path that are called in place of the routes: what is asked most often needs
            none of what FastAPI does for each request.
    """

    app: ASGIApp
    keys: Keys
    origins: frozenset[str]
    log: Log
    metrics: Metrics
    direct: Mapping[tuple[str, str], ASGIApp] = field(default_factory=dict)
    _prefix: str = field(default_factory=lambda: secrets.token_hex(5))
    _number: Any = field(default_factory=itertools.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        passage = Passage(given.decode() if ID.fullmatch(given) else f"{self._prefix}-{next(self._number):x}")
        state = scope.setdefault("state", {})
        state["passage"] = passage
        state["task"] = asyncio.current_task()  # which ends with its connection, see ``protocols``
        start = time.perf_counter()
        status = GONE

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_headers(scope, passage, message["headers"])]
            await send(message)

        try:
            self._check(scope, headers)
            await self.direct.get((scope["method"], scope["path"]), self.app)(scope, receive, answer)
        except Problem as problem:
            passage.fields["reason"] = problem.reason
            await problem.response(passage.id)(scope, receive, answer)
        except (asyncio.CancelledError, Gone):
            passage.fields["reason"] = "gone"
        except Exception as error:
            self.log.fault(error, request_id=passage.id)
            if status != GONE:  # half of an answer is out
                raise
            detail = f"textgraft has a fault here, {type(error).__name__}. Its log has more under {passage.id}."
            await Problem(500, detail, reason="fault").response(passage.id)(scope, receive, answer)
        finally:
            self._note(scope, status, passage, time.perf_counter() - start)

    def _check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raises Problem for a request that may not come in."""
        if b"origin" in headers and scope["method"] not in ("GET", "HEAD", "OPTIONS") and self._is_foreign(headers):
            raise Problem(
                403, "Pages of other addresses may not ask this service; --cors ADDRESS allows one.", reason="origin"
            )
        is_open = scope["method"] in ("GET", "HEAD", "OPTIONS") and OPEN.fullmatch(scope["path"])
        if self.keys and not is_open and not self.keys.allow(scope["headers"]):
            raise Problem(
                401,
                "An API key is needed, as Authorization: Bearer KEY or X-API-Key: KEY; this one is missing or wrong.",
                reason="key",
                headers=[("WWW-Authenticate", "Bearer")],
            )

    def _is_foreign(self, headers: dict[bytes, bytes]) -> bool:
        """Whether a browser sends it from a page of another address that is not allowed.

        Pages may not read such answers anyway, but what is sent would be predicted, and kept as feedback.
        """
        origin = headers[b"origin"].decode("latin-1")
        if origin in self.origins or "*" in self.origins:
            return False
        if (site := headers.get(b"sec-fetch-site")) is not None:  # holds behind proxies that rename the host, too
            return site not in (b"same-origin", b"none")
        return origin.partition("://")[2] != headers.get(b"host", b"").decode("latin-1")

    def _note(self, scope: Scope, status: int, passage: Passage, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None)
        self.metrics.request(route or "", status, seconds)
        if "reason" in passage.fields:
            self.metrics.rejected(passage.fields["reason"])
        if route in ("/healthz", "/readyz", "/metrics") and status < 400:
            return
        self.log.write(
            "request",
            "info" if status < 500 else "error",
            request_id=passage.id,
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            **passage.fields,
        )


def _headers(scope: Scope, passage: Passage, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    more = [*HEADERS, (b"x-request-id", passage.id.encode())]
    if not any(name == NO_PAGE[0] for name, _ in given):
        more.append(NO_PAGE)
    if scope["app"].state.draining:  # so that the next request comes to another process
        more.append((b"connection", b"close"))
    return more
