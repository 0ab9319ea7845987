"""Predictions as a section: a row per text with its label and how probable that is."""

from __future__ import annotations

from collections.abc import Iterable

from textgraft.report.section import Section
from textgraft.task import Task
from textgraft.wording import decimal

Row = tuple[str | tuple[str, ...], float, list[float], str]  # label or labels, how probable, that of each label, text


def predictions_section(predictions: Iterable[Row], task: Task, *, every_label: bool) -> Section:
    """The label, its probability and, where asked for, that of each other label; then the text."""
    rows = []
    for labels, probability, probabilities, text in predictions:
        label = labels if isinstance(labels, str) else "; ".join(labels)
        others = map(decimal, probabilities) if every_label else ()
        rows.append((label or "(none)", decimal(probability), *others, text))
    columns = ("label", "probability", *(task.labels if every_label else ()), "text")
    return Section("", columns, tuple(rows), numbers=tuple(range(1, len(columns) - 1)))
