"""A service as a process of its own, on loopback, and what clients that keep to no manners say to it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

SPORT = ["a great goal in the match", "the game was a goal", "match after match", "a game of goals"]
MONEY = ["the rate of the bank", "banks and rates", "a bank is a bank", "what a rate"]
TEXTS = (SPORT + MONEY) * 6
LABELS = (["sport"] * 4 + ["money"] * 4) * 6
PATIENCE = 120.0  # seconds; other work makes machines slow


@dataclass
class Running:
    """A service that runs.

    Attributes:
        process: of ``textgraft serve``.
        url: where it listens.
        lines: of its log so far.
        said: on standard error so far.
    """

    process: subprocess.Popen[str]
    url: str = ""
    lines: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def predict(self, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/predict", json=body, timeout=PATIENCE)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def says(self, words: str) -> None:
        """Waits until it says something on standard error."""
        wait_for(lambda: any(words in line for line in self.said))

    def end(self) -> int:
        """Asks it to end, and waits for that."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(*words: object, **environment: str) -> Iterator[Running]:
    """A service that answers, with more in its environment, and that is ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "textgraft", "serve", *map(str, words), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )
    running = Running(process)
    readers = [
        threading.Thread(target=_read, args=(stream, lines), daemon=True)
        for stream, lines in ((process.stdout, running.lines), (process.stderr, running.said))
    ]
    for reader in readers:
        reader.start()
    try:
        wait_for(lambda: any("Serving" in line for line in running.said) or process.poll() is not None)
        found = re.search(r"http://\S+", "".join(running.said))
        assert found, "".join(running.said)
        running.url = found[0]
        yield running
    finally:
        try:
            running.end()
        finally:
            process.kill()
            process.wait()
            for reader in readers:
                reader.join(PATIENCE)
            for stream in (process.stdout, process.stderr):
                assert stream is not None
                stream.close()


def _read(stream: Any, lines: list[str]) -> None:
    lines.extend(stream)  # as they come


def wait_for(true: Any) -> None:
    """Waits until something is true."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "it did not become true"
        time.sleep(0.02)


def raw(running: Running, *pieces: bytes, half_closed: bool = False) -> bytes:
    """What comes back for bytes, up to the end of the connection."""
    with socket.create_connection(running.address, timeout=PATIENCE) as connection:
        with suppress(OSError):  # the service may have heard enough
            for piece in pieces:
                connection.sendall(piece)
            if half_closed:
                connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(1 << 16):
                answer += piece
        return answer


def head(body: bytes, *, path: str = "/v1/predict", more: str = "") -> bytes:
    """The head of a request with a body, after which the connection is closed."""
    lines = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return lines.encode()


def worker_numbers(running: Running) -> set[int]:
    """The processes that have answered so far."""
    return {line["process"] for line in running.log() if line["event"] == "request"}


def saved(folder: Path, texts: list[str] = TEXTS, labels: list[str] = LABELS, **options: Any) -> Path:
    """A small model's directory."""
    from textgraft.methods import NgramClassifier

    return NgramClassifier(**options).fit(texts, labels).save(folder)
