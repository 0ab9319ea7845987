"""A story as one page of HTML: contents, chapters, pictures, and a list of its rows that can be searched.

Texts stand in the page as JSON, which nothing runs, and the script shows them as text and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path

from textgraft.report.html import as_json, embedded, section_html, shell, table_html
from textgraft.report.map import map_scripts, map_sheet
from textgraft.report.section import Section
from textgraft.report.story import (
    Action,
    Actions,
    Block,
    Chapter,
    Figure,
    Folded,
    Lead,
    MapSheet,
    Matrix,
    PerLabel,
    RowList,
    Story,
)
from textgraft.unicode import said
from textgraft.whole import whole_file

MOST_IN_MATRIX = 30  # labels; of more the pairs that are confused most are listed
MOST_PAIRS = 60
SHADES = 10
NAME = 60  # characters of a label in the matrix


def story_page(story: Story) -> str:
    """The whole page."""
    chapters = [chapter for chapter in story.chapters if chapter.blocks]
    contents = "".join(f'<li><a href="#{chapter.key}">{escape(chapter.title)}</a></li>' for chapter in chapters)
    title = said(story.title)
    body = [
        '<a class="skip" href="#main">To the report</a>',
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>',
        '<main id="main" class="story">',
        f'<header><h1>{escape(title)}</h1><p class="notice">{escape(story.notice)}</p></header>',
        *map(_chapter, chapters),
        "</main>",
        '<div id="tip" role="tooltip" hidden></div>',
    ]
    if story.rows is not None:
        body.append(f'<script type="application/json" id="rows">{embedded(story.rows)}</script>')
    script, style = (files("textgraft.report") / "page.js").read_text("utf-8"), ""
    if any(isinstance(block, MapSheet) for chapter in chapters for block in chapter.blocks):
        of_map, style = map_scripts()
        script += of_map
    return shell(title, "\n".join(body), script, style)


def write_story(story: Story, page: Path) -> Path:
    """Writes the page and, beside it, its figures as JSON; each whole or not at all.

    Returns:
        Where the figures are.

    Raises:
        OSError: one of them cannot be written.
    """
    figures = page.with_suffix(".json")
    for place, content in ((figures, as_json(story.to_dict())), (page, story_page(story))):
        with whole_file(place) as part:
            part.write_text(content, "utf-8")
    return figures


def _chapter(chapter: Chapter) -> str:
    heading = f'<h2 id="{chapter.key}-title">{escape(chapter.title)}</h2>'
    blocks = "\n".join(map(_block, chapter.blocks))
    return f'<section id="{chapter.key}" aria-labelledby="{chapter.key}-title">\n{heading}\n{blocks}\n</section>'


def _block(block: Block) -> str:
    if isinstance(block, Section):
        return section_html(block, 3)
    if isinstance(block, Lead):
        return f'<p class="lead">{escape(said(block.sentence))}</p>'
    if isinstance(block, Folded):
        inside = "\n".join(section_html(section, 3) for section in block.sections)
        return f"<details><summary>{escape(block.called)}</summary>{inside}</details>"
    if isinstance(block, Figure):
        return _figure(block)
    if isinstance(block, Actions):
        return f'<ol class="actions">{"".join(map(_action, block.actions))}</ol>'
    if isinstance(block, Matrix):
        many = len(block.labels) > MOST_IN_MATRIX
        return "\n".join(_pairs(block) if many else _matrix(block))
    if isinstance(block, PerLabel):
        return "\n".join(_per_label(block))
    if isinstance(block, MapSheet):
        return f'<div class="map">{map_sheet(block.content, 3)}</div>'
    assert isinstance(block, RowList)
    return (files("textgraft.report") / "rows.html").read_text("utf-8")


def _figure(figure: Figure) -> str:
    table = ""
    if figure.table is not None:
        table = f"<details><summary>As a table</summary>{''.join(table_html(figure.table))}</details>"
    caption = f"<figcaption>{escape(said(figure.caption))}</figcaption>"
    drawn = figure.picture.svg(on_page=True)
    scrolling = 'class="drawn" role="region" aria-label="Picture" tabindex="0"'
    return f"<figure>{caption}<div {scrolling}>{drawn}</div>{table}</figure>"


def _action(action: Action) -> str:
    command = f"<pre><code>{escape(said(action.command, 8_000))}</code></pre>" if action.command else ""
    return f"<li><strong>{escape(said(action.what))}</strong><p>{escape(said(action.evidence))}</p>{command}</li>"


def _matrix(matrix: Matrix) -> Iterator[str]:
    names = [said(label, NAME) for label in matrix.labels]
    counts = {(true, predicted): n for true, predicted, n in matrix.cells}
    yield _grid("Confusion matrix", ("true ↓ predicted →", *names, "rows"), ends_in_number=True)
    for true, name in enumerate(names):
        total = matrix.totals[true]
        cells = []
        for predicted, other in enumerate(names):
            n = counts.get((true, predicted), 0)
            about = f"{n:,} of {total:,} rows of {name} are taken for {other} ({n / max(total, 1):.1%})"
            cells.append(f"<td>{_cell(n, total, about, true == predicted, true=true, predicted=predicted)}</td>")
        yield f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}<td class="number">{total:,}</td></tr>'
    yield "</tbody></table></div>"


def _pairs(matrix: Matrix) -> Iterator[str]:
    names = [said(label, NAME) for label in matrix.labels]
    wrong = sorted((cell for cell in matrix.cells if cell[0] != cell[1]), key=lambda cell: -cell[2])
    yield _grid("Confused labels", ("true", "predicted", "rows"))
    for true, predicted, n in wrong[:MOST_PAIRS]:
        about = f"{n:,} of {matrix.totals[true]:,} rows of {names[true]} are taken for {names[predicted]}"
        cell = _cell(n, matrix.totals[true], about, False, true=true, predicted=predicted)
        yield f'<tr><th scope="row">{escape(names[true])}</th><td>{escape(names[predicted])}</td><td>{cell}</td></tr>'
    yield "</tbody></table></div>"
    if len(wrong) > MOST_PAIRS:
        yield f"<p>and {len(wrong) - MOST_PAIRS:,} more pairs of labels.</p>"


def _per_label(block: PerLabel) -> Iterator[str]:
    kinds = ("hits", "misses", "false alarms")
    yield _grid("Hits and misses of each label", ("label", *kinds))
    for place, (label, counts) in enumerate(zip(block.labels, block.counts, strict=True)):
        name, either = said(label, NAME), max(1, sum(counts))
        cells = (
            _cell(n, either, f"{n:,} {kind} of {name}", kind == "hits", label=place, kind=i)
            for i, (kind, n) in enumerate(zip(kinds, counts, strict=True))
        )
        yield f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    yield "</tbody></table></div>"


def _grid(about: str, heads: tuple[str, ...], *, ends_in_number: bool = False) -> str:
    """The start of a table of cells."""
    kinds = [""] * (len(heads) - 1) + [' class="number"' if ends_in_number else ""]
    cells = "".join(f'<th scope="col"{kind}>{escape(head)}</th>' for kind, head in zip(kinds, heads, strict=True))
    scrolling = f'class="table matrix" role="region" tabindex="0" aria-label="{about}"'
    return f"<div {scrolling}><table><thead><tr>{cells}</tr></thead><tbody>"


def _cell(n: int, total: int, about: str, right: bool, **of: int) -> str:
    """A count that lists its rows; the larger its share, the darker."""
    if not n:
        return '<span class="none">·</span>'
    shade = max(1, min(SHADES, round(SHADES * n / max(total, 1))))
    attributes = "".join(f' data-{name}="{value}"' for name, value in of.items())
    look, label = f"cell {'right' if right else 'wrong'} s{shade}", escape(about)
    return f'<button type="button" class="{look}" aria-label="{label}" data-tip="{label}"{attributes}>{n:,}</button>'
