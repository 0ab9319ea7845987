"""The guides as notebooks: their cells are the blocks of the page, and they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = """# Counting

See [the tables](../tables.md).

```python
--8<-- "counting/01_texts.py"
```

It says:

```text
--8<-- "counting/01_texts.out"
```

![A picture](../images/counting/a.svg)

```bash
--8<-- "counting/02_command.sh"
```

```python
--8<-- "counting/03_count.py"
```
"""


@pytest.fixture
def notebooks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that writes notebooks."""
    monkeypatch.syspath_prepend(DOCS / "site")
    import notebooks

    return notebooks


@pytest.fixture
def counting(notebooks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A guide of three blocks as a notebook."""
    (tmp_path / "guides").mkdir()
    (tmp_path / "guides" / "counting.md").write_text(GUIDE)
    (tmp_path / "counting").mkdir()
    (tmp_path / "counting" / "01_texts.py").write_text("texts = ['a film', 'a book']\nprint(texts)\n")
    (tmp_path / "counting" / "01_texts.out").write_text("['a film', 'a book']\n")
    (tmp_path / "counting" / "02_command.sh").write_text("echo a line\n")
    (tmp_path / "counting" / "03_count.py").write_text(
        "import textgraft as tg\n\nprint(len(texts), tg.Task.__name__)\n"
    )
    monkeypatch.setattr(notebooks, "CODE", tmp_path)
    monkeypatch.setattr(notebooks, "GUIDES", tmp_path / "guides")
    return notebooks.notebook("counting")


def test_a_guide_becomes_a_notebook(counting: Any) -> None:
    kinds = [(cell["cell_type"], cell["source"]) for cell in counting["cells"]]
    assert kinds[0][1].startswith("# Counting\n\n")
    assert kinds[0][1].endswith("See the tables.")
    assert kinds[1] == ("code", "texts = ['a film', 'a book']\nprint(texts)")
    assert counting["cells"][1]["outputs"][0]["text"] == "['a film', 'a book']\n"
    assert kinds[2] == ("markdown", "It says:")
    assert kinds[3] == ("code", "%%bash\necho a line")
    assert len(kinds) == 5
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(json.dumps(counting), as_version=4))


def test_a_notebook_runs(counting: Any, tmp_path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    written = nbformat.reads(json.dumps(counting), as_version=4)
    nbclient.NotebookClient(written, resources={"metadata": {"path": tmp_path}}).execute()
    printed = ["".join(each.text for each in cell.outputs) for cell in written.cells if cell.cell_type == "code"]
    assert printed[0] == "['a film', 'a book']\n"
    assert printed[1:] == ["a line\n", "2 Task\n"]


def test_notebooks_hold_all_blocks_of_their_guides(notebooks: Any) -> None:
    for page in notebooks.pages():
        cells = [cell["source"] for cell in notebooks.notebook(page)["cells"] if cell["cell_type"] == "code"]
        blocks = sorted((DOCS / "code" / page).glob("[0-9][0-9]_*.[ps][yh]"))
        assert [cell.removeprefix("%%bash\n") for cell in cells] == [path.read_text("utf-8").strip() for path in blocks]
