"""Services: single short texts from 1 to 256 clients at a time, beside the same model offline and other servers.

    textgraft train train.csv --method finetune --out model && textgraft export model --runtime openvino
    python benchmarks/serve.py model texts.txt --peer-python peers/bin/python
    python benchmarks/serve.py model texts.txt --only offline textgraft --clients 64
    python benchmarks/serve.py model texts.txt --soak 10

``offline`` is what the model predicts in batches, without any server. ``pipeline`` is FastAPI around
``transformers.pipeline``, as tutorials write it; it needs a fine-tuned model. ``litserve`` and ``ray`` serve the same
model by the same runtime, with batches of up to 64 texts. The load generator (``serve_load.py``) is a process on the
same cores; what it takes of them stands beside each figure, and so does the processor's time for each text, which other
work on the machine disturbs less. ``--soak`` sends twice what 64 clients reached, for so many
minutes. The exit code is 1 if a bound was not met.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SERVERS = ("textgraft", "pipeline", "litserve", "ray")
CLIENTS = (1, 8, 64, 256)
OF_OFFLINE, TIMES_PIPELINE, BATCHES = 0.6, 8.0, 10.0  # bounds at 64 clients: throughput, throughput, p99
NORMAL_AFTER = 5.0  # seconds after an overload
Figures = dict[str, Any]


def command(server: str, options: argparse.Namespace, port: int) -> list[str]:
    if server == "textgraft":
        return [sys.executable, "-m", "textgraft", "serve", f"m={options.model}", "--port", str(port), "--warmup"]
    python = sys.executable if server == "offline" else options.peer_python
    return [python, str(HERE / "serve_peers.py"), server, str(options.model), str(port)]


def address(server: str) -> list[str]:
    return [] if server == "textgraft" else ["--path", "/predict", "--member", "text", "--single"]


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def used_by(group: int) -> tuple[float, float]:
    """Processor seconds and resident MB of all processes of a session."""
    seconds = megabytes = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == group:
                seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                megabytes += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return seconds, megabytes


@contextmanager
def serving(server: str, options: argparse.Namespace) -> Iterator[tuple[int, int, float]]:
    """The port and process of a server that answers, and the seconds until it did."""
    port, started = free_port(), time.perf_counter()
    process = subprocess.Popen(
        command(server, options, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while True:
            with suppress(RuntimeError):
                load(server, port, options, "--clients", "1", "--seconds", "0.1", "--warm", "0")
                break
            if process.poll() is not None or time.perf_counter() - started > options.patience:
                raise RuntimeError(f"{server} did not start")
            time.sleep(0.2)
        yield port, process.pid, time.perf_counter() - started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def load(server: str, port: int, options: argparse.Namespace, *how: str) -> Figures:
    """What the load generator says."""
    run = [sys.executable, str(HERE / "serve_load.py"), str(port), *address(server), *how]
    with options.texts.open("rb") as texts:
        done = subprocess.run(run, stdin=texts, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-300:])
    figures: Figures = json.loads(done.stdout)
    return figures


def throughput(server: str, options: argparse.Namespace) -> dict[int, Figures]:
    found = {}
    with serving(server, options) as (port, group, seconds):
        print(f"{server}: ready after {seconds:.1f} s", file=sys.stderr)
        for clients in options.clients:
            how = ("--clients", str(clients), "--warm", "0", "--seconds")
            load(server, port, options, *how, "3")
            before, _ = used_by(group)
            figures = load(server, port, options, *how, str(options.seconds))
            after, megabytes = used_by(group)
            figures["server's ms/text"] = 1000 * (after - before) / max(1, figures["sent"])
            found[clients] = figures | {"MB": megabytes}
            print(server, clients, json.dumps(found[clients]), file=sys.stderr)
    return found


def offline(options: argparse.Namespace) -> Figures:
    with options.texts.open("rb") as texts:
        done = subprocess.run(command("offline", options, 0), stdin=texts, capture_output=True, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def soak(options: argparse.Namespace) -> list[str]:
    """Twice the capacity for some minutes; what was wrong with it."""
    with serving("textgraft", options) as (port, group, _):
        alone = load("textgraft", port, options, "--clients", "1", "--seconds", "3", "--warm", "1")["p50 ms"]
        rate = 2 * load("textgraft", port, options, "--clients", "64", "--seconds", "10")["answered/s"]
        memory: list[float] = []
        run = [sys.executable, str(HERE / "serve_load.py"), str(port), "--rate", str(rate)]
        with options.texts.open("rb") as texts:
            seconds = str(60 * options.soak)
            generator = subprocess.Popen([*run, "--seconds", seconds], stdin=texts, stdout=subprocess.PIPE)
            while generator.poll() is None:
                memory.append(used_by(group)[1])
                time.sleep(1)
        assert generator.stdout is not None
        figures: Figures = json.loads(generator.stdout.read())
        time.sleep(NORMAL_AFTER)
        after = load("textgraft", port, options, "--clients", "1", "--seconds", "3", "--warm", "0")["p50 ms"]
    middle, end = (statistics.median(part) for part in (memory[len(memory) // 3 :][:30], memory[-30:]))
    print(f"{rate:,.0f} requests/s for {options.soak:g} minutes: {json.dumps(figures)}")
    print(f"memory after a third {middle:,.0f} MB, at the end {end:,.0f} MB; one client alone {alone:.1f} ms before, "
          f"{after:.1f} ms after")  # fmt: skip
    checks = {
        "a request was lost": figures["lost"] or figures["unanswered"],
        "a request was refused without a reason": figures["without reason"],
        "there were other answers than 200, 429 and 503": set(figures["statuses"]) - {"200", "429", "503"},
        "memory grew by more than a twentieth": end > 1.05 * middle,
        "it was not as fast as before": after > 2 * alone + 2,
    }
    return [what for what, wrong in checks.items() if wrong]


def table(base: Figures | None, found: dict[str, dict[int, Figures]]) -> str:
    columns = ("answered/s", "p50 ms", "p99 ms", "server's ms/text", "generator's cores", "MB")
    lines = ["| server | clients | " + " | ".join(columns) + " | of offline |", "|---|---" + "|---" * 7 + "|"]
    for server, by_clients in found.items():
        for clients, figures in by_clients.items():
            share = "" if base is None else f"{figures['answered/s'] / base['texts/s']:.0%}"
            cells = " | ".join(f"{figures[name]:,.1f}" for name in columns)
            lines.append(f"| {server} | {clients} | {cells} | {share} |")
    return "\n".join(lines)


def unmet(base: Figures | None, found: dict[str, dict[int, Figures]]) -> list[str]:
    """Bounds at 64 clients that do not hold."""
    at_64 = {server: by_clients[64] for server, by_clients in found.items() if 64 in by_clients}
    if (ours := at_64.pop("textgraft", None)) is None:
        return []
    rate, faults = ours["answered/s"], []
    if base is not None and rate < OF_OFFLINE * base["texts/s"]:
        faults.append(f"{rate:,.0f} texts/s are {rate / base['texts/s']:.0%} of offline, not {OF_OFFLINE:.0%}")
    if base is not None and ours["p99 ms"] > BATCHES * base["ms of a batch of 64"]:
        faults.append(f"p99 is {ours['p99 ms']:,.0f} ms, more than {BATCHES:g} batches")
    for server, figures in at_64.items():
        times = TIMES_PIPELINE if server == "pipeline" else 1.0
        if rate < times * figures["answered/s"]:
            faults.append(f"{rate / figures['answered/s']:.1f} times {server}, not {times:g}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path, help="a short text on each line")
    parser.add_argument("--only", nargs="+", choices=("offline", *SERVERS), default=("offline", *SERVERS))
    parser.add_argument("--clients", nargs="+", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--patience", type=float, default=120.0, help="seconds for a server to start")
    parser.add_argument("--peer-python", default=sys.executable, help="an environment with litserve and ray[serve]")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="twice the capacity for so long")
    options = parser.parse_args()
    if options.soak:
        faults = soak(options)
    else:
        base = offline(options) if "offline" in options.only else None
        if base is not None:
            print(f"offline: {json.dumps(base)}")
        found = {}
        for server in SERVERS:
            if server in options.only:
                try:
                    found[server] = throughput(server, options)
                except RuntimeError as error:
                    print(f"{server} failed: {error}")
        print(table(base, found))
        faults = unmet(base, found)
    for fault in faults:
        print(f"NOT MET: {fault}")
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
