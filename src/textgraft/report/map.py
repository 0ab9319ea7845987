"""A map of texts: what stands on its hills, as a section, and all of it as a page to wander about in.

The page draws on a canvas: as elements of SVG, 20,000 points and their names take a browser a second for each step of
a zoom, and on a canvas some milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from textgraft.charts.maps import COLOURS, HIGH, LOW, OTHER
from textgraft.report.html import embedded, shell
from textgraft.report.section import Report, Section
from textgraft.unicode import said
from textgraft.whole import whole_file
from textgraft.wording import percent

HOLDS_TEXTS = "It holds texts of the data."
NO_WORD = "(no word is typical)"


def map_report(content: Mapping[str, Any]) -> Report:
    """What ``TextMap.to_dict`` says, in the terminal: the hills with their words and the commonest label of each."""
    labels = next(each for each in content["colourings"] if each["name"] == "label")
    rows = []
    for i, hill in enumerate(content["hills"]):
        carried = [label for label, own in zip(labels["values"], content["hill"], strict=True) if own == i]
        first = max(set(carried), key=lambda label: (carried.count(label), -label))
        share = percent(carried.count(first) / len(carried))
        words = ", ".join(hill["words"]) or (NO_WORD if content["has_texts"] else f"hill {i + 1}")
        rows.append((words, f"{hill['rows']:,}", f"{labels['categories'][first]} {share}"))
    apart = content["hill"].count(-1)
    sentences = [content["about"], *content["notes"]]
    if apart:
        sentences.append(f"{apart:,} of {len(content['hill']):,} texts stand on no hill that is large enough to name.")
    columns = ("typical words" if content["has_texts"] else "", "rows", "commonest label")
    return Report("A map of texts", (Section("Hills", columns, tuple(rows), tuple(sentences), numbers=(1,)),))


def map_page(content: Mapping[str, Any], title: str) -> str:
    """The whole page; texts stand in it as JSON, which nothing runs, and the script shows them as text alone."""
    title = said(title)
    notice = " ".join([content["about"], *content["notes"], *([HOLDS_TEXTS] if content["has_texts"] else [])])
    header = f'<header><h1>{escape(title)}</h1><p class="notice">{escape(said(notice))}</p></header>'
    tip = '<div id="tip" role="tooltip" hidden></div>'
    body = f'<main class="map">\n{header}\n{map_sheet(content, 2)}\n{tip}\n</main>'
    return shell(title, body, *map_scripts())


def map_sheet(content: Mapping[str, Any], level: int) -> str:
    """The map as a part of a page, its heading of this level, with its data; see ``map_scripts``."""
    looks = {"colours": COLOURS, "other": OTHER, "low": LOW, "high": HIGH}
    sheet = Template((files("textgraft.report") / "map.html").read_text("utf-8")).substitute(level=level)
    return f'{sheet}<script type="application/json" id="map-data">{embedded({**content, "looks": looks})}</script>'


def map_scripts() -> tuple[str, str]:
    """What draws a map, and its looks."""
    script, style = ((files("textgraft.report") / f"map.{kind}").read_text("utf-8") for kind in ("js", "css"))
    return script, style


def write_map(content: Mapping[str, Any], title: str, page: Path) -> None:
    """Writes the page, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(page) as part:
        part.write_text(map_page(content, title), "utf-8")
