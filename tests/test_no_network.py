"""What is named as a path is looked for on this disk alone, and what is looked for elsewhere is said first."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import textgraft as tg
from textgraft.encoders.sources import may_be_on_hub

from .cli.commands import refused, textgraft

PATHS = [
    "./ada/films",
    "../ada/films",
    "/ada/films",
    "~/films",
    "ada\\films",
    "ada/films/",
    "ada//films",
    "ada/x/films",
    "here/films",
    "films.zip",
    "ada/films.onnx",
    "ada/films.safetensors",
    "films.csv",
    "ada/films.json",
    "ada/films.tar.gz",
    "Ada/Films.ZIP",
    "",
    " ",
    "ada/films ",
    "ada/filmé",
]
COMMANDS: dict[str, Callable[[str, Path], list[object]]] = {
    "predict": lambda name, table: ["predict", name, "a text"],
    "evaluate": lambda name, table: ["evaluate", name, table],
    "export": lambda name, table: ["export", name],
    "push": lambda name, table: ["push", name, "ada/films"],
    "encoder": lambda name, table: ["train", table, "--method", "features", "--encoder", name, "--out", "m"],
    "fine-tuned": lambda name, table: ["train", table, "--method", "finetune", "--encoder", name, "--out", "m"],
    "vectors": lambda name, table: ["train", table, "--method", "recurrent", "--vectors", name, "--out", "m"],
    "nearest": lambda name, table: ["vectors", "nearest", "film", "--vectors", name],
    "inspect": lambda name, table: ["inspect", name],
    "train": lambda name, table: ["train", name, "--out", "m"],
    "rows": lambda name, table: ["predict", "gone", "--input", name],
}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table in an empty working directory, with no proxies."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    table = tmp_path / "t.csv"
    table.write_text("text,label\n" + "".join(f"a {'good' if i % 2 else 'bad'} film {i},l{i % 2}\n" for i in range(40)))
    return table


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of a network, which does not answer."""
    asked: list[str] = []

    def refuse(what: str) -> Callable[..., None]:
        def asks(*arguments: object, **_: object) -> None:
            asked.append(f"{what} {arguments}")
            raise OSError("this machine is on no network")

        return asks

    monkeypatch.setattr(socket, "getaddrinfo", refuse("getaddrinfo"))
    monkeypatch.setattr(socket, "create_connection", refuse("create_connection"))
    monkeypatch.setattr(socket.socket, "connect", refuse("connect"))
    monkeypatch.setattr(socket.socket, "connect_ex", refuse("connect_ex"))
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    return asked


@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_is_never_looked_for_on_a_network(command: str, table: Path, asked: list[str]) -> None:
    pytest.importorskip("huggingface_hub")
    if command in ("encoder", "fine-tuned", "vectors"):
        pytest.importorskip("torch")
    for name in [*PATHS, str(table.parent / "here" / "films"), f"here{os.sep}films.bin"]:
        ended = textgraft(*COMMANDS[command](name, table))
        assert ended.returncode in (0, 1, 2), ended.stderr
        assert asked == [], name
        assert "looking for" not in ended.stderr
        assert ended.returncode or command == "vectors" or name == "", name  # no vectors are vectors from scratch


def test_what_may_be_on_the_hub_is_said_before_it_is_looked_for(table: Path, asked: list[str]) -> None:
    pytest.importorskip("huggingface_hub")
    for words in (["predict", "ada/films", "a text"], COMMANDS["encoder"]("ada/films", table)):
        ended = textgraft(*words)
        assert ended.returncode == 1
        assert "There is no folder ada/films here; looking for the" in ended.stderr.partition("Error: ")[0]
    assert asked


def test_a_model_that_names_a_folder_of_another_machine_asks_no_network(
    table: Path, asked: list[str], tiny_encoder: Path
) -> None:
    moved = table.parent / "encoders" / "mine"
    moved.parent.mkdir()
    moved.symlink_to(tiny_encoder)
    data = tg.read_table(table)
    tg.FeatureClassifier(encoder=str(moved)).fit(data.texts, [f"l{i % 2}" for i in range(40)]).save("model")
    moved.unlink()
    assert "There is no encoder folder" in refused("predict", "model", "a text")
    assert asked == []


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".json", ".jsonl", ".onnx", ".bin", ".pt", ".npy", ".xlsx", ".gz"])
def test_what_ends_as_a_file_is_a_path(ending: str) -> None:
    assert not may_be_on_hub(f"films{ending}")
    assert not may_be_on_hub(f"ada/films{ending.upper()}")


@pytest.mark.parametrize("name", ["bert-base-uncased", "ada/films", "ada/e5-small-v2.5", "m/L6_v2", "a/b.c"])
def test_the_names_of_models_are_no_paths(name: str, table: Path) -> None:
    assert may_be_on_hub(name)
