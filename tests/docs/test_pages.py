"""Pages show the code that runs: every block comes from a file, every file is on its page, in both languages alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
CODE = DOCS / "code"
FENCED = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SNIPPET = re.compile(r'^-{1,2}8<-{1,2} "([^"]+)"$')
LANGUAGES = {".py": "python", ".sh": "bash", ".out": "text"}


def pages() -> list[Path]:
    folders = [DOCS / "guides", DOCS / "howto", DOCS / "es"]
    return [path for folder in folders for path in sorted(folder.rglob("*.md"))]


def included(page: Path) -> list[str]:
    """The files of a page in the order in which it shows them."""
    blocks = FENCED.findall(page.read_text("utf-8"))
    return [snippet[1] for _, body in blocks if (snippet := SNIPPET.match(body.strip()))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_blocks_of_a_page_come_from_files_in_their_order(page: Path) -> None:
    for language, body in FENCED.findall(page.read_text("utf-8")):
        snippet = SNIPPET.match(body.strip())
        assert snippet, f"a block of {page.name} is not from a file:\n{body}"
        path = CODE / snippet[1]
        assert path.suffix not in LANGUAGES or language == LANGUAGES[path.suffix], snippet[1]
        assert path.is_file(), snippet[1]
    shown = [name for name in included(page) if not name.endswith(".out")]
    own = [name for name in shown if re.match(r"[^/]+/\d\d_", name)]
    assert own == sorted(own), "blocks run in another order than the page shows them"


def test_every_block_is_on_a_page() -> None:
    shown = {name for page in (*pages(), *DOCS.glob("*.md")) for name in included(page)}
    blocks = {path.relative_to(CODE).as_posix() for path in CODE.glob("*/[0-9][0-9]_*.*")}
    assert not blocks - shown


def test_pages_in_spanish_show_the_same_code() -> None:
    for page in sorted((DOCS / "es").rglob("*.md")):
        english = DOCS / page.relative_to(DOCS / "es")
        assert english.is_file(), page
        assert included(page) == included(english), page
