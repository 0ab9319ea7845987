"""Texts in which the name of a label gives the label away."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.data.duplicates import Duplicates
from textgraft.data.folding import fold
from textgraft.data.shingles import UNSPACED
from textgraft.task import Task

# A name gives its label away if it takes us at least half of the way from the label's share of all rows to certainty,
# and does so in enough texts for it to matter.
CERTAINTY = 0.5
FEWEST_TEXTS = 10
LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Giveaway:
    """How well the word ``label`` in a text predicts the label ``label``.

    Attributes:
        label: the label and the word.
        rows: rows whose text has the word.
        share: the share of those rows that carry the label.
        lift: ``share`` over the label's share of all rows; above 1 the word speaks for the label.
        flagged: whether a classifier could learn the word instead of the meaning.
        examples: the first of those rows that carry the label.
    """

    label: str
    rows: int
    share: float
    lift: float
    flagged: bool
    examples: tuple[int, ...]


def giveaways(task: Task, indicator: NDArray[np.bool_], duplicates: Duplicates) -> tuple[Giveaway, ...]:
    """An entry for each label whose name is a word and stands in a text; ``indicator`` (n, k): which row carries it."""
    giveaway_words = []
    for i, label in enumerate(task.labels):
        pattern, probe = _pattern(label)
        if pattern is None:
            continue
        hits = (probe in text and pattern.search(text) is not None for text in duplicates.distinct)
        rows = np.fromiter(hits, np.bool_, len(duplicates.distinct))[duplicates.folded]
        carrying = rows & indicator[:, i]
        if not rows.any():
            continue
        base, share = float(indicator[:, i].mean()), float(carrying.sum() / rows.sum())
        many = rows.sum() >= FEWEST_TEXTS and carrying.sum() >= LEAST_SHARE * indicator[:, i].sum()
        flagged = bool(many and base < 1 and share >= base + CERTAINTY * (1 - base))
        lift, examples = share / base if base else 0.0, tuple(np.flatnonzero(carrying)[:3].tolist())
        giveaway_words.append(Giveaway(label, int(rows.sum()), share, lift, flagged, examples))
    return tuple(giveaway_words)


def _pattern(label: str) -> tuple[re.Pattern[str] | None, str]:
    """What finds a label's name in a folded text, and a word that any such text has; None for numbers and letters."""
    words = re.findall(r"[^\W_]+", fold(label))
    if not words or len("".join(words)) < 2 or "".join(words).isnumeric():
        return None, ""
    name = r"[\W_]+".join(map(re.escape, words))
    # \b knows no words in scripts that put no spaces between them.
    spaced = not re.search(rf"[{UNSPACED}]", name)
    return re.compile(rf"(?<![^\W_]){name}(?![^\W_])" if spaced else name), words[0]
