"""Texts in which the name of a label gives the label away."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from textgraft.data.duplicates import Duplicates
from textgraft.data.folding import FoldedTexts, fold
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
    naming = _naming(task.labels, duplicates.distinct)
    if not naming:
        return ()
    counts, rows_of = sets.counts.tolist(), sets.rows_of()
    rows_of_text = LabelSets.single(duplicates.folded, len(duplicates.distinct)).rows_of()
    for i, texts in sorted(naming.items()):
        rows = np.sort(np.concatenate([rows_of_text(text) for text in texts]))
        carrying = np.intersect1d(rows, rows_of(i), assume_unique=True)
        base, share = counts[i] / n, len(carrying) / len(rows)
        many = len(rows) >= FEWEST_TEXTS and len(carrying) >= LEAST_SHARE * counts[i]
        flagged = bool(many and base < 1 and share >= base + CERTAINTY * (1 - base))
        lift, examples = share / base if base else 0.0, tuple(carrying[:3].tolist())
        words.append(Giveaway(task.labels[i], len(rows), share, lift, flagged, examples))
    return tuple(words)


def _naming(labels: Sequence[str], texts: FoldedTexts) -> dict[int, list[int]]:
    """The labels whose name stands in a text, with the places of these texts."""
    names = {i: name for i, label in enumerate(labels) if (name := _Name.of(label)) is not None}
    found: dict[int, list[int]] = {}
    named = _each_name(names) if len(names) <= FEW else _all_names(names)
    for place, text in enumerate(texts):
        for i in named(text):
            found.setdefault(i, []).append(place)
    return found


def _each_name(names: Mapping[int, _Name]) -> Callable[[str], Iterable[int]]:
    """What finds the labels named in a text by looking for each: far faster for few than the words of the text."""
    firsts = [(name.words[0], i) for i, name in names.items()]

    def find(text: str) -> list[int]:
        said = [i for first, i in firsts if first in text]
        if not said:
            return said
        words = _words(text)
        return [i for i in said if names[i].written in words]

    return find


def _all_names(names: Mapping[int, _Name]) -> Callable[[str], Iterable[int]]:
    """What finds the labels named in a text in time that does not grow with their number.

    A name is looked up by its first word, or by its first two characters where there are no blanks between words, and
    by each length that a name of this start has.
    """
    of_name: dict[str, list[int]] = defaultdict(list)
    lengths: dict[str, set[int]] = defaultdict(set)
    for i, name in names.items():
        of_name[name.written].append(i)
        lengths[name.start].add(len(name.written))
    pairs = not all(name.spaced for name in names.values())

    def find(text: str) -> set[int]:
        words = _words(text)
        starts = {f" {word} " for word in words.split()}
        if pairs and UNSPACED_CHARACTER.search(words):
            starts.update(map("".join, pairwise(words)))
        said: set[int] = set()
        for start in starts & lengths.keys():
            at = words.find(start)
            while at >= 0:
                for length in lengths[start]:
                    said.update(of_name.get(words[at : at + length], ()))
                at = words.find(start, at + 1)
        return said

    return find


def _words(text: str) -> str:
    """The words of a folded text with one blank before, between and after them."""
    return f" {' '.join(WORD.findall(text))} "


@dataclass(frozen=True)
class _Name:
    """A label's name: its words as they stand in folded texts; and whether its script puts spaces between words."""

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

    @cached_property
    def written(self) -> str:
        """What stands in the ``_words`` of a text that has the name; without spaces it may be part of a word."""
        return f" {' '.join(self.words)} " if self.spaced else " ".join(self.words)

    @property
    def start(self) -> str:
        """The first word, or the first two characters."""
        return f" {self.words[0]} " if self.spaced else self.written[:2]
