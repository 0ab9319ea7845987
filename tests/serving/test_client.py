"""The client: typed answers, retries that wait as long as they are told, and none where they could not help."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import pytest

from textgraft import AsyncClient, Client
from textgraft.client import LONGEST_PAUSE, ServiceError, pause
from textgraft.errors import SettingError

from ..loopback import serving as answering
from .running import LABELS, TEXTS, Running

ROW = {"id": "a-0", "label": "x", "reason": "", "confidence": 1.0, "probabilities": [], "cut": False, "newer": 1}
GOOD = {"model": "m", "version": "1", "request_id": "a", "predictions": [ROW]}


@contextmanager
def scripted(*answers: tuple[int, dict[str, str]] | None) -> Iterator[tuple[str, list[float]]]:
    """A service that gives these answers one after the other, and then good ones; None breaks the connection."""
    script = list(answers)
    asked: list[float] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(time.monotonic())
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = script.pop(0) if script else (200, {})
            if answer is None:
                self.connection.close()
                return
            status, headers = answer
            problem = {"detail": "Not now.", "request_id": "a", "errors": [{"pointer": "/texts/0", "detail": "No."}]}
            body = json.dumps(GOOD if status == 200 else problem).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with answering(Answer) as url:
        yield url, asked


def test_predictions_are_typed_and_in_order(service: Running) -> None:
    with Client(service.url) as client:
        rows = client.predict(TEXTS[:40], top_k=1)
        assert [row.label for row in rows] == LABELS[:40]
        assert {row.model for row in rows} == {"news"}
        assert list(rows[0].probabilities) == [rows[0].label]
        assert [row.label for row in client.stream(iter(TEXTS[:8]))] == LABELS[:8]
        [explained] = client.predict(["the goal \ud800"], explain=True)
        assert explained.explanation is not None
        assert client.models()[0]["name"] == "news"
        assert client.is_ready()
    with Client(service.url, model="other") as client:
        assert client.predict(TEXTS[:1])[0].model == "other"


def test_an_asynchronous_client_gives_the_same(service: Running) -> None:
    async def ask() -> list[str | None]:
        async with AsyncClient(service.url) as client:
            assert len(await client.models()) == 2
            return [row.label for row in await client.predict(TEXTS[:30])]

    assert asyncio.run(ask()) == LABELS[:30]


def test_what_can_never_succeed_is_asked_once(service: Running) -> None:
    with Client(service.url) as client, pytest.raises(ServiceError, match="a request may have") as caught:
        client.predict(["a"] * 51)
    assert caught.value.status == 422
    assert caught.value.faults[0][0] == "/texts"
    assert caught.value.request_id
    for status in (400, 401, 403, 404, 413, 422, 500):
        with (
            scripted((status, {})) as (url, asked),
            Client(url) as client,
            pytest.raises(ServiceError, match="Not now"),
        ):
            client.predict(["a"])
        assert len(asked) == 1


def test_what_is_refused_for_now_is_asked_again_when_it_is_told() -> None:
    with (
        scripted((429, {"Retry-After": "1"}), (503, {"Retry-After": "0"}), None) as (url, asked),
        Client(url) as client,
    ):
        assert client.predict(["a"])[0].label == "x"
    assert len(asked) == 4
    assert asked[1] - asked[0] >= 1.0

    async def ask() -> Any:
        with scripted((503, {"Retry-After": "0"})) as (url, _):
            async with AsyncClient(url) as client:
                return await client.predict(["a"])

    assert asyncio.run(ask())[0].label == "x"


def test_retries_have_an_end() -> None:
    answers = [(503, {"Retry-After": "0"})] * 9
    with scripted(*answers) as (url, asked), Client(url, retries=2) as client, pytest.raises(ServiceError) as caught:
        client.predict(["a"])
    assert len(asked) == 3
    assert caught.value.status == 503
    with Client("http://127.0.0.1:1", retries=0) as client:
        assert not client.is_ready()
        with pytest.raises(ServiceError, match="cannot be reached"):
            client.predict(["a"])


def test_pauses_grow_and_keep_what_they_are_told() -> None:
    assert [pause(None, attempt, lambda: 0.5) for attempt in range(4)] == pytest.approx([0.2, 0.4, 0.8, 1.6])
    assert pause("7", 0, lambda: 0.0) == 7
    assert pause("7", 0, lambda: 1.0) == pytest.approx(7.7)
    assert pause("100000", 0) == LONGEST_PAUSE
    assert 0 < pause("nonsense", 0) < 1
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 15 < pause(later, 0) < 25
    assert 0 < pause(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True), 0) < 1


def test_options_of_no_use_are_said_in_a_sentence() -> None:
    for options in ({"url": "localhost"}, {"retries": -1}, {"timeout": 0}, {"api_key": "a b"}):
        with pytest.raises(SettingError):
            Client(**options)  # type: ignore[arg-type]
    with Client() as client, pytest.raises(SettingError, match="brackets"):
        client.predict("one text")


def test_what_is_no_service_is_told_from_one() -> None:
    class Page(BaseHTTPRequestHandler):
        answers: ClassVar[int] = 0

        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def log_message(self, *_: object) -> None: ...

    with answering(Page) as url, Client(url) as client, pytest.raises(ServiceError, match="is it textgraft serve"):
        client.predict(["a"])
