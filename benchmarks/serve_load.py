"""A load generator: clients over HTTP/1.1 that each send one short text after the other, or as many a second as asked.

    python benchmarks/serve_load.py 8000 --clients 64 --seconds 10 < texts.txt
    python benchmarks/serve_load.py 8000 --rate 1500 --seconds 600 < texts.txt

Connections are kept open and answers parsed as far as their length, so that it takes little of the processor that it
shares with the server; its own processor time is in what it prints. Needs the standard library alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

MOST_CONNECTIONS = 2000


@dataclass
class Seen:
    """What came of all requests: statuses, seconds of those answered well, and requests that nothing came of."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    sent: int = 0
    lost: int = 0
    without_reason: int = 0
    slowest_refusal: float = 0.0

    def note(self, status: int, seconds: float, head: bytes, body: bytes) -> None:
        self.statuses[status] += 1
        if status == 200:
            self.seconds.append(seconds)
            return
        if status in (429, 503):
            self.slowest_refusal = max(self.slowest_refusal, seconds)
        promised = status not in (429, 503) or b"retry-after:" in head.lower()
        self.without_reason += b'"detail"' not in body or not promised


class Client(asyncio.Protocol):
    """A connection with one request at a time; ``done`` is called with it after each answer."""

    def __init__(self, seen: Seen, done: Any) -> None:
        self.seen, self.done = seen, done
        self.buffer = b""
        self.started = 0.0  # 0: nothing is waited for

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes) -> None:
        self.started = time.perf_counter()
        self.seen.sent += 1
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        whole = body.endswith(b"0\r\n\r\n")  # of an answer in pieces
        if at >= 0:
            whole = len(body) >= int(head[at + 15 :].split(b"\r\n", 1)[0])
        if not whole:
            return
        self.seen.note(int(head[9:12]), time.perf_counter() - self.started, head, body)
        self.buffer, self.started = b"", 0.0
        self.done(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.seen.lost += bool(self.started)
        self.done(None)


def requests(texts: list[str], port: int, path: str, member: str, single: bool) -> list[bytes]:
    """A whole request for each text."""
    made = []
    for text in texts:
        body = json.dumps({member: text if single else [text]}).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        made.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return made


async def closed(port: int, made: list[bytes], clients: int, seconds: float, warm: float) -> dict[str, Any]:
    """Each client sends its next text when the last one is answered."""
    loop, warming, seen = asyncio.get_running_loop(), Seen(), Seen()
    number, ends = 0, False
    current, connections = warming, set[Client]()
    opening: set[asyncio.Task[None]] = set()

    def next_one(client: Client | None) -> None:
        nonlocal number
        if ends:
            return
        if client is None:  # the server has closed the connection
            task = loop.create_task(connect())
            opening.add(task)
            task.add_done_callback(opening.discard)
            return
        number += 1
        client.send(made[number % len(made)])

    async def connect() -> None:
        _, client = await loop.create_connection(lambda: Client(current, next_one), "127.0.0.1", port)
        connections.add(client)
        next_one(client)

    for _ in range(clients):
        await connect()
    await asyncio.sleep(warm)
    current = seen
    for client in connections:
        client.seen = seen
    began, processor = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    took, used = time.perf_counter() - began, time.process_time() - processor
    ends = True
    for client in connections:
        client.transport.abort()
    return summary(seen, took, used)


async def at_rate(port: int, made: list[bytes], rate: float, seconds: float, _warm: float) -> dict[str, Any]:
    """As many requests a second as asked, whatever becomes of them; each on a connection that is free, or a new one."""
    loop, seen = asyncio.get_running_loop(), Seen()
    free: deque[Client] = deque()
    opened = unsent = 0

    def back(client: Client | None) -> None:
        nonlocal opened
        if client is None:
            opened -= 1
        else:
            free.append(client)

    async def one(request: bytes) -> None:
        nonlocal opened
        opened += 1
        try:
            _, client = await loop.create_connection(lambda: Client(seen, back), "127.0.0.1", port)
        except OSError:
            opened -= 1
            seen.sent += 1
            seen.lost += 1
            return
        client.send(request)

    tasks: set[asyncio.Task[None]] = set()
    began, processor, number = time.perf_counter(), time.process_time(), 0
    while (now := time.perf_counter() - began) < seconds:
        while number < now * rate:
            request, number = made[number % len(made)], number + 1
            while free and free[0].transport.is_closing():
                free.popleft()
            if free:
                free.popleft().send(request)
            elif opened < MOST_CONNECTIONS:
                task = loop.create_task(one(request))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            else:
                unsent += 1  # as many connections as there may be are waiting
        await asyncio.sleep(0.002)
    took, used = time.perf_counter() - began, time.process_time() - processor
    patience = time.perf_counter() + 60
    while sum(seen.statuses.values()) + seen.lost < seen.sent and time.perf_counter() < patience:
        await asyncio.sleep(0.05)
    return {**summary(seen, took, used), "unsent": unsent, "unanswered": seen.sent - sum(seen.statuses.values())}


def summary(seen: Seen, took: float, used: float) -> dict[str, Any]:
    """The figures."""
    times = sorted(seen.seconds) or [float("nan")]
    return {
        "requests/s": sum(seen.statuses.values()) / took,
        "answered/s": seen.statuses[200] / took,
        "p50 ms": 1000 * times[len(times) // 2],
        "p99 ms": 1000 * times[int(len(times) * 0.99)],
        "statuses": dict(seen.statuses),
        "sent": seen.sent,
        "lost": seen.lost,
        "without reason": seen.without_reason,
        "slowest refusal ms": 1000 * seen.slowest_refusal,
        "generator's cores": used / took,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second, in place of clients that wait")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm", type=float, default=2.0, help="seconds before it is measured")
    parser.add_argument("--path", default="/v1/predict")
    parser.add_argument("--member", default="texts")
    parser.add_argument("--single", action="store_true", help="a text and not a list of one")
    options = parser.parse_args()
    made = requests(sys.stdin.read().splitlines(), options.port, options.path, options.member, options.single)
    work, load = (at_rate, options.rate) if options.rate else (closed, options.clients)
    print(json.dumps(asyncio.run(work(options.port, made, load, options.seconds, options.warm))))


if __name__ == "__main__":
    main()
