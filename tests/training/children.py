"""Starts trainings in processes of their own, which may be many, and may be killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIT = Path(__file__).parent / "fit.py"
PRELOADED = [
    "torch",
    "textgraft.methods.finetune",
    "textgraft.recurrent.network",
    "transformers.models.bert.modeling_bert",
    "safetensors.torch",
]
LONGEST = 120  # seconds that a process may take


@dataclass(frozen=True)
class Fitted:
    """What a process left.

    Attributes:
        weights: the bytes of ``model.safetensors``; none after an error.
        error: the sentence.
        works: the names of the long pieces of work that were done, in their order.
        chosen: ``chosen_`` of the model, but for its speed.
    """

    weights: bytes
    error: str
    works: list[str] = field(default_factory=list)
    chosen: dict[str, Any] = field(default_factory=dict)


def run_fit(out: Path, *, processes: int = 1, kill_when: Callable[[], bool] | None = None, **settings: Any) -> Any:
    """Trains in new processes; gives what the first one left, or with several processes a list of all.

    Args:
        out: a new folder.
        processes: how many train together.
        kill_when: kill -9 as soon as this is true; the result is then whether that came before the end.
        settings: of ``job`` and of the classifier.
    """
    port = str(free_port())
    # One process that has imported everything forks the others; none of them has computed anything before.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    started = []
    for rank in range(processes):
        environment = {"OMP_NUM_THREADS": "1", "TEXTGRAFT_CACHE": os.environ["TEXTGRAFT_CACHE"]}
        if processes > 1:
            environment |= {"RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_RANK": str(rank)}
            environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        told = {"JOB": job(out, environment, **settings)}
        # A function of this file could not be imported there.
        child = context.Process(target=runpy.run_path, args=(str(FIT), told, "__main__"))
        child.start()
        started.append(child)
    ends = time.monotonic() + LONGEST
    killed = False
    while any(child.is_alive() for child in started) and time.monotonic() < ends:
        if kill_when is not None and kill_when():
            killed = True
            break
        started[0].join(0.005)
    codes = []
    for child in started:
        if killed or time.monotonic() >= ends:
            child.kill()
        child.join()
        codes.append(child.exitcode)
        child.close()
    if kill_when is not None:
        return killed
    assert codes == [0] * processes, f"the processes ended with {codes}"
    fitted = [left(out / str(rank)) for rank in range(processes)]
    return fitted if processes > 1 else fitted[0]


def job(
    out: Path,
    environment: dict[str, str] | None = None,
    *,
    method: str = "finetune",
    rows: int = 60,
    file_limit_at: int = 0,
    threads: int = 1,
    weights: Sequence[float] = (),
    **settings: Any,
) -> dict[str, Any]:
    """What ``fit`` is told: four epochs of small steps, unless ``settings`` say otherwise; ``weights`` go round."""
    usual = {"epochs": 4, "batch_size": 10, "learning_rate": 3e-3, "precision": "fp32"}
    given = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
    return {
        "out": str(out),
        "environment": environment or {},
        "method": method,
        "rows": rows,
        "file_limit_at": file_limit_at,
        "threads": threads,
        "weights": list(weights),
        "settings": usual | given,
    }


def left(folder: Path) -> Fitted:
    """What a process left in its folder."""
    said = json.loads((folder / "said.json").read_text("utf-8"))
    said["chosen"].pop("texts_per_second", None)
    weights = b"" if said["error"] else (folder / "model.safetensors").read_bytes()
    return Fitted(weights, said["error"], said["works"], said["chosen"])


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
