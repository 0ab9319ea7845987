"""Reports as one page of HTML that needs nothing else: no font, no address, and scripts only of its own."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from textgraft.errors import SettingError
from textgraft.report.section import Report, Section
from textgraft.unicode import escaped_in_json
from textgraft.whole import whole_file

INTERVAL = re.compile(r"(\S+) (\[\S+, \S+\])")


def page(report: Report) -> str:
    """The whole page; the wording around it and its looks are in ``page.html``, ``base.css`` and ``page.css``."""
    in_order = sorted(report.sections, key=lambda section: not section.is_conclusion)  # what it comes to stands first
    sections = [section_html(section) for section in in_order if not section.is_empty]
    return shell(report.title, "\n".join(["<main>", f"<h1>{escape(report.title)}</h1>", *sections, "</main>"]))


def fragment(report: Report) -> str:
    """The sections alone, for a notebook, which has looks of its own."""
    return "\n".join(section_html(section, 4) for section in report.sections if not section.is_empty)


def shell(title: str, body: str, script: str = "", more_style: str = "") -> str:
    """A page around ``body``. Nothing may be loaded from anywhere, and nothing run but ``script``, by its hash."""
    here = files("textgraft.report")
    style = "".join((here / name).read_text("utf-8") for name in ("base.css", "page.css")) + more_style
    template = Template((here / "page.html").read_text("utf-8"))
    allowed = f"default-src 'none'; style-src {_source(style)}; base-uri 'none'; form-action 'none'"
    if script:
        allowed += f"; script-src {_source(script)}"
        script = f"<script>{script}</script>"
    return template.substitute(title=escape(title), style=style, body=body, script=script, allowed=allowed)


def as_json(content: Any) -> str:
    """Plain data as JSON in one line."""
    return escaped_in_json(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def embedded(content: Any) -> str:
    """JSON that ends no element and begins none."""
    return as_json(content).replace("<", "\\u003c")


def _source(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def check_place(path: Path | None, option: str = "--html") -> None:
    """Before anything is computed: can a page be written there?

    Raises:
        SettingError: it is a folder.
    """
    if path is not None and path.is_dir():
        raise SettingError(f"{option} {path} is a folder; give the name of a file, such as {path / 'report.html'}.")


def write(report: Report, path: Path) -> None:
    """Writes the page, whole or not at all; parent folders are made.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path) as part:
        part.write_text(page(report), "utf-8")


def section_html(section: Section, level: int = 2) -> str:
    """A section, its title a heading of this level."""
    lines = [f"<h{level}>{escape(section.title)}</h{level}>"] if section.title else []
    if section.marked:
        lines.append(f'<p class="marked">{"".join(_mark(piece, mark) for piece, mark in section.marked)}</p>')
    if section.columns:
        lines += table_html(section)
    sentences = [escape(sentence) for sentence in section.sentences]
    if len(sentences) > 1:
        lines += ["<ul>", *(f"<li>{sentence}</li>" for sentence in sentences), "</ul>"]
    elif sentences:
        lead = ' class="lead"' if section.is_conclusion and level == 2 else ""
        lines.append(f"<p{lead}>{sentences[0]}</p>")
    if section.commands:
        lines.append(f"<pre><code>{escape(chr(10).join(section.commands))}</code></pre>")
    tag = "section" if level == 2 else "div"
    return "\n".join([f"<{tag}>", *lines, f"</{tag}>"])


def table_html(section: Section) -> Iterator[str]:
    """The lines of a section's table, which scrolls by itself where it is wider than the screen."""
    title = escape(section.title or next(filter(None, section.columns), "table"))
    yield f'<div class="table" role="region" tabindex="0" aria-label="{title}">\n<table>\n<thead>\n<tr>'
    for i, name in enumerate(section.columns):
        # An empty cell is no heading.
        yield f'<th scope="col"{_kind(section, i)}>{escape(name)}</th>' if name else "<td></td>"
    yield "</tr>\n</thead>\n<tbody>"
    for row in section.rows:
        yield "<tr>" + "".join(f"<td{_kind(section, i)}>{_cell(cell)}</td>" for i, cell in enumerate(row)) + "</tr>"
    yield "</tbody>\n</table>\n</div>"


def _mark(piece: str, mark: float) -> str:
    strength = round(3 * min(abs(mark), 1.0))
    if not strength:
        return escape(piece)
    return f'<mark class="{"for" if mark > 0 else "against"}-{strength}">{escape(piece)}</mark>'


def _kind(section: Section, column: int) -> str:
    return ' class="number"' if column in section.numbers else ""


def _cell(content: str) -> str:
    """A cell; what stands in brackets behind a figure is quieter than the figure."""
    if figure := INTERVAL.fullmatch(content):
        return f'{escape(figure[1])} <span class="interval">{escape(figure[2])}</span>'
    return escape(content)
