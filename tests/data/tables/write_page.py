"""Writes `docs/tables.md` from the rules beside this file: `python tests/data/tables/write_page.py`."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from textgraft.errors import TextgraftError

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs" / "tables.md"
CHAPTERS = (
    "sources",
    "files",
    "headers",
    "cells",
    "label_names",
    "several_labels",
    "parts",
    "same_text",
    "half_characters",
    "python",
    "row_weights",
)
MOST_LINES = 14  # of an example's table that the page shows


def _package() -> str:
    """The rules as a package, whatever pytest has called it."""
    name = "textgraft_table_rules"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, HERE / "rules" / "__init__.py", submodule_search_locations=[str(HERE / "rules")]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return name


def chapters() -> Iterator[tuple[str, str, tuple]]:
    """The title, the first paragraph and the rules of each chapter."""
    for chapter in CHAPTERS:
        module = import_module(f"{_package()}.{chapter}")
        title, _, about = (module.__doc__ or "").partition("\n")
        yield title.strip(), about.strip(), module.RULES


def page() -> str:
    """The whole page."""
    lines = [
        "# Your table",
        "",
        "What textgraft reads, and the rules by which it reads it. Each example is read by the tests; the line below",
        "is what textgraft says. The page is written by `python tests/data/tables/write_page.py`.",
        "",
    ]
    lines += [f"- [{title}](#{title.lower().replace(',', '').replace(' ', '-')})" for title, _, _ in chapters()] + [""]
    with tempfile.TemporaryDirectory() as folder:
        for title, about, rules in chapters():
            lines += [f"## {title}", "", about, ""]
            for rule in rules:
                lines += [f"**{rule.says}**", ""]
                for example in rule.examples:
                    lines += [*_shown(example, Path(folder)), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _shown(example, folder: Path) -> Iterator[str]:
    if example.code:
        yield from ("```python", *example.code.splitlines(), "```")
    else:
        table = example.shown or (example.table if isinstance(example.table, str) else "")
        assert table, "an example that is not text says what the page shows (shown=)"
        rows = table.splitlines()
        cut = [*rows[: MOST_LINES - 1], "..."] if len(rows) > MOST_LINES else rows
        yield from ("```text", *cut, "```")
    if example.source != "{file}":
        yield from (f"Read as `{example.source.format(file=example.name)}`:", "")
    options = "".join(_option(name, value) for name, value in example.options.items())
    if options:
        yield from (f"With `{options.strip()}`:", "")
    try:
        data = example.read(folder)
        if example.gives:
            said = str(data)
        else:
            said = " ".join(data.notes) or f"{len(data)} rows; labels {', '.join(data.task.labels)}."
        yield f"> {said.replace(f'{folder}/', '')}"
    except TextgraftError as error:
        yield f"> Error: {str(error).replace(f'{folder}/', '')}"


def _option(name: str, value: object) -> str:
    option = name.replace("_", "-")
    if value is True:
        return f" --{option}"
    if value is False:
        return f" --no-{option}"
    values = value if isinstance(value, (list, tuple)) else [value]
    return "".join(
        f" --{option} {item!r}" if " " in str(item) or not item else f" --{option} {item}" for item in values
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
