"""The processes of a service: how they begin, what is said where they cannot, and that no request ends with them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import httpx
import pytest

from textgraft.cli.serve import LimitOptions
from textgraft.errors import SettingError
from textgraft.serving.keys import read_keys
from textgraft.serving.limits import Limits
from textgraft.serving.listening import listen
from textgraft.serving.settings import Settings, places_of

from ..cli.commands import refused
from .running import PATIENCE, SPORT, Running, head, serving, wait_for, worker_numbers

BODY = json.dumps({"texts": SPORT}).encode()
REQUEST = head(BODY).replace(b"Connection: close\r\n", b"") + BODY


def asked(running: Running, stop: threading.Event) -> dict[str, int]:
    """What becomes of requests on kept connections, sent one after the other until the service is gone."""
    outcomes = {"answered": 0, "lost": 0, "refused": 0}
    while not stop.is_set():
        try:
            connection = socket.create_connection(running.address, timeout=PATIENCE)
        except OSError:
            outcomes["refused"] += 1
            break
        with connection:
            while not stop.is_set():
                answer = b""
                try:
                    connection.sendall(REQUEST)
                    while b'"predictions"' not in answer or not answer.endswith(b"]}"):
                        piece = connection.recv(1 << 16)
                        if not piece:
                            break
                        answer += piece
                except OSError:
                    pass
                outcomes["answered" if answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"]}") else "lost"] += 1
                if b"connection: close" in answer or not answer:
                    break
    return outcomes


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_accepted_is_answered_before_the_end(model: Path, workers: int) -> None:
    stop = threading.Event()
    with serving(model, "--workers", workers) as running, ThreadPoolExecutor(8) as threads:
        clients = [threads.submit(asked, running, stop) for _ in range(8)]
        wait_for(lambda: len(running.lines) > 100)
        assert running.end() == 0
        stop.set()
        outcomes = [client.result() for client in clients]
        requests = [line for line in running.log() if line["event"] == "request"]
    assert {line["status"] for line in requests} == {200}
    assert sum(outcome["answered"] for outcome in outcomes) == len(requests)
    assert all(outcome["answered"] for outcome in outcomes)


def test_a_killed_process_is_replaced_and_the_others_answer_meanwhile(model: Path) -> None:
    with serving(model, "--workers", 2) as running:
        wait_for(lambda: running.predict(texts=SPORT).is_success and len(worker_numbers(running)) == 2)
        before = worker_numbers(running)
        os.kill(min(before), signal.SIGKILL)
        running.says("another one takes its place")
        assert running.predict(texts=SPORT).status_code == 200
        wait_for(lambda: running.predict(texts=SPORT).is_success and len(worker_numbers(running)) == 3)
        requests = 'textgraft_requests_total{path="/v1/predict",status="200"}'
        counted = next(line for line in httpx.get(f"{running.url}/metrics").text.splitlines() if requests in line)
        assert float(counted.split()[-1]) >= len(worker_numbers(running))
        assert running.end() == 0


def test_processes_end_with_the_one_that_watches_them(model: Path) -> None:
    with serving(model, "--workers", 2) as running:
        wait_for(lambda: running.predict(texts=SPORT).is_success and len(worker_numbers(running)) == 2)
        running.process.kill()
        running.process.wait()
        for number in worker_numbers(running):
            wait_for(lambda number=number: not is_alive(number))  # type: ignore[misc]


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ctrl_c_ends_it_in_order(model: Path) -> None:
    with serving(model) as running:
        assert running.predict(texts=SPORT).status_code == 200
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(PATIENCE) == 130
        assert "Traceback" not in "".join(running.said)


def test_a_model_is_replaced_under_load_and_each_answer_is_of_one_version(model: Path, tmp_path: Path) -> None:
    from .running import LABELS, TEXTS, saved

    place = tmp_path / "news"
    shutil.copytree(model, place)
    versions: dict[str, set[str]] = {}

    def ask(running: Running, stop: threading.Event) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            while not stop.is_set():
                answer = client.post(f"{running.url}/v1/predict", json={"texts": SPORT})
                assert answer.status_code == 200
                labels = "".join(row["label"] for row in answer.json()["predictions"])
                versions.setdefault(answer.json()["version"], set()).add(labels)

    stop = threading.Event()
    with serving(place) as running, ThreadPoolExecutor(4) as threads:
        clients = [threads.submit(ask, running, stop) for _ in range(4)]
        wait_for(lambda: versions)
        other = {"sport": "money", "money": "sport"}
        saved(place, TEXTS, [other[label] for label in LABELS])
        wait_for(lambda: len(versions) == 2)
        stop.set()
        for client in clients:
            client.result()
    assert sorted(map(sorted, versions.values())) == [["money" * 4], ["sport" * 4]]


def test_a_port_in_use_is_said_in_a_sentence(model: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        sentence = refused("serve", model, "--port", port)
    assert sentence == f"Error: Port {port} of 127.0.0.1 is in use; give another with --port (port=), or 0 for any."


@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_model_is_said_in_a_sentence(model: Path, tmp_path: Path, workers: int) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(model, damaged)
    (damaged / "ngrams.safetensors").write_bytes(b"none")
    assert "damaged" in refused("serve", damaged, "--port", 0, "--workers", workers)
    assert "There is no model directory" in refused("serve", tmp_path / "none", "--port", 0)


def test_settings_of_no_use_are_said_in_a_sentence(model: Path, tmp_path: Path) -> None:
    assert "Two models have the name 'a'" in refused("serve", f"a={model}", f"a={model}")
    assert "NAME=DIR" in refused("serve", f"a b={model}")
    assert "--port (port=) must be from 0 to 65,535; got 70000" in refused("serve", model, "--port", 70000)
    assert "--cors (cors=) must be an address" in refused("serve", model, "--cors", "example.org")
    assert "max_queue must be a whole number from 1" in refused("serve", model, "--max-queue", 0)
    assert "is no address" in refused("serve", model, "--host", "no.such.host.example.", "--port", 0)
    for content, said in ((None, "cannot be read"), (b"", "holds no key"), (b"# no\n", "holds no key")):
        file = tmp_path / "keys"
        if content is not None:
            file.write_bytes(content)
        assert said in refused("serve", model, "--api-key-file", file)
    for content in (b"a b\n", "schlüssel\n".encode(), b"a" * (1 << 20) + b"\n"):
        file.write_bytes(content)
        with pytest.raises(SettingError):
            read_keys(file)


def test_every_limit_is_an_option_with_the_same_default() -> None:
    assert [field.name for field in fields(LimitOptions)] == [field.name for field in fields(Limits)]
    assert LimitOptions().limits() == Limits()


def test_names_of_models_come_from_their_directories(tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "a=b").mkdir()
    assert places_of([f"{tmp_path}/news/", f"second={tmp_path}/news"]) == {
        "news": tmp_path / "news",
        "second": tmp_path / "news",
    }
    with pytest.raises(SettingError, match="NAME=DIR"):
        places_of([f"{tmp_path}/a=b"])
    with pytest.raises(SettingError, match="no model"):
        places_of([])
    assert "key" not in repr(Settings({"a": tmp_path}, keys=("key",)))


def test_requests_are_traced_by_their_routes_without_their_texts(model: Path) -> None:
    pytest.importorskip("opentelemetry.instrumentation.fastapi")
    with serving(model, "--trace", OTEL_TRACES_EXPORTER="console", OTEL_BSP_SCHEDULE_DELAY="50") as running:
        running.predict(texts=["a secret goal"])
        httpx.get(f"{running.url}/a-secret?q=secret")
        running.says('"http.route": "/v1/predict"')
        assert running.end() == 0
        assert "secret" not in "".join(running.said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_TRACES_EXPORTER", "nowhere")
        assert "must be otlp or console" in refused("serve", model, "--port", 0, "--trace")


def test_a_missing_extra_is_said_with_what_to_install(model: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "uvicorn", None)
        sentence = refused("serve", model, "--port", 0)
    assert sentence == 'Error: Serving needs more packages: pip install "textgraft[serve]"'
