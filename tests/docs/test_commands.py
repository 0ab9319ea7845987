"""Every command that the documentation shows is there, with every option that it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """The pages for readers: not the lab log, which tells of commands as they were."""
    found = [ROOT / "README.md", ROOT / "README.es.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/code/*/*.sh")]
    return [path for path in found if path.name != "lab.md" and "site" not in path.relative_to(ROOT).parts]


def commands(path: Path) -> Iterator[list[str]]:
    """The words of each command of textgraft that a page shows, without the comments."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    lines = text.splitlines()
    if path.suffix == ".md":
        lines = [*CODE.findall(text), *(line for block in FENCED.findall(text) for line in block.splitlines())]
    for line in lines:
        if found := re.search(r"(?:^|&& |\| )textgraft (?=[\w-]+)(.*)", line.strip()):
            shown = re.split(r"\s(?:\||>|&&|&|2>)\s*", found[1])[0]
            yield shlex.split(shown, comments=True)


@cache
def options(name: str) -> set[str]:
    """The options of a command; of a group, of all its commands."""
    from typer.main import get_command

    from textgraft.cli import app

    root: Any = get_command(app)
    if name not in root.commands:
        raise AssertionError(f"there is no command {name}")
    command = root.commands[name]
    found: set[str] = set()
    for each in getattr(command, "commands", {"": command}).values():
        context = each.make_context(name, [], resilient_parsing=True)
        for parameter in context.command.get_params(context):
            found |= {*parameter.opts, *parameter.secondary_opts}
    return found


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_and_options_exist(path: Path) -> None:
    for name, *words in commands(path):
        if name.startswith("-"):
            continue
        given = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert given <= options(name), f"textgraft {name} has no {given - options(name)}"


def test_pages_show_commands() -> None:
    shown = {words[0] for path in pages() for words in commands(path)}
    assert {"inspect", "compare", "train", "evaluate", "predict", "export", "serve", "report"} <= shown
