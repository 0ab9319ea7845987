"""Processes that are killed while they write models and exports, at random moments and at the worst ones."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from textgraft import FineTunedClassifier, MajorityClassifier, NgramClassifier, load
from textgraft.artifact import read_manifest
from textgraft.dataset import Dataset, Rows
from textgraft.errors import ArtifactError
from textgraft.task import Task

from ..answering import answering

TEXTS = [f"{word} {i}" for i in range(20) for word in ("good film", "bad film")]
OLD, NEW = ["old", "other"] * 20, ["new", "other"] * 20
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}  # of which torch's threads do not outlive a fork


def saved(labels: list[str], place: Path) -> None:
    NgramClassifier().fit(TEXTS, labels).save(place)


def answer(place: Path) -> str:
    """What the model says, read anew with all its hashes."""
    found: str = load(place).predict(["good film"])[0]
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


SAVING = """
import sys
from textgraft import NgramClassifier, whole

place, how, texts = sys.argv[1], sys.argv[2], sys.argv[3].split("|")
if how == "two renames":
    whole._exchange = lambda *_: False
models = [NgramClassifier().fit(texts, [label, "other"] * 20) for label in ("old", "new")]
while True:
    for model in models:
        model.save(place)
        print("saved", flush=True)
"""


def kill_while_saving(place: Path, how: str, kills: int) -> None:
    chance = random.Random(kills)
    for kill in range(kills):
        words = [sys.executable, "-c", SAVING, str(place), how, "|".join(TEXTS)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        assert process.returncode == -9
        assert answer(place) in ("old", "new")
        saved(OLD if kill % 2 else NEW, place)
        assert names(place.parent) == [place.name]
        assert answer(place) == ("old" if kill % 2 else "new")


@pytest.mark.parametrize(
    ("how", "kills"),
    [
        ("exchange", 5),
        ("two renames", 5),
        pytest.param("exchange", 50, marks=pytest.mark.slow),
        pytest.param("two renames", 50, marks=pytest.mark.slow),
    ],
)
def test_a_model_is_there_after_every_kill_while_another_replaces_it(how: str, kills: int, tmp_path: Path) -> None:
    kill_while_saving(tmp_path / "model", how, kills)


IN_BETWEEN = """
import os, signal, sys
from pathlib import Path
from textgraft import MajorityClassifier, whole

rename = Path.rename

def renamed(path, to):
    rename(path, to)
    if str(to).endswith(".old"):
        os.kill(os.getpid(), signal.SIGKILL)

whole._exchange = lambda *_: False  # as a file system does that cannot
Path.rename = renamed
MajorityClassifier().fit(["a", "b", "c"], ["new", "new", "other"]).save(sys.argv[1])
"""


@pytest.fixture
def in_between(tmp_path: Path) -> Path:
    """The place of a model whose writer was killed after the first of its two renames; nothing is there."""
    place = tmp_path / "model"
    saved(OLD, place)
    assert subprocess.run([sys.executable, "-c", IN_BETWEEN, place], check=False).returncode == -9
    assert not place.exists()
    return place


@pytest.mark.parametrize("find", [load, read_manifest])
def test_the_old_one_is_found_again(find: object, in_between: Path) -> None:
    find(in_between)  # type: ignore[operator]
    assert answer(in_between) == "old"
    saved(NEW, in_between)
    assert names(in_between.parent) == ["model"]


def test_the_next_one_takes_its_place(in_between: Path) -> None:
    saved(NEW, in_between)
    assert answer(in_between) == "new"
    assert names(in_between.parent) == ["model"]


def test_the_next_one_that_fails_brings_the_old_one_back(in_between: Path) -> None:
    class Fails(MajorityClassifier):
        def write_state(self, _: Path) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(ArtifactError, match=r"The model could not be saved in .*model: No space left on device"):
        Fails().fit(TEXTS, NEW).save(in_between)
    assert names(in_between.parent) == ["model"]
    assert answer(in_between) == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_is_a_sentence_and_the_earlier_model_stays(tmp_path: Path) -> None:
    saved(OLD, tmp_path / "model")
    code = """
import resource, signal, sys
from textgraft import NgramClassifier
from textgraft.errors import ArtifactError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = NgramClassifier().fit(sys.argv[3].split("|"), ["new", "other"] * 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    model.save(sys.argv[1] + sys.argv[2])
except ArtifactError as error:
    sys.exit(str(error))
"""
    for place in ("model", "new/parents/model"):
        words = [sys.executable, "-c", code, str(tmp_path) + "/", place, "|".join(TEXTS)]
        ended = subprocess.run(words, check=False, capture_output=True, text=True)
        assert "The model could not be saved in" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert names(tmp_path) == ["model"]
    assert answer(tmp_path / "model") == "old"


def test_a_model_saved_through_a_link_changes_what_it_leads_to(tmp_path: Path) -> None:
    saved(OLD, tmp_path / "model")
    (tmp_path / "link").symlink_to(tmp_path / "model")
    saved(NEW, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert answer(tmp_path / "model") == "new"
    assert names(tmp_path) == ["link", "model"]


EXPORTING = """
import os, sys, time
from textgraft.artifact import exporting

def export():
    exporting.export(sys.argv[1], runtime="onnx", precision="fp32")

rebuild = exporting.rebuild

def rebuilt(*arguments, **options):
    print("writing", flush=True)
    rebuild(*arguments, **options)

export()  # torch loads much for the first one
exporting.rebuild = rebuilt
for _ in iter(sys.stdin.readline, ""):
    child = os.fork()
    if not child:
        export()
        print("written", flush=True)
        time.sleep(600)  # until it is killed
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@pytest.mark.slow
def test_a_model_is_there_after_every_kill_while_its_export_is_written(tiny_encoder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    kills, place, chance = 50, tmp_path / "model", random.Random(0)
    data = Dataset(TEXTS, np.array([0, 1] * 20), Task(("a", "b")), Rows.numbered(len(TEXTS)))
    FineTunedClassifier(str(tiny_encoder), epochs=1, batch_size=16).fit(data, valid=data).save(place)
    process = answering(EXPORTING, str(place), environment=ENVIRONMENT)
    assert process.stdin is not None
    assert process.stdout is not None
    words: list[str] = []

    def heard(wanted: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            words.append(line.strip())
            if wanted in words[-1] or (not wanted and words[-1].isdigit()):
                return words[-1]
        raise AssertionError(words)

    for kill in range(kills):
        process.stdin.write("\n")
        child = int(heard(""))
        if kill % 2:  # at any moment; or else while it is written
            time.sleep(chance.uniform(0, 4))
        else:
            heard("writing")
            time.sleep(chance.uniform(0, 0.05))
        os.kill(child, 9)
        heard("ended")
        assert load(place).predict(["good film"])[0] in ("a", "b")
        assert load(place, runtime="torch").predict(["good film"])[0] in ("a", "b")
    process.stdin.write("\n")
    child = int(heard(""))
    heard("written")
    os.kill(child, 9)
    heard("ended")
    assert load(place, runtime="onnx").predict(["good film"])[0] in ("a", "b")
    assert names(tmp_path) == ["model"]
    process.stdin.close()
    process.wait()
    process.stdout.close()
