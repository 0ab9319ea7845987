"""The reference holds every public name, every command and every error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import textgraft
from textgraft import errors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site() -> Iterator[Any]:
    """The module that writes the reference."""
    sys.path.insert(0, str(ROOT / "docs" / "site"))
    try:
        import reference

        yield reference
    finally:
        sys.path.remove(str(ROOT / "docs" / "site"))


def test_every_public_name_is_in_the_reference(site: Any) -> None:
    assert set(textgraft.__all__) <= site.places().keys()
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert {kind.__name__ for kind in kinds if kind.__module__ == errors.__name__} <= site.places().keys()


def test_every_name_has_its_signature_and_its_parameters(site: Any) -> None:
    pages = site.pages()
    for name, page in site.places().items():
        assert f"## `{name}` {{ #{name} }}" in pages[page]
    assert "\n`min_count`\n:   n-grams in fewer training texts are left out." in pages["methods"]
    assert "    label_delimiter: str | None = None,\n" in pages["data"]
    assert "### `fit` { #TextClassifier.fit " in pages["methods"]
    assert "read_state" not in pages["methods"]  # for those who add a method, not for those who use one


def test_every_command_is_in_the_reference_with_its_options(site: Any) -> None:
    import commands

    from textgraft.cli import COMMANDS

    page = commands.page()
    for name in COMMANDS:
        assert f"\n## textgraft {name}\n" in page
    assert "\n## textgraft vectors nearest\n" in page
    assert "\n`--abstain <float>`\n:   " in page


def test_docstrings_become_markdown(site: Any) -> None:
    text = "See ``Task`` and ``fit``.\n\nArgs:\n    a: the first\n        thing < 3.\n\nRaises:\n    ValueError: never."
    written = site.documented(text, "methods")
    assert "See [`Task`](data.md#Task) and `fit`.\n" in written
    assert "`a`\n:   the first thing &lt; 3.\n" in written
    assert "`ValueError`\n:   never.\n" in written
