"""Kills at any moment: no model is lost, the next run clears what is left, and the bytes are those of a whole run."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from textgraft import load

from .commands import said
from .killing import Forks, Work, kill_at_random, names

KILLS = int(os.environ.get("TEXTGRAFT_KILLS", "16"))  # over all commands
WORDS = ["good", "bad", "fine", "dull", "film", "book", "the", "a", "of", "very", "great", "awful"]
ROWS = 20_000
NOT_THE_SAME_TWICE = {"textgraft.json", "README.md", "parity.json"}  # they say how fast it was

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of labelled texts, whose labels say which model was made of them, and a long one to predict."""
    folder, rng = tmp_path_factory.mktemp("material"), random.Random(3)
    for name, labels in (("old", ("old", "other")), ("new", ("new", "other"))):
        with (folder / f"{name}.csv").open("w", encoding="utf-8") as file:
            file.write("text,label\n")
            file.writelines(f"{('good', 'bad')[i % 2]} film {i},{labels[i % 2]}\n" for i in range(120))
    with (folder / "long.csv").open("w", encoding="utf-8") as file:
        file.write("id,text\n")
        file.writelines(f"{i},{' '.join(rng.choices(WORDS, k=4))} é{i}\n" for i in range(ROWS))
    return folder


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    forks = Forks(tmp_path_factory.mktemp("forks"))
    yield forks
    forks.end()


def model_files(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir() if path.name not in NOT_THE_SAME_TWICE}


def says(place: Path, *labels: str) -> None:
    """A model is there, whole, and answers one of ``labels``."""
    assert load(place).predict(["good film 2"])[0] in labels


def training(material: Path, folder: Path) -> Work:
    place = folder / "model"
    said("train", material / "old.csv", "--out", folder.parent / "old")

    def begin() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder.parent / "old", place)

    begin()
    return Work(
        ["train", material / "new.csv", "--out", place],
        begin,
        lambda: says(place, "old", "new"),
        lambda: model_files(place),
        folder,
        names(folder),
    )


def fine_tuned(material: Path, encoder: Path, out: Path, epochs: int) -> list[object]:
    options = ["--encoder", encoder, "--epochs", epochs, "--batch-size", 16, "--precision", "fp32"]
    return ["train", material / "new.csv", "--method", "finetune", "--out", out, *options]


def fine_tuning(material: Path, encoder: Path, folder: Path) -> Work:
    place = folder / "model"

    def begin() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    def check() -> None:
        if place.exists():
            says(place, "new", "other")

    words = [*fine_tuned(material, encoder, place, 4), "--resume"]
    said(*words)
    return Work(words, begin, check, lambda: model_files(place), folder, names(folder))


def exporting(material: Path, encoder: Path, folder: Path) -> Work:
    place, before = folder / "model", folder.parent / "tuned"
    said(*fine_tuned(material, encoder, before, 1))
    words: list[object] = ["export", place, "--runtime", "onnx", "--precision", "fp32"]

    def begin() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(before, place)

    begin()
    said(*words)
    leaves = names(folder)
    return Work(words, begin, lambda: says(place, "new", "other"), lambda: model_files(place), folder, leaves)


def predicting(material: Path, folder: Path, ending: str, *more: object, given: bool = False) -> Work:
    model, output = folder.parent / "old", folder / f"p.{ending}"
    if not model.exists():
        said("train", material / "old.csv", "--out", model)

    def begin() -> None:
        shutil.rmtree(folder)
        folder.mkdir()

    table = material / "long.csv"
    words = ["predict", model, "--input", "-" if given else table, "--output", output, "--all", "--keep", "id", *more]
    return Work(
        words,
        begin,
        lambda: says(model, "old"),
        lambda: {output.name: output.read_bytes()},
        folder,
        {output.name},
        table if given else None,
    )


COMMANDS: dict[str, Callable[[Path, Path, Path], Work]] = {
    "train": lambda material, encoder, folder: training(material, folder),
    "predict --resume to CSV": lambda material, encoder, folder: predicting(material, folder, "csv", "--resume"),
    "predict --resume to JSON Lines": lambda m, e, folder: predicting(m, folder, "jsonl", "--resume"),
    "predict --resume to Parquet": lambda m, e, folder: predicting(m, folder, "parquet", "--resume"),
    "predict to Parquet": lambda material, encoder, folder: predicting(material, folder, "parquet"),
    "predict of a pipe": lambda material, encoder, folder: predicting(material, folder, "tsv", given=True),
    "finetune --resume": fine_tuning,
    "export": exporting,
}
AT_ONCE = {name: 3 for name in COMMANDS if "--resume" in name}  # one after the other, each goes on where it can


@pytest.mark.parametrize("command", COMMANDS)
def test_any_kill_loses_nothing_and_leaves_nothing_after_the_next_run(
    command: str, material: Path, tiny_encoder: Path, forks: Forks, tmp_path: Path
) -> None:
    if command == "export":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    (folder := tmp_path / "here").mkdir()
    work = COMMANDS[command](material, tiny_encoder, folder)
    if work.given is None:
        work.begin()
        forks.warm(work.words)
    kills = -(-KILLS // len(COMMANDS))
    tally = kill_at_random(work, forks, kills, random.Random(command), AT_ONCE.get(command, 1))
    print(command, tally)
    assert tally.kills == kills
