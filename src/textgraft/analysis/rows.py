"""The evaluated rows as a report holds them: texts, labels, answers and losses, in bounded room."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.decision import confidence
from textgraft.evaluation.inputs import Predictions
from textgraft.unicode import shown, whole

MOST_ROWS = 20_000
WORST = 2_000  # of them, those with the highest loss, where there are more
MOST_BYTES = 3_600_000  # of all texts together
LONGEST = 5_000  # characters of a text
COLUMNS = ("text", "true", "predicted", "probability", "loss", "file", "number", "length")


def rows_of(data: Dataset, predictions: Predictions, *, texts: bool = True) -> dict[str, Any]:
    """The rows as plain data: ``columns`` name the values of each of ``rows``.

    ``true`` and ``predicted`` are places in ``labels``, of a multi-label task lists of them; ``probability`` is that of
    the answer (``confidence``); ``loss`` is the log loss, of a multi-label task the mean over labels; ``file`` is a
    place in ``files`` and ``number`` the row there.

    All rows are kept up to 20,000; of more the 2,000 with the highest loss and, evenly drawn, others. Texts share 3.6
    MB: each is kept up to the length, at most 5,000 characters, at which all of them fit; ``length`` is the whole.

    Args:
        data: n rows.
        predictions: of these; of rows that were predicted several times the first prediction counts.
        texts: whether to keep the texts; without, they are empty.
    """
    n, task = len(data), predictions.task
    first = predictions.select(np.arange(n))
    losses = log_losses(first)
    sure = confidence(first.probabilities, first.predicted)
    at = kept_rows(losses)
    own = [shown(whole(data.texts[i])) for i in at.tolist()] if texts else [""] * len(at)
    own = cut_to_fit(own)
    true, predicted = _places(first.targets), _places(first.predicted)
    rows = [
        [
            text,
            true[i],
            predicted[i],
            round(float(sure[i]), 4),
            round(float(losses[i]), 3),
            int(data.rows.file[i]),
            int(data.rows.number[i]),
            len(data.texts[i]),
        ]
        for text, i in zip(own, at.tolist(), strict=True)
    ]
    return {
        "labels": list(map(shown, task.labels)),
        "multi_label": task.multi_label,
        "files": list(map(shown, short_names(data.rows.files))),
        "columns": list(COLUMNS),
        "of": n,
        "has_texts": texts,
        "rows": rows,
    }


def log_losses(predictions: Predictions) -> NDArray[np.float64]:
    """(n,) minus the logarithm of the probability of what is true; of a multi-label task the mean over labels."""
    p = np.clip(predictions.probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    if predictions.task.multi_label:
        return np.asarray(-np.log(np.where(predictions.targets, p, 1 - p)).mean(axis=1))
    return np.asarray(-np.log(p[np.arange(len(p)), predictions.targets]))


def kept_rows(losses: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which of n rows a report holds, in their order."""
    n = len(losses)
    if n <= MOST_ROWS:
        return np.arange(n)
    worst = np.argsort(-losses, kind="stable")[:WORST]
    others = np.setdiff1d(np.arange(n), worst)
    even = others[np.linspace(0, len(others) - 1, MOST_ROWS - WORST).round().astype(np.intp)]
    return np.sort(np.concatenate((worst, even)))


def cut_to_fit(texts: Sequence[str], room: int = MOST_BYTES, longest: int = LONGEST) -> list[str]:
    """The texts, each up to the length at which all of them fit; a short one leaves its room to the others."""
    short = [text[:longest] for text in texts]
    sizes = np.array([_bytes(text) for text in short], np.float64)
    if sizes.sum() <= room:
        return short
    low, high = 0.0, float(longest * 6)
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(sizes, middle).sum() <= room else (low, middle)
    return [
        text if size <= low else text[: int(len(text) * low / size)]
        for text, size in zip(short, sizes.tolist(), strict=True)
    ]


def short_names(files: Sequence[str]) -> list[str]:
    """The last part of each path, where that tells all of them apart; else the paths."""
    names = [PurePath(name).name or name for name in files]
    return names if len(set(names)) == len(names) else list(files)


def _bytes(text: str) -> int:
    """In JSON, quotation marks aside; ``<`` is written as six characters there."""
    plain = json.dumps(text, ensure_ascii=False)
    return (len(plain) if plain.isascii() else len(plain.encode("utf-8", "surrogatepass"))) + 5 * text.count("<")


def _places(targets: NDArray[Any]) -> list[Any]:
    if targets.ndim == 1:
        places: list[Any] = targets.tolist()
        return places
    return [np.flatnonzero(row).tolist() for row in targets]
