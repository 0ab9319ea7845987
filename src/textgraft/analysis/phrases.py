"""Words and pairs of words that stand in errors more often than in other texts of the same label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.moving import ALPHA, MOVES, Deviations, corrected
from textgraft.analysis.slices import error_rate
from textgraft.evaluation import Interval
from textgraft.extras import import_scipy
from textgraft.text.ngrams import WordNgrams
from textgraft.unicode import in_form

WORDS = 2  # the longest phrase
FEWEST = 5  # texts of a phrase
MOST_WORDS = 20_000  # of each length, the most frequent ones
MOST_PHRASES = 30


@dataclass(frozen=True)
class Phrase:
    """A phrase that is typical of errors.

    Attributes:
        phrase: one word or two.
        rows: how many texts it stands in.
        wrong: how many of them are errors.
        rate: of errors among them, with its interval.
        p_value: corrected for all phrases.
    """

    phrase: str
    rows: int
    wrong: int
    rate: Interval
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {**vars(self), "rate": self.rate.to_dict()}


@dataclass(frozen=True)
class Phrases:
    """The phrases that are typical of errors, the clearest first, and among how many they were looked for."""

    found: tuple[Phrase, ...]
    tried: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {"tried": self.tried, "found": [phrase.to_dict() for phrase in self.found]}


def find_phrases(
    texts: Sequence[str], wrong: NDArray[np.bool_], strata: NDArray[np.int64], *, moves: int = MOVES, seed: int = 0
) -> Phrases:
    """The phrases that are measurably more frequent in errors; a text counts once for each phrase.

    Args:
        texts: n texts; copies should be one, since they are right or wrong together.
        wrong: (n,) which of them are errors.
        strata: (n,) from 0, such as their labels: without them the words of a label that is often wrong would be found.
        moves: how often errors are moved within the strata.
        seed: of these.
    """
    if len(texts) < 2 * FEWEST or not 0 < wrong.sum() < len(wrong):
        return Phrases((), 0)
    ngrams, counts = WordNgrams.fit(in_form(texts, "nfkc"), WORDS, FEWEST, MOST_WORDS)
    if not len(ngrams):
        return Phrases((), 0)
    sparse = import_scipy("Looking for phrases").sparse
    held = sparse.hstack((counts.words.csr(), counts.longer.csr()), "csr")
    held.data[:] = 1

    def counts_of(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(held[rows].indices, minlength=len(ngrams))

    deviations = Deviations(counts_of, wrong, strata)
    largest = deviations.largest_when_moved(moves, np.random.default_rng(seed), "looking for phrases")
    p_values = corrected(deviations.seen, largest)
    grams, columns, found = ngrams.grams(), held.tocsc(), []
    for i in np.argsort(-deviations.seen, kind="stable")[:MOST_PHRASES].tolist():
        if p_values[i] > ALPHA:
            break
        of_phrase = wrong[columns.indices[columns.indptr[i] : columns.indptr[i + 1]]]
        rate = error_rate(of_phrase)
        found.append(Phrase(grams[i], len(of_phrase), int(of_phrase.sum()), rate, float(p_values[i])))
    return Phrases(tuple(found), len(ngrams))
