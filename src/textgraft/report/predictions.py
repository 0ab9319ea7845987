"""Predictions as a section: a row per text with its label and how probable that is."""

from __future__ import annotations

from collections.abc import Iterable

from textgraft.report.section import Section
from textgraft.task import Task
from textgraft.wording import decimal

# Label or labels, how probable, that of each label, why the model would not answer, the labels that are possible, text.
Row = tuple[str | tuple[str, ...], float, list[float], str, tuple[str, ...], str]


def predictions_section(
    predictions: Iterable[Row], task: Task, *, every_label: bool, abstain: str | None = None, sets: bool = False
) -> Section:
    """The label, its probability and, where asked for, that of each other label; then the text.

    With ``abstain``, that, or the reason where it is empty, takes the place of labels that the model would not give;
    with ``sets``, the labels that are possible stand before the text.
    """
    rows = []
    for labels, probability, probabilities, reason, possible, text in predictions:
        label = labels if isinstance(labels, str) else "; ".join(labels)
        if abstain is not None and reason:
            label = abstain or f"({reason})"
        others = map(decimal, probabilities) if every_label else ()
        rows.append((label or "(none)", decimal(probability), *others, *["; ".join(possible)] * sets, text))
    figures = ("probability", *(task.labels if every_label else ()))
    columns = ("label", *figures, *["possible"] * sets, "text")
    return Section("", columns, tuple(rows), numbers=tuple(range(1, 1 + len(figures))))
