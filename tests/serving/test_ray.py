"""The service under Ray Serve: what it is started with, and that a replica that is killed loses no request."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from textgraft import NgramClassifier
from textgraft.errors import MissingExtraError, SettingError

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
from textgraft.serving.ray import Replica, _read, app, ask
from textgraft.serving.settings import Settings

HAS_RAY = importlib.util.find_spec("ray") is not None
UNDER_LOAD = """
import collections, json, os, signal, socket, sys, threading, time
import httpx, psutil, ray
from ray import serve
from textgraft.serving.ray import app

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
ray.init(num_cpus=4, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": port})
serve.run(app({"model": sys.argv[1], "min_replicas": 2, "max_replicas": 3}), name="textgraft", route_prefix="/")
url, counts, ended = f"http://127.0.0.1:{port}/v1/predict", collections.Counter(), threading.Event()


def ask():
    with httpx.Client(timeout=60) as client:
        while not ended.is_set():
            answer = client.post(url, json={"texts": ["a good film", "an awful book"]})
            labels = [each["label"] for each in answer.json()["predictions"]] if answer.status_code == 200 else None
            counts[answer.status_code, str(labels)] += 1


threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
killed = 0
for _ in range(2):
    before = sum(counts.values())
    while sum(counts.values()) < before + 100:  # all are at work
        time.sleep(0.1)
    names = {p.pid: " ".join(p.cmdline()[:1]) for p in psutil.process_iter() if p.status() != psutil.STATUS_ZOMBIE}
    here = [pid for pid, name in names.items() if "ServeReplica:textgraft:Replica" in name]
    os.kill(here[0], signal.SIGKILL)
    killed += 1
before = sum(counts.values())
while sum(counts.values()) < before + 100:
    time.sleep(0.1)
ended.set()
for thread in threads:
    thread.join()
print("RESULT", json.dumps([killed, [[*key, n] for key, n in counts.items()]]), flush=True)
serve.shutdown()
ray.shutdown()
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [
        f"{article} {how} {what}" for article in ("a", "the") for how in ("good", "awful") for what in ("film", "book")
    ]
    labels = ["good" if "good" in text else "bad" for text in texts]
    return NgramClassifier(min_count=1).fit(texts * 4, labels * 4).save(tmp_path_factory.mktemp("ray") / "films")


def test_a_replica_answers_as_the_service_does(model: Path) -> None:
    async def asked() -> tuple[int, dict[str, object], int]:
        replica = Replica.__new__(Replica)
        await Replica.__init__(replica, Settings({"films": model}))  # type: ignore[misc]  # as Ray does
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "query_string": b"",
            "headers": [],
        }
        scope |= {"path": "/v1/predict", "raw_path": b"/v1/predict", "client": ("127.0.0.1", 1)}
        reply = await replica.answer(scope, b'{"texts": ["a good film"]}')
        refused = await replica.answer(scope, b"{")
        assert (b"content-type", b"application/json") in [
            (name.lower(), value.partition(b";")[0]) for name, value in reply.headers
        ]
        return reply.status, json.loads(reply.body), refused.status

    status, answer, refused = asyncio.run(asked())
    assert (status, refused) == (200, 400)
    assert answer["predictions"][0]["label"] == "good"  # type: ignore[index]


def test_arguments_are_checked_before_ray_starts_anything(model: Path) -> None:
    for arguments, sentence in (
        ({}, r"The argument 'model' of the service cannot be used: Field required\."),
        ({"model": "a", "replicas": 2}, r"The argument 'replicas' of the service cannot be used"),
        ({"model": "a", "cpus": "many"}, r"The argument 'cpus' of the service cannot be used"),
        (
            {"model": "a", "min_replicas": 3, "max_replicas": 2},
            r"max_replicas must be at least min_replicas; got 2 and 3",
        ),
        ({"model": "x=a,x=b"}, r"Two models have the name 'x'"),
        ({"model": " , "}, r"There is no model to serve"),
    ):
        with pytest.raises(SettingError, match=sentence):
            _read(arguments)
    given, settings = _read({"model": f"a={model}, b={model}", "max_replicas": "8", "cpus": "0.5"})
    assert (given.max_replicas, given.cpus, list(settings.places)) == (8, 0.5, ["a", "b"])


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_a_sentence_says_what_to_install(model: Path) -> None:
    with pytest.raises(MissingExtraError, match=r'Serving with Ray .*pip install "textgraft\[ray\]"'):
        app({"model": str(model)})


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
def test_a_killed_replica_loses_no_request(model: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_LOAD, str(model)],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        cwd=tmp_path,
    )
    [result] = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")] or [done.stdout + done.stderr]
    killed, outcomes = json.loads(result.removeprefix("RESULT "))
    assert killed == 2
    assert [outcome[:2] for outcome in outcomes] == [[200, "['good', 'bad']"]]
    assert outcomes[0][2] >= 300


def test_ask_gives_the_whole_answer_of_an_application() -> None:
    async def echo(scope, receive, send):  # type: ignore[no-untyped-def]
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 418, "headers": [(b"a", b"b")]})
        for letter in body:
            await send({"type": "http.response.body", "body": bytes([letter]), "more_body": True})
        await send({"type": "http.response.body"})

    assert asyncio.run(ask(echo, {"type": "http"}, b"tea")) == (418, [(b"a", b"b")], b"tea")
