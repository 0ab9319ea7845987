"""The guides as Jupyter notebooks: the text of a page, its blocks as cells, what they printed.

Shell blocks become cells of ``%%bash``. A notebook runs where ``data/`` lies beside it; so
its first cell says how to get there. ``python docs/site/notebooks.py FOLDER`` writes all.
"""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
CODE = DOCS / "code"
GUIDES = DOCS / "guides"
BLOCK = re.compile(
    r"^```(?:python|bash|text)[^\n]*\n-{1,2}8<-{1,2} \"(?P<file>[^\"]+)\"\n```\n?",
    re.MULTILINE,
)
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)[^)]*\)(\{[^}]*\})?")
BEFORE = """*This notebook is the guide "{title}" of textgraft's documentation. It needs
`pip install "textgraft[all,embedded]"` and the data sets in a folder `data/` beside it;
the page "The data of the guides" says where they come from.*
"""


def pages() -> list[str]:
    """The guides that have blocks of code."""
    return [
        path.stem for path in sorted(GUIDES.glob("*.md")) if any(map(runs, BLOCK.finditer(path.read_text("utf-8"))))
    ]


def runs(block: re.Match[str]) -> bool:
    """Whether a block is code, not what it prints or another file."""
    return block["file"].endswith((".py", ".sh"))


def of_page(source: str) -> str | None:
    """The notebook of a page of ``docs/``, in whatever language; None if it has none."""
    path = Path(source)
    return path.stem if path.parent.name == "guides" and path.stem in pages() else None


def written(page: str) -> str:
    """A notebook as it stands in its file."""
    return json.dumps(notebook(page), indent=1, ensure_ascii=False) + "\n"


def notebook(page: str) -> dict[str, Any]:
    """The notebook of a guide, in Jupyter's format 4.5.

    What blocks printed in the run for the page (``.out``) are the outputs of its cells.
    """
    text = (GUIDES / f"{page}.md").read_text("utf-8")
    cells: list[dict[str, Any]] = []
    start = 0
    for block in BLOCK.finditer(text):
        add_text(cells, text[start : block.start()])
        start = block.end()
        path = CODE / block["file"]
        if runs(block):
            cells.append(code_cell(path))
        elif path.suffix == ".out":
            add_output(cells, path)
        else:
            add_text(cells, f"```text\n{path.read_text('utf-8')}```\n")
    add_text(cells, text[start:])
    title, _, rest = cells[0]["source"].partition("\n")
    cells[0]["source"] = "\n".join([title, "", BEFORE.format(title=title.lstrip("# ")), rest.strip()]).strip()
    for number, cell in enumerate(cells):
        cell["id"] = sha256(f"{number} {cell['source']}".encode()).hexdigest()[:12]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def add_text(cells: list[dict[str, Any]], text: str) -> None:
    """Adds prose; links to other pages, which a notebook has not, become their words."""
    prose = LINK.sub(lambda link: "" if link[1] else link[2], text).strip()
    if prose:
        cells.append({"cell_type": "markdown", "metadata": {}, "source": prose})


def code_cell(path: Path) -> dict[str, Any]:
    """A block as a cell that has not run."""
    source = path.read_text("utf-8").strip()
    if path.suffix == ".sh":
        source = f"%%bash\n{source}"
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def add_output(cells: list[dict[str, Any]], path: Path) -> None:
    """Gives the last cell of code what its block printed."""
    code = next((cell for cell in reversed(cells) if cell["cell_type"] == "code"), None)
    if code and path.is_file():
        code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": path.read_text("utf-8")}]


def main() -> None:
    """Writes all notebooks into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages():
        (folder / f"{page}.ipynb").write_text(written(page), "utf-8")


if __name__ == "__main__":
    main()
