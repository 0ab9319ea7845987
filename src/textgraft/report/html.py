"""Reports as one page of HTML that needs nothing else: no script, no font, no address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from textgraft.errors import SettingError
from textgraft.report.section import Report, Section
from textgraft.whole import whole_file

INTERVAL = re.compile(r"(\S+) (\[\S+, \S+\])")


def page(report: Report) -> str:
    """The whole page; the wording around it and its looks are in ``page.html`` and ``page.css``."""
    here = files("textgraft.report")
    in_order = sorted(report.sections, key=lambda section: not section.is_conclusion)  # what it comes to stands first
    sections = "\n".join(_section(section) for section in in_order if not section.is_empty)
    style = (here / "page.css").read_text("utf-8")
    template = Template((here / "page.html").read_text("utf-8"))
    return template.substitute(title=escape(report.title), style=style, sections=sections)


def check_place(path: Path | None) -> None:
    """Before anything is computed: can a page be written there?

    Raises:
        SettingError: it is a folder.
    """
    if path is not None and path.is_dir():
        raise SettingError(f"--html {path} is a folder; give the name of a file, such as {path / 'report.html'}.")


def write(report: Report, path: Path) -> None:
    """Writes the page, whole or not at all; parent folders are made.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path) as part:
        part.write_text(page(report), "utf-8")


def _section(section: Section) -> str:
    lines = [f"<h2>{escape(section.title)}</h2>"] if section.title else []
    if section.marked:
        lines.append(f'<p class="marked">{"".join(_mark(piece, mark) for piece, mark in section.marked)}</p>')
    if section.columns:
        lines += _table(section)
    sentences = [escape(sentence) for sentence in section.sentences]
    if len(sentences) > 1:
        lines += ["<ul>", *(f"<li>{sentence}</li>" for sentence in sentences), "</ul>"]
    elif sentences:
        lead = ' class="lead"' if section.is_conclusion else ""
        lines.append(f"<p{lead}>{sentences[0]}</p>")
    if section.commands:
        lines.append(f"<pre><code>{escape(chr(10).join(section.commands))}</code></pre>")
    return "\n".join(["<section>", *lines, "</section>"])


def _table(section: Section) -> Iterator[str]:
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
