"""Texts in which the name of a label gives the label away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from textgraft.data.duplicates import Duplicates
from textgraft.data.folding import fold
from textgraft.data.shingles import UNSPACED
from textgraft.label_sets import LabelSets
from textgraft.task import Task

FEW = 100  # labels
LONGEST = 200  # characters of a name
WORD = re.compile(r"[^\W_]+")
UNSPACED_CHARACTER = re.compile(rf"[{UNSPACED}]")

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


def giveaways(task: Task, sets: LabelSets, duplicates: Duplicates) -> tuple[Giveaway, ...]:
    """An entry for each label whose name is a word and stands in a text; ``sets``: which labels each row carries."""
    n, words = len(sets), []
    counts, rows_of = sets.counts.tolist(), sets.rows_of()
    rows_of_text = LabelSets.single(duplicates.folded, len(duplicates.distinct)).rows_of()
    for i, texts in _naming(task.labels, duplicates.distinct):
        rows = np.sort(np.concatenate([rows_of_text(text) for text in texts]))
        carrying = np.intersect1d(rows, rows_of(i), assume_unique=True)
        base, share = counts[i] / n, len(carrying) / len(rows)
        many = len(rows) >= FEWEST_TEXTS and len(carrying) >= LEAST_SHARE * counts[i]
        flagged = bool(many and base < 1 and share >= base + CERTAINTY * (1 - base))
        lift, examples = share / base if base else 0.0, tuple(carrying[:3].tolist())
        words.append(Giveaway(task.labels[i], len(rows), share, lift, flagged, examples))
    return tuple(words)


def _naming(labels: Sequence[str], texts: Sequence[str]) -> Iterator[tuple[int, list[int]]]:
    """The labels whose name stands in a text, with the places of these texts, which are folded."""
    names = {i: name for i, label in enumerate(labels) if (name := _Name.of(label)) is not None}
    if len(names) <= FEW:  # finding a word in a text is much faster than dividing the text into words
        for i, name in names.items():
            if found := [place for place, text in enumerate(texts) if name.words[0] in text and name.stands_in(text)]:
                yield i, found
        return
    by_start: dict[str, list[int]] = {}
    for i, name in names.items():
        by_start.setdefault(name.words[0] if name.spaced else name.words[0][:2], []).append(i)
    pairs = not all(name.spaced for name in names.values())
    places: dict[int, list[int]] = {}
    for place, text in enumerate(texts):
        starts = set(WORD.findall(text))
        if pairs and UNSPACED_CHARACTER.search(text):
            starts.update(text, map("".join, pairwise(text)))
        for i in (i for start in starts & by_start.keys() for i in by_start[start]):
            if names[i].is_one_word or names[i].stands_in(text):
                places.setdefault(i, []).append(place)
    yield from sorted(places.items())


@dataclass(frozen=True)
class _Name:
    """A label's name as it stands in folded texts: its words; and whether its script puts spaces between words."""

    words: tuple[str, ...]
    spaced: bool

    @classmethod
    def of(cls, label: str) -> _Name | None:
        """None for numbers and single letters, and for what is too long to be a word in a text."""
        if len(label) > LONGEST:
            return None
        words = tuple(WORD.findall(fold(label)))
        if len("".join(words)) < 2 or "".join(words).isnumeric():
            return None
        return cls(words, spaced=not UNSPACED_CHARACTER.search("".join(words)))

    @property
    def is_one_word(self) -> bool:
        return self.spaced and len(self.words) == 1

    def stands_in(self, text: str) -> bool:
        return self.pattern.search(text) is not None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        name = r"[\W_]+".join(map(re.escape, self.words))
        # \b knows no words in scripts that put no spaces between them.
        return re.compile(rf"(?<![^\W_]){name}(?![^\W_])" if self.spaced else name)
