"""A training in a process of its own: ``python fit.py job.json``, or run by ``children.py``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TEXTS = [
    f"the {noun} was {more}{how}"
    for noun in ("film", "book", "game", "match", "goal")
    for how in ("good", "great", "bad", "awful")
    for more in ("", "very ", "not very ")
]
LABELS = ["bad" if ("bad" in text or "awful" in text) != ("not" in text) else "good" for text in TEXTS]


class Heard:
    """Keeps the names of the long pieces of work."""

    def __init__(self) -> None:
        self.works: list[str] = []

    def start(self, what: str, total: float | None) -> None:
        self.works.append(what)

    def advance(self, work: object, amount: float, detail: str) -> None:
        pass

    def finish(self, work: object) -> None:
        pass

    def say(self, sentence: str) -> None:
        pass


def fit(job: dict[str, Any]) -> None:
    """Trains, and writes into ``job["out"]`` the model, and what was chosen, or the error."""
    os.environ |= job["environment"]
    import numpy as np
    import torch
    from safetensors.torch import save_file

    from textgraft.dataset import Dataset, Rows
    from textgraft.errors import TextgraftError
    from textgraft.methods import METHODS
    from textgraft.progress import listening
    from textgraft.task import Task

    torch.set_num_threads(job["threads"])
    out = Path(job["out"]) / os.environ.get("RANK", "0")
    out.mkdir(parents=True)
    task = Task(("bad", "good"))
    texts, labels = TEXTS[: job["rows"]], LABELS[: job["rows"]]
    weights = np.resize(job["weights"], len(texts)) if job["weights"] else None
    data = Dataset(texts, task.encode(labels), task, Rows.numbered(len(texts)), weights=weights)
    valid = data.select(range(0, len(data), 3))
    if job["file_limit_at"]:
        _limit_files_at(job["file_limit_at"])
    heard = Heard()
    said = {"error": "", "works": heard.works, "chosen": {}}
    try:
        with listening(heard):
            model: Any = METHODS[job["method"]](**job["settings"]).fit(data, valid=valid)
        # What this process has; model.save writes in the first one only.
        if job["method"] == "finetune":
            weights = model.network_.network.state_dict()
        else:
            weights = {name: torch.from_numpy(tensor) for name, tensor in model.tensors_.items()}
        save_file(weights, out / "model.safetensors")
        said["chosen"] = model.chosen_
    except TextgraftError as error:
        said["error"] = str(error)
    (out / "said.json").write_text(json.dumps(said), "utf-8")


def _limit_files_at(step: int) -> None:
    """From the checkpoint after ``step`` on, no file may be larger than 50 kB: what a full disk is like."""
    import resource

    from textgraft.training import checkpoints

    plain = checkpoints.Checkpoints.write

    def write(self: Any, number: int, *rest: Any) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        if number == step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
        try:
            plain(self, number, *rest)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    checkpoints.Checkpoints.write = write  # type: ignore[method-assign]


if __name__ == "__main__":
    given = globals().get("JOB")
    fit(json.loads(Path(sys.argv[1]).read_text("utf-8")) if given is None else given)
