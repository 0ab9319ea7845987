"""What is refused: at once, with a reason and a place, whatever it is, and without harm to others."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from .running import SPORT, Running, head, raw, serving, wait_for

DEEP = b'{"texts": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"


def refused(answer: httpx.Response, status: int, pointer: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
    return dict(problem)


def posted(running: Running, body: bytes, path: str = "/v1/predict", **headers: str) -> httpx.Response:
    return httpx.post(f"{running.url}{path}", content=body, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"", 400, ""),
        (b"{", 400, ""),
        (b"nothing", 400, ""),
        (b"\xff\xfe{}", 400, ""),
        (DEEP, 400, ""),
        (b"[]", 422, ""),
        (b"{}", 422, "/texts"),
        (b'{"texts": null}', 422, "/texts"),
        (b'{"texts": "a"}', 422, "/texts"),
        (b'{"texts": ["a", 1]}', 422, "/texts/1"),
        (b'{"texts": [NaN]}', 422, "/texts/0"),
        (b'{"texts": ["a"], "threshold": NaN}', 422, "/threshold"),
        (b'{"texts": ["a"], "threshold": 1e999}', 422, "/threshold"),
        (b'{"texts": ["a"], "threshold": "0.5"}', 422, "/threshold"),
        (b'{"texts": ["a"], "top_k": 0}', 422, "/top_k"),
        (b'{"texts": ["a"], "top_k": 1e2}', 422, "/top_k"),
        (b'{"texts": ["a"], "top_k": ' + b"9" * 5000 + b"}", 400, ""),
        (b'{"texts": ["a"], "abstain": 1}', 422, "/abstain"),
        (b'{"texts": ["a"], "abstain": true}', 422, "/abstain"),
        (b'{"texts": ["a"], "neighbours": -1}', 422, "/neighbours"),
        (b'{"texts": ["a", "\\ud800"]}', 422, "/texts/1"),
        (b'{"texts": ["a"], "more": 1}', 422, "/more"),
        (b'{"texts": ["a"], "a/b~c": 1}', 422, "/a~1b~0c"),
        (b'{"texts": ["a"], "model": "nobody"}', 404, "/model"),
    ],
)
def test_a_body_that_is_none_says_what_is_wrong_and_where(
    service: Running, body: bytes, status: int, pointer: str
) -> None:
    refused(posted(service, body), status, pointer)


@pytest.mark.parametrize("path", ["/", "/v1/predict/stream", "/v1/predict"])
@pytest.mark.parametrize("body", [b"\0" * 1000, b"[" * 1000, b'"' * 1000, b"{}", b"\n" * 1000, b'{"inputs": {}}'])
def test_no_body_is_a_fault_of_the_service(service: Running, path: str, body: bytes) -> None:
    assert posted(service, body, path).status_code < 500


def test_sizes_have_limits(service: Running) -> None:
    refused(service.predict(texts=["a"] * 51), 422, "/texts")
    refused(service.predict(texts=["a"] * 40, explain=True), 422, "/explain")
    assert refused(posted(service, b" " * 200_001), 413)["reason"] == "body"
    endless = (b"[" * 65_536 for _ in range(100))
    assert posted(service, endless).status_code == 413  # type: ignore[arg-type]
    refused(posted(service, b"{}", **{"content-encoding": "gzip"}), 415)


def test_a_text_has_a_limit(model: Path) -> None:
    with serving(model, "--max-characters", 10) as running:
        refused(running.predict(texts=["a", "b" * 11]), 422, "/texts/1")
        refused(httpx.post(running.url, json={"inputs": ["b" * 11]}), 422, "/inputs/0")
        line = json.dumps({"text": "b" * 11}) + "\n"
        [answer] = httpx.post(f"{running.url}/v1/predict/stream", content=line).text.splitlines()
        assert json.loads(answer)["error"]["errors"][0]["pointer"] == "/text"
        assert running.predict(texts=["b" * 10]).status_code == 200


def test_a_large_body_is_refused_before_it_is_sent(service: Running) -> None:
    before = time.monotonic()
    with socket.create_connection(service.address, timeout=60) as connection:
        connection.sendall(head(b"").replace(b"Content-Length: 0", b"Content-Length: 50000000"))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413")
    assert time.monotonic() - before < 30


def test_requests_that_could_be_read_as_two_are_none(service: Running) -> None:
    hidden = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    both = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    two = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 60\r\n\r\n"
    odd = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"
    for request in (both, two, odd):
        answer = raw(service, request + hidden, half_closed=True)
        assert b"textgraft_requests_total" not in answer
        assert answer.count(b"HTTP/1.1 2") == 0


def test_what_is_no_http_is_refused_and_harms_nobody(service: Running) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\0" * 5000, b"A" * 200_000):
        answer = raw(service, nonsense, half_closed=True)
        assert not answer or answer.startswith(b"HTTP/1.1 4")
    many = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(300))
    assert raw(service, many, b"\r\n", half_closed=True)[:12] in (b"", b"HTTP/1.1 431", b"HTTP/1.1 400")
    assert service.predict(texts=SPORT).status_code == 200


def test_half_closed_and_broken_connections_leave_nothing_behind(service: Running) -> None:
    body = json.dumps({"texts": SPORT}).encode()
    for _ in range(20):
        raw(service, head(body), body, half_closed=True)
        with socket.create_connection(service.address) as connection:
            connection.sendall(head(body) + body[:10])
    assert service.predict(texts=SPORT).status_code == 200
    waiting = 'textgraft_queue_texts{model="news"} 0.0'
    wait_for(lambda: waiting in httpx.get(f"{service.url}/metrics").text)


def test_addresses_and_methods_that_are_none_are_problems(service: Running) -> None:
    refused(httpx.get(f"{service.url}/nothing"), 404)
    refused(httpx.delete(f"{service.url}/v1/predict"), 405)
    refused(httpx.get(f"{service.url}/v1/predict/"), 404)
    refused(httpx.post(f"{service.url}/v1/predict/stream?top_k=none", content=b""), 422)
    refused(httpx.post(f"{service.url}/v1/predict/stream?abstain=true", content=b""), 422)


def test_answers_carry_headers_that_keep_browsers_safe(service: Running) -> None:
    headers = service.predict(texts=SPORT).headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_pages_of_other_addresses_may_not_ask(service: Running, model: Path) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    body = json.dumps({"texts": SPORT}).encode()
    refused(posted(service, body, **foreign), 403)
    refused(posted(service, body, Origin=service.url, **{"Sec-Fetch-Site": "cross-site"}), 403)
    assert posted(service, body, Origin=service.url).status_code == 200
    assert posted(service, body, **foreign, **{"Sec-Fetch-Site": "same-origin"}).status_code == 200
    with serving(model, "--cors", "https://elsewhere.example") as running:
        allowed = posted(running, body, **foreign)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "https://elsewhere.example"
        refused(posted(running, body, Origin="https://third.example"), 403)


def test_keys_open_all_but_what_says_nothing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# who\nfirst-key\n\nsecond-key\n")
    with serving(model, "--api-key-file", tmp_path / "keys") as running:
        body = json.dumps({"texts": SPORT}).encode()
        for headers in ({}, {"Authorization": "Bearer third-key"}, {"X-API-Key": ""}, {"Authorization": "first-key"}):
            assert refused(posted(running, body, **headers), 401)["reason"] == "key"
        for path in ("/v1/models", "/metrics", "/v1/models/news"):
            refused(httpx.get(f"{running.url}{path}"), 401)
        for headers in ({"Authorization": "Bearer first-key"}, {"X-API-Key": "second-key"}):
            assert posted(running, body, **headers).status_code == 200
        assert httpx.get(f"{running.url}/readyz").status_code == 200
        assert "first-key" not in "".join(running.lines + running.said)


def test_the_log_has_ids_and_no_texts_unless_asked(model: Path) -> None:
    secret = "the secret goal of mister smith"
    for option in ((), ("--log-texts",)):
        with serving(model, *option) as running:
            named = httpx.post(f"{running.url}/v1/predict", json={"texts": [secret]}, headers={"X-Request-ID": "abc"})
            assert named.headers["x-request-id"] == "abc"
            posted(running, json.dumps({"texts": [secret], "top_k": secret}).encode())
            httpx.get(f"{running.url}/{secret}?q={secret}")
            strange = httpx.get(f"{running.url}/healthz", headers={"X-Request-ID": "a b"})
            assert strange.headers["x-request-id"] != "a b"
            wait_for(lambda r=running: len(r.lines) >= 3)  # type: ignore[misc]
            first = running.log()[0]
            assert (first["request_id"], first["status"], first["model"], first["texts"]) == ("abc", 200, "news", 1)
            assert (secret in "".join(running.lines)) == bool(option)


def test_a_full_queue_is_refused_with_the_time_to_come_back(model: Path) -> None:
    with serving(model, "--max-queue", 1, "--max-texts", 1000) as running:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda _: running.predict(texts=["a b c d"] * 1000), range(48)))
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 429}
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert refused(answer, 429)["reason"] == "queue"


def test_a_slow_head_and_a_slow_body_are_not_waited_for(model: Path) -> None:
    body = b'{"texts": ["a goal"]}'
    with serving(model, "--receive-s", 0.3) as running:
        for sent in (b"", b"POST /v1/pre", head(body)[:-2]):  # the connection is closed, and nothing waits for more
            assert raw(running, sent) == b""
        answer = raw(running, head(body), body[:-3])
        assert answer.startswith(b"HTTP/1.1 408")
        streamed = raw(running, head(b"a" * 50, path="/v1/predict/stream"), b'{"text": "a goal"}\n')
        assert b'"label":"sport"' in streamed
        assert b'"status":408' in streamed
        assert raw(running, head(body), body).startswith(b"HTTP/1.1 200")
