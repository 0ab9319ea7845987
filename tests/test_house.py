"""How the house is laid out: imports run down the floors that ``docs/design.md`` draws, and files stay readable."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "textgraft"
MOST_LINES, MOST_FUNCTION_LINES = 400, 80


def floors(document: str) -> dict[str, int]:
    """The floor of each room, 0 at the bottom: the block of ``docs/design.md`` that begins with the line "floors".

    A line of it is a floor, the highest first: rooms, which know nothing of each other, and behind two spaces what they
    are for.
    """
    drawn = re.search(r"^```floors\n(.*?)^```", document, re.DOTALL | re.MULTILINE)
    assert drawn, "docs/design.md draws no floors"
    lines = [re.split(r"\s{2,}", line.strip())[0] for line in drawn.group(1).splitlines() if line.strip()]
    return {room: floor for floor, line in enumerate(reversed(lines)) for room in line.split(" | ")}


def modules(source: Path) -> dict[str, ast.Module]:
    """The files below a folder by their dotted name within the package; a folder's door is called as the folder."""
    return {
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text())
        for path in sorted(source.rglob("*.py"))
    }


def imports(tree: ast.Module, known: set[str]) -> Iterator[tuple[str, int]]:
    """The modules that a file imports, anywhere in it, with the lines; a name that is no module counts for its file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(f"{PACKAGE}."):
                    yield alias.name.removeprefix(f"{PACKAGE}."), node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name the whole path"
            if node.module is None or node.module.partition(".")[0] != PACKAGE:
                continue
            place = node.module.removeprefix(PACKAGE).lstrip(".")
            for alias in node.names:
                inner = f"{place}.{alias.name}".lstrip(".")
                yield (inner if inner in known else place or "__init__"), node.lineno


def room_of(module: str, rooms: dict[str, int]) -> str | None:
    """The innermost room that a module is in."""
    parts = module.split(".")
    return next((name for n in range(len(parts), 0, -1) if (name := ".".join(parts[:n])) in rooms), None)


def faults(trees: dict[str, ast.Module], rooms: dict[str, int]) -> list[str]:
    """Imports that run up, or to a neighbour on the same floor, and files without a floor."""
    found = []
    for module, tree in trees.items():
        here = room_of(module, rooms)
        if here is None:
            found.append(f"{module} stands on no floor of docs/design.md")
            continue
        for target, line in imports(tree, set(trees)):
            there = room_of(target, rooms)
            if there is not None and there != here and rooms[there] >= rooms[here]:
                found.append(f"{module}, line {line}: {here} must not import {target}, which stands in {there}")
    return found


def circles(trees: dict[str, ast.Module]) -> list[list[str]]:
    """Groups of files that import each other (Tarjan 1972)."""
    arrows = {name: {to for to, _ in imports(tree, set(trees)) if to in trees} - {name} for name, tree in trees.items()}
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        path.append(name)
        for to in sorted(arrows[name]):
            if to not in number:
                visit(to)
                lowest[name] = min(lowest[name], lowest[to])
            elif to in path:
                lowest[name] = min(lowest[name], number[to])
        if lowest[name] == number[name]:
            group = path[path.index(name) :]
            del path[path.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in trees:
        if name not in number:
            visit(name)
    return found


@cache
def house() -> dict[str, ast.Module]:
    return modules(ROOT / "src" / PACKAGE)


@cache
def drawn() -> dict[str, int]:
    return floors((ROOT / "docs" / "design.md").read_text("utf-8"))


def test_imports_run_down() -> None:
    assert faults(house(), drawn()) == []


def test_no_files_import_each_other() -> None:
    assert circles({name: tree for name, tree in house().items() if name != "__init__"}) == []


def test_every_room_that_is_drawn_is_there() -> None:
    assert [room for room in drawn() if not any(room_of(module, drawn()) == room for module in house())] == []


def test_files_can_be_read_in_one_sitting() -> None:
    long = {}
    for path in (ROOT / "src").rglob("*.py"):
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES:
            long[path.name] = lines
    assert long == {}


def test_functions_can_be_seen_at_once() -> None:
    long = {}
    for module, tree in house().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    long[f"{module}.{node.name}"] = lines
    assert long == {}


@pytest.mark.parametrize(
    "line",
    [
        "from textgraft.methods import NgramClassifier",
        "import textgraft.cli.train",
        "def later():\n    from textgraft import ladder",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from textgraft.artifact import load",
    ],
)
def test_an_import_that_runs_up_is_found(line: str) -> None:
    trees = {**house(), "text.tokens": ast.parse(line)}
    assert any(fault.startswith("text.tokens, line") for fault in faults(trees, drawn()))


def test_files_that_import_each_other_are_found() -> None:
    trees = {
        "text.a": ast.parse("from textgraft.text import b"),
        "text.b": ast.parse("from textgraft.text.c import x"),
        "text.c": ast.parse("import textgraft.text.a"),
        "text.d": ast.parse("from textgraft.text import a"),
    }
    assert circles(trees) == [["text.a", "text.b", "text.c"]]
