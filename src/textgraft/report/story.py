"""A report that is read from top to bottom: chapters of sections, pictures and lists, and the rows behind them.

A further analysis is one more chapter: its sections, as the terminal shows them, and its figures as plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textgraft import charts
from textgraft.charts import Picture
from textgraft.report.section import Section

FORMAT = "textgraft-report"
VERSION = 1
HOLDS_TEXTS = (
    "This report holds texts of the data. Give it only to people who may read them; --no-texts makes one without."
)
HOLDS_NONE = "This report holds no texts of the data: rows are named by file and number alone."


@dataclass(frozen=True)
class Figure:
    """A picture with what it says in words, and the same figures as a table."""

    picture: Picture
    caption: str
    table: Section | None = None


@dataclass(frozen=True)
class Action:
    """Something to do next.

    Attributes:
        key: which rule proposes it.
        what: what to do, as a sentence.
        evidence: the figures from which that follows.
        command: that does it; empty where it is no command's work.
    """

    key: str
    what: str
    evidence: str
    command: str = ""


@dataclass(frozen=True)
class Lead:
    """A sentence that all else is the evidence for."""

    sentence: str


@dataclass(frozen=True)
class Folded:
    """Sections that are shown when they are asked for."""

    called: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Actions:
    """What to do next, the most serious first."""

    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Matrix:
    """Which labels are taken for which; each cell lists its texts.

    Attributes:
        labels: k names.
        cells: true label, predicted label, rows; those that occur.
        totals: (k,) rows of each true label.
    """

    labels: tuple[str, ...]
    cells: tuple[tuple[int, int, int], ...]
    totals: tuple[int, ...]

    @property
    def picture(self) -> Picture | None:
        """The same as a picture, where it is not too large for one."""
        k = len(self.labels)
        if k > charts.MOST_IN_CONFUSION:
            return None
        counts = [[0] * k for _ in range(k)]
        for true, predicted, n in self.cells:
            counts[true][predicted] = n
        return charts.confusion(self.labels, counts)


@dataclass(frozen=True)
class PerLabel:
    """Hits, misses and false alarms of each label of a multi-label task; each cell lists its texts."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class RowList:
    """The place where the rows are listed."""


@dataclass(frozen=True)
class MapSheet:
    """A map of the rows to wander about in: what ``TextMap.to_dict`` gives, without what the rows hold themselves."""

    content: dict[str, Any]


Block = Section | Lead | Folded | Figure | Actions | Matrix | PerLabel | RowList | MapSheet


@dataclass(frozen=True)
class Chapter:
    """One part of the story.

    Attributes:
        key: its name in ``report.json`` and in the page's address.
        title: for people.
        blocks: what is shown, in order.
        figures: the same as plain data.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    figures: Any = None


@dataclass(frozen=True)
class Story:
    """A whole report.

    Attributes:
        title: what it is about.
        chapters: in reading order; those without blocks are left out of the page.
        rows: the evaluated rows as plain data, see ``analysis.rows``; None where there are none.
        holds_texts: whether texts of the data stand in it.
    """

    title: str
    chapters: tuple[Chapter, ...]
    rows: dict[str, Any] | None = None
    holds_texts: bool = True

    @property
    def pictures(self) -> dict[str, Picture]:
        """All pictures by name: the chapter's, numbered where it has several."""
        found = {}
        for chapter in self.chapters:
            drawn = [block.picture for block in chapter.blocks if isinstance(block, Figure | Matrix) and block.picture]
            for i, picture in enumerate(drawn, 1):
                found[f"{chapter.key}-{i}" if len(drawn) > 1 else chapter.key] = picture
        return found

    @property
    def notice(self) -> str:
        """What whoever passes it on must know."""
        return HOLDS_TEXTS if self.holds_texts else HOLDS_NONE

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "title": self.title,
            "holds_texts": self.holds_texts,
            "chapters": {chapter.key: chapter.figures for chapter in self.chapters if chapter.figures is not None},
            "rows": self.rows,
        }


def chapter_of(key: str, title: str, sections: Sequence[Section], figures: Any) -> Chapter:
    """An analysis as a chapter: what the terminal shows of it, and its figures."""
    return Chapter(key, title, tuple(section for section in sections if not section.is_empty), figures)
