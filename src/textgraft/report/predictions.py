"""Predictions as a section: a row per text with its label and how probable that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft.report.section import Section
from textgraft.task import Task
from textgraft.wording import decimal


class Predicted(Protocol):
    """Predictions for some texts; see ``textgraft.prediction``."""

    @property
    def texts(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def labels(self) -> Sequence[str] | Sequence[tuple[str, ...]]: ...  # noqa: D102
    @property
    def probability(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def probabilities(self) -> NDArray[np.float32]: ...  # noqa: D102


def predictions_section(predictions: Iterable[Predicted], task: Task, *, every_label: bool) -> Section:
    """The label, its probability and, where asked for, that of each other label; then the text."""
    rows = []
    for chunk in predictions:
        for i, text in enumerate(chunk.texts):
            labels = chunk.labels[i]
            label = labels if isinstance(labels, str) else "; ".join(labels)
            others = map(decimal, chunk.probabilities[i].tolist()) if every_label else ()
            rows.append((label or "(none)", decimal(float(chunk.probability[i])), *others, text))
    columns = ("label", "probability", *(task.labels if every_label else ()), "text")
    return Section("", columns, tuple(rows), numbers=tuple(range(1, len(columns) - 1)))
