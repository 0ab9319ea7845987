"""Explanations as sections: the text with its words marked, and the words that weigh most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textgraft.report.section import Report, Section
from textgraft.unicode import quoted
from textgraft.wording import decimal

MOST_WORDS = 12
MOST_IN_TITLE = 60  # characters of a text


class Part(Protocol):
    """See ``analysis.explaining.Span``."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def weight(self) -> float: ...  # noqa: D102


class Explained(Protocol):
    """See ``analysis.explaining.Explanation``."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def predicted(self) -> bool: ...  # noqa: D102
    @property
    def probability(self) -> float: ...  # noqa: D102
    @property
    def spans(self) -> Sequence[Part]: ...  # noqa: D102
    @property
    def by(self) -> str: ...  # noqa: D102
    @property
    def meaning(self) -> str: ...  # noqa: D102


def explanation_report(title: str, explanations: Sequence[Explained]) -> Report:
    """One section for each text."""
    return Report(title, tuple(map(explanation_section, explanations)))


def explanation_section(explained: Explained) -> Section:
    """The text with its parts marked, the heaviest parts in a table, and what the weights are."""
    answer = "predicted" if explained.predicted else "not predicted"
    title = f"{explained.label} ({decimal(explained.probability)}, {answer}): {quoted(explained.text, MOST_IN_TITLE)}"
    heaviest = sorted(explained.spans, key=lambda span: -abs(span.weight))
    rows = tuple((explained.text[span.start : span.end], f"{span.weight:+.2f}") for span in heaviest)
    if not rows:
        return Section(title, sentences=("The text has no words to explain its label by.", explained.meaning))
    against = "What is underlined speaks against it."
    sentences = (explained.meaning, *([against] if any(span.weight < 0 for span in heaviest) else []))
    columns = ("sentence" if explained.by == "sentences" else "word", "weight")
    table = Section(title, columns, rows, sentences, (1,), marked=_marked(explained))
    return table.first(MOST_WORDS)


def _marked(explained: Explained) -> tuple[tuple[str, float], ...]:
    most = max((abs(span.weight) for span in explained.spans), default=0) or 1.0
    pieces, at = [], 0
    for span in explained.spans:
        pieces += [(explained.text[at : span.start], 0.0), (explained.text[span.start : span.end], span.weight / most)]
        at = span.end
    return (*pieces, (explained.text[at:], 0.0))
