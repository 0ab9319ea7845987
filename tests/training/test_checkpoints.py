from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft.errors import TrainingError
from textgraft.training import Checkpoints

torch = pytest.importorskip("torch")

from .children import run_fit  # noqa: E402

IDENTITY = {"encoder": "e1", "training data": "d1", "batch_size": 32}
TENSORS = {"weights": torch.arange(6.0), "flags": torch.tensor([1, 2, 3])}
STATE = {"place": {"step": 3}, "seconds": 7.5}


def checkpoints(folder: Path, **given: Any) -> Checkpoints:
    return Checkpoints(folder, **({"identity": IDENTITY, "resume": True} | given))


def written(folder: Path, steps: int = 3) -> Checkpoints:
    """Checkpoints after steps 1 .. ``steps``, all kept."""
    kept = checkpoints(folder, keep=99)
    for step in range(1, steps + 1):
        kept.write(step, 7.5, TENSORS, STATE | {"place": {"step": step}})
    return kept


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    written(tmp_path / "new" / "folder")
    saved = checkpoints(tmp_path / "new" / "folder").last()
    assert saved is not None
    tensors, state = saved
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in tensors)
    assert (state["place"], state["seconds"], state["step"]) == ({"step": 3}, 7.5, 3)


def test_the_last_ones_are_kept_by_number(tmp_path: Path) -> None:
    kept = checkpoints(tmp_path, keep=2)
    for step in (9, 10, 99, 100):
        kept.write(step, 1.0, TENSORS, STATE)
    assert names(tmp_path) == ["step-00000099", "step-00000100"]


def test_without_resuming_none_is_read(tmp_path: Path) -> None:
    written(tmp_path)
    fresh = checkpoints(tmp_path, resume=False)
    assert fresh.last() is None
    fresh.start_anew()
    assert names(tmp_path) == []


def test_where_there_is_none_training_starts(tmp_path: Path) -> None:
    assert checkpoints(tmp_path / "nothing").last() is None


def test_they_are_due_by_the_clock_or_by_the_step(tmp_path: Path) -> None:
    kept = checkpoints(tmp_path, seconds=10, steps=5)
    assert [kept.due(step, 0.0) for step in (3, 5, 7, 10)] == [False, True, False, True]
    assert not kept.due(1, 9.9)
    assert kept.due(1, 10.0)
    kept.write(1, 10.0, TENSORS, STATE | {"seconds": 10.0})
    assert not kept.due(2, 19.9)
    again = checkpoints(tmp_path, seconds=10)
    again.last()
    assert not again.due(2, 19.9)
    assert again.due(2, 20.0)


@pytest.mark.parametrize(
    ("here", "sentence"),
    [
        ({"encoder": "e2"}, r"belongs to another training: encoder \('e1' there, 'e2' here\)\. Use the same"),
        ({"batch_size": 16}, r"batch_size \(32 there, 16 here\)"),
        ({"new": 1}, r"new \(None there, 1 here\)"),
        (dict.fromkeys("abcd", 0), r"and 1 more\. Use"),
    ],
)
def test_of_another_training_it_is_refused_by_what_differs(tmp_path: Path, here: dict[str, Any], sentence: str) -> None:
    written(tmp_path)
    with pytest.raises(TrainingError, match=sentence):
        checkpoints(tmp_path, identity=IDENTITY | here).last()
    assert len(names(tmp_path)) == 3


def test_settings_are_compared_by_value_and_not_by_type(tmp_path: Path) -> None:
    class_weight = {"good": 1.5}
    kept = checkpoints(tmp_path, identity={"batch_size": np.int64(8), "class_weight": class_weight, "split": (1, 2)})
    kept.write(1, 1.0, TENSORS, STATE)
    assert checkpoints(tmp_path, identity={"batch_size": 8, "class_weight": class_weight, "split": [1, 2]}).last()


@pytest.mark.parametrize("file", ["tensors.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["half", "empty", "noise", "json"])
def test_a_damaged_one_is_a_sentence_and_the_one_before_can_be_gone_on_from(
    tmp_path: Path, file: str, damage: str
) -> None:
    written(tmp_path)
    path = tmp_path / "step-00000003" / file
    content = path.read_bytes()
    noise = np.random.RandomState(0).bytes(len(content))
    path.write_bytes({"half": content[: len(content) // 2], "empty": b"", "noise": noise, "json": b"{}"}[damage])
    with pytest.raises(TrainingError, match=r"checkpoint .*step-00000003 cannot be read .* delete this folder"):
        checkpoints(tmp_path).last()
    shutil.rmtree(path.parent)
    saved = checkpoints(tmp_path).last()
    assert saved is not None
    assert saved[1]["step"] == 2


def test_one_without_its_tensors_is_a_sentence(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "step-00000003" / "tensors.safetensors").unlink()
    with pytest.raises(TrainingError, match="cannot be read"):
        checkpoints(tmp_path).last()


KILLED = """
import os, signal, sys
from pathlib import Path
from textgraft.training import Checkpoints

class Dies:
    def detach(self):
        os.kill(os.getpid(), signal.SIGKILL)

Checkpoints(Path(sys.argv[1]), {}).write(4, 8.0, {"weights": Dies()}, {})
"""


def test_what_a_killed_process_left_is_not_taken_for_a_checkpoint_and_goes(tmp_path: Path) -> None:
    kept = written(tmp_path)
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False).returncode == -9
    assert len(names(tmp_path)) == 4
    saved = checkpoints(tmp_path).last()
    assert saved is not None
    assert saved[1]["step"] == 3
    kept.write(4, 8.0, TENSORS, STATE)
    assert names(tmp_path) == [f"step-{step:08d}" for step in (1, 2, 3, 4)]
    kept.done()
    assert names(tmp_path) == []


def test_one_that_cannot_be_deleted_wholly_no_longer_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = written(tmp_path)

    def killed(path: Path, **_: Any) -> None:
        (path / "tensors.safetensors").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.done()
    monkeypatch.undo()
    assert len(kept.written()) == 2
    assert checkpoints(tmp_path).last() is not None


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("x")
    kept = written(tmp_path)
    checkpoints(tmp_path, resume=False).start_anew()
    kept.done()
    assert names(tmp_path) == ["log.jsonl"]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(TrainingError, match=r"after step 1 could not be written to .*There is no earlier checkpoint"):
        checkpoints(tmp_path / "file").write(1, 1.0, TENSORS, STATE)


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_is_a_sentence_and_the_last_good_one_still_loads(tmp_path: Path, tiny_encoder: Path) -> None:
    pytest.importorskip("transformers")
    folder = tmp_path / "run"
    whole = run_fit(tmp_path / "whole", encoder=tiny_encoder)
    first = run_fit(
        tmp_path / "first", encoder=tiny_encoder, folder=folder, resume=True, checkpoint_seconds=0, file_limit_at=9
    )
    assert "checkpoint after step 9 could not be written" in first.error
    assert "step-00000008; make room and resume" in first.error
    assert "\n" not in first.error
    assert sorted(path.name for path in folder.glob("*step-*")) == ["step-00000007", "step-00000008"]
    second = run_fit(tmp_path / "second", encoder=tiny_encoder, folder=folder, resume=True)
    assert second.error == ""
    assert second.weights == whole.weights
    assert sorted(path.name for path in folder.glob("*step-*"))[-1] == "step-00000024"
