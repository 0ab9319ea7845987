from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import load  # noqa: E402

from .children import FIT, Fitted, free_port, job, left, run_fit  # noqa: E402
from .toys import same  # noqa: E402

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
STEPS = 24  # 60 texts in batches of 10, four epochs


def steps_logged(folder: Path) -> int:
    log = folder / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def others(folder: Path) -> set[str]:
    """What is there besides whole checkpoints."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("step-")}


def killed_at(folder: Path, step: int, wait: float) -> Callable[[], bool]:
    """True from some time after ``step`` was told on; where in the work of the next steps that is, chance decides."""

    def now() -> bool:
        if steps_logged(folder) < step:
            return False
        time.sleep(wait)
        return True

    return now


def killed_and_resumed(
    tmp_path: Path, encoder: Path | None, kills: int, seed: int, **settings: Any
) -> tuple[Fitted, Fitted]:
    """What comes out of a training that is never interrupted, and of one that is killed so many times."""
    settings |= {"encoder": encoder}
    whole = run_fit(tmp_path / "whole", **settings)
    folder = tmp_path / "run"
    settings |= {"folder": folder, "resume": True, "checkpoint_seconds": 0}
    chance = random.Random(seed)
    for i, step in enumerate(sorted(chance.sample(range(1, STEPS), kills))):
        killed = run_fit(tmp_path / f"{i}", kill_when=killed_at(folder, step, chance.random() * 0.03), **settings)
        assert killed or step == STEPS - 1
    return whole, run_fit(tmp_path / "end", **settings)


@pytest.mark.parametrize(
    "settings",
    [{"layer_decay": 0.8, "dropout": 0.2}, {"precision": "bf16", "threads": 2, "dropout": 0.2}],
    ids=["fp32", "bf16 in two threads"],
)
def test_a_killed_training_goes_on_to_the_same_weights(
    tmp_path: Path, tiny_encoder: Path, settings: dict[str, Any]
) -> None:
    whole, resumed = killed_and_resumed(tmp_path, tiny_encoder, 2, 1, **settings)
    assert resumed.weights == whole.weights
    assert resumed.chosen == whole.chosen
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text("utf-8").splitlines()]
    assert [entry["step"] for entry in log] == list(range(1, STEPS + 1))
    assert others(tmp_path / "run") <= {"log.jsonl", "curves.png"}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_that_is_killed_ten_times_goes_on_to_the_same_weights(
    tmp_path: Path, tiny_encoder: Path, precision: str
) -> None:
    whole, resumed = killed_and_resumed(tmp_path, tiny_encoder, 10, 2, precision=precision, dropout=0.2, threads=2)
    assert resumed.weights == whole.weights
    assert resumed.chosen == whole.chosen


def assert_two_are_one(one: Fitted, two: list[Fitted]) -> None:
    assert two[0].weights == two[1].weights
    same(load(two[0].weights), load(one.weights), tolerance=2e-5)
    assert two[0].chosen["best_epoch"] == one.chosen["best_epoch"]
    assert two[0].chosen["valid_scores"] == two[1].chosen["valid_scores"]


@pytest.mark.parametrize(
    "settings",
    [
        {"rows": 60},
        {"rows": 57, "class_weight": {"bad": 3.0}},
        {"rows": 57, "class_weight": {"bad": 3.0}, "weights": [0.5, 1.0, 4.0]},
        # The last batch has one text: the second process has nothing to do in that step.
        {"rows": 41, "layer_decay": 0.7, "label_smoothing": 0.1},
    ],
    ids=["even", "uneven", "weighted", "one"],
)
def test_two_processes_do_what_one_does_with_twice_the_batch(
    tmp_path: Path, tiny_encoder: Path, settings: dict[str, Any]
) -> None:
    settings |= {"encoder": tiny_encoder, "dropout": 0.0, "epochs": 2}
    one = run_fit(tmp_path / "one", batch_size=10, **settings)
    assert_two_are_one(one, run_fit(tmp_path / "two", processes=2, batch_size=5, **settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "gru", "pooling": "attention", "threads": 2, "precision": "bf16"},
        {"cell": "lstm", "pooling": "last", "bidirectional": False},
        {"cell": "gru", "pooling": "mean", "from_encoder": True},
    ],
    ids=["gru in two threads", "lstm", "on an encoder's states"],
)
def test_a_killed_recurrent_network_goes_on_to_the_same_weights(
    tmp_path: Path, tiny_encoder: Path, settings: dict[str, Any]
) -> None:
    encoder = tiny_encoder if settings.pop("from_encoder", False) else None
    settings |= {"method": "recurrent", "hidden": 8, "width": 8, "layers": 2}
    whole, resumed = killed_and_resumed(tmp_path, encoder, 2, 3, **settings)
    assert resumed.weights == whole.weights
    assert resumed.chosen == whole.chosen


def test_a_recurrent_network_in_two_processes_is_that_of_one_with_twice_the_batch(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"method": "recurrent", "hidden": 8, "width": 8, "dropout": 0.0, "epochs": 2}
    one = run_fit(tmp_path / "one", batch_size=10, **settings)
    assert_two_are_one(one, run_fit(tmp_path / "two", processes=2, batch_size=5, **settings))


def test_the_first_of_two_processes_computes_an_encoders_states_and_the_other_reads_them(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    settings: dict[str, Any] = {
        "method": "recurrent",
        "encoder": tiny_encoder,
        "hidden": 8,
        "dropout": 0.0,
        "epochs": 2,
    }
    two = run_fit(tmp_path / "two", processes=2, batch_size=5, **settings)
    one = run_fit(tmp_path / "one", batch_size=10, **settings)
    assert_two_are_one(one, two)
    assert [fitted.works.count("encoding") for fitted in (*two, one)] == [1, 0, 0]


def test_two_processes_drop_other_units_and_end_with_the_same_weights(tmp_path: Path, tiny_encoder: Path) -> None:
    settings: dict[str, Any] = {"encoder": tiny_encoder, "dropout": 0.3, "epochs": 2, "precision": "bf16"}
    first = run_fit(tmp_path / "first", processes=2, **settings)
    assert first[0].weights == first[1].weights


def test_two_killed_processes_go_on_to_the_same_weights_and_the_first_one_writes(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    settings: dict[str, Any] = {"encoder": tiny_encoder, "batch_size": 5, "epochs": 2, "dropout": 0.2}
    whole = run_fit(tmp_path / "whole", processes=2, **settings)
    folder = tmp_path / "run"
    settings |= {"folder": folder, "resume": True, "checkpoint_seconds": 0}
    assert run_fit(tmp_path / "killed", processes=2, kill_when=killed_at(folder, 5, 0.0), **settings)
    resumed = run_fit(tmp_path / "resumed", processes=2, **settings)
    assert resumed[0].weights == resumed[1].weights == whole[0].weights
    # One line for each step: no other process wrote to the log.
    assert steps_logged(folder) == 12
    assert others(folder) <= {"log.jsonl", "curves.png"}


def test_checkpoints_of_other_processes_are_refused_in_all_of_them(tmp_path: Path, tiny_encoder: Path) -> None:
    folder = tmp_path / "run"
    settings: dict[str, Any] = {"encoder": tiny_encoder, "folder": folder, "resume": True, "checkpoint_seconds": 0}
    assert run_fit(tmp_path / "one", kill_when=killed_at(folder, 5, 0.0), **settings)
    for fitted in run_fit(tmp_path / "two", processes=2, **settings):
        assert "processes (1 there, 2 here)" in fitted.error


def test_a_full_disk_is_told_by_all_processes(tmp_path: Path, tiny_encoder: Path) -> None:
    settings: dict[str, Any] = {"encoder": tiny_encoder, "folder": tmp_path / "run", "checkpoint_seconds": 0}
    for fitted in run_fit(tmp_path / "two", processes=2, file_limit_at=3, **settings):
        assert "checkpoint after step 3 could not be written" in fitted.error


def launched(tmp_path: Path, encoder: Path, *launcher: str, **settings: Any) -> list[Fitted]:
    """What two processes leave that a launcher starts."""
    out = tmp_path / "launched"
    told = tmp_path / "job.json"
    told.write_text(json.dumps(job(out, encoder=encoder, **settings)), "utf-8")
    command = [sys.executable, "-m", *launcher, str(FIT), str(told)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return [left(out / str(rank)) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_launchers_start_processes_that_do_what_one_does(tmp_path: Path, tiny_encoder: Path, launcher: str) -> None:
    port = str(free_port())
    command = {
        "torchrun": ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", port],
        # Its --cpu starts one process only, where there is no mpirun; --multi_gpu starts them by torchrun.
        "accelerate": [
            "accelerate.commands.launch",
            "--multi_gpu",
            "--num_processes",
            "2",
            "--main_process_port",
            port,
        ],
    }[launcher]
    if launcher == "accelerate":
        pytest.importorskip("accelerate")
    settings: dict[str, Any] = {"dropout": 0.0, "epochs": 2, "rows": 57}
    one = run_fit(tmp_path / "one", encoder=tiny_encoder, batch_size=10, **settings)
    assert_two_are_one(one, launched(tmp_path, tiny_encoder, *command, batch_size=5, **settings))
