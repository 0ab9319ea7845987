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
from textgraft.report.html import shell
from textgraft.report.section import Report, Section
from textgraft.report.story_page import embedded
from textgraft.unicode import said
from textgraft.whole import whole_file
from textgraft.wording import percent

HOLDS_TEXTS = "It holds texts of the data."


def map_report(content: Mapping[str, Any]) -> Report:
    """What ``TextMap.to_dict`` says, in the terminal: the hills with their words and the commonest label of each."""
    labels = next(each for each in content["colourings"] if each["name"] == "label")
    rows = []
    for i, hill in enumerate(content["hills"]):
        carried = [label for label, own in zip(labels["values"], content["hill"], strict=True) if own == i]
        first = max(set(carried), key=lambda label: (carried.count(label), -label))
        share = percent(carried.count(first) / len(carried))
        words = ", ".join(hill["words"]) or "(no word is typical)"
        rows.append((words, f"{hill['rows']:,}", f"{labels['categories'][first]} {share}"))
    apart = content["hill"].count(-1)
    sentences = [content["about"], *content["notes"]]
    if apart:
        sentences.append(f"{apart:,} of {len(content['hill']):,} texts stand on no hill that is large enough to name.")
    columns = ("typical words", "rows", "commonest label")
    return Report("A map of texts", (Section("Hills", columns, tuple(rows), tuple(sentences), numbers=(1,)),))


def map_page(content: Mapping[str, Any], title: str) -> str:
    """The whole page; texts stand in it as JSON, which nothing runs, and the script shows them as text alone."""
    here = files("textgraft.report")
    title = said(title)
    notice = " ".join([content["about"], *content["notes"], *([HOLDS_TEXTS] if content["has_texts"] else [])])
    looks = {"colours": COLOURS, "other": OTHER, "low": LOW, "high": HIGH}
    template = Template((here / "map.html").read_text("utf-8"))
    body = template.substitute(title=escape(title), notice=escape(said(notice)))
    data = f'<script type="application/json" id="data">{embedded({**content, "looks": looks})}</script>'
    script, style = ((here / f"map.{kind}").read_text("utf-8") for kind in ("js", "css"))
    return shell(title, f"{body}\n{data}", script, style)


def write_map(content: Mapping[str, Any], title: str, page: Path) -> None:
    """Writes the page, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(page) as part:
        part.write_text(map_page(content, title), "utf-8")
