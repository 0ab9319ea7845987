"""Predicting a stream of texts in flat memory, in order, each row with where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.encoders.cache import without_cache
from textgraft.methods import TextClassifier
from textgraft.task import targets_of

TEXTS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predictions for some consecutive rows of one file.

    Attributes:
        texts: n texts.
        file: where they came from.
        numbers: (n,) their 1-based row numbers there; 0 where the file is the row.
        labels: n predicted labels; for a multi-label task a tuple of names each, the most probable first.
        probability: (n,) of the predicted label; for a multi-label task of the least probable predicted label, or,
            where none is predicted, one minus that of the most probable one.
        probabilities: (n, k) of all labels.
        kept: columns of the input that are handed on.
    """

    texts: list[str]
    file: str
    numbers: Sequence[int]
    labels: list[str] | list[tuple[str, ...]]
    probability: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    kept: dict[str, list[Any]]


@dataclass(frozen=True)
class Texts:
    """Some consecutive texts of one file, their 1-based row numbers there, and columns to hand on."""

    texts: list[str]
    file: str
    numbers: Sequence[int]
    kept: dict[str, list[Any]] = field(default_factory=dict)


def predict_stream(model: TextClassifier, stream: Iterable[Texts]) -> Iterator[Prediction]:
    """Predicts a stream with no more than a few thousand texts in memory.

    Small pieces, such as files of one text each, are predicted together and yielded apart.
    """
    told = progress.track(_gathered(stream), "predicting", amount=lambda parts: sum(len(p.texts) for p in parts))
    for parts in told:
        # Texts to predict are seen once; keeping their vectors would fill the disk with them.
        with without_cache():
            probabilities = model.predict_proba([text for part in parts for text in part.texts])
        labels, probability = describe(model, probabilities)
        start = 0
        for part in parts:
            rows = slice(start, start := start + len(part.texts))
            yield Prediction(
                part.texts, part.file, part.numbers, labels[rows], probability[rows], probabilities[rows], part.kept
            )


def _gathered(stream: Iterable[Texts]) -> Iterator[list[Texts]]:
    """Consecutive pieces of together at least ``TEXTS_AT_ONCE`` texts, but for the last."""
    parts: list[Texts] = []
    texts = 0
    for part in stream:
        parts.append(part)
        texts += len(part.texts)
        if texts >= TEXTS_AT_ONCE:
            yield parts
            parts, texts = [], 0
    if parts:
        yield parts


def describe(
    model: TextClassifier, probabilities: NDArray[np.float32]
) -> tuple[list[str] | list[tuple[str, ...]], NDArray[np.float32]]:
    """The labels of n texts and (n,) how probable they are; see ``Prediction``."""
    task = model.task_
    targets = targets_of(probabilities, task, model.thresholds_)
    if not task.multi_label:
        return [task.labels[i] for i in targets.tolist()], probabilities.max(axis=1)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    names = [tuple(task.labels[j] for j in row if carried[j]) for row, carried in zip(order, targets, strict=True)]
    least = np.where(targets, probabilities, np.inf).min(axis=1)
    return names, np.where(targets.any(axis=1), least, 1 - probabilities.max(axis=1)).astype(np.float32)
