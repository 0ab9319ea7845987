"""What the characters of a text add to the log odds of a label, for methods that can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import SettingError
from textgraft.text.characters import CharacterNgrams, occurrences
from textgraft.text.ngrams import WordNgrams
from textgraft.text.tokens import Tokens, tokenize
from textgraft.unicode import Form, in_form, pieces_in_form

Doubles = NDArray[np.float64]
Attribution = Literal["contributions", "gradients"]


@dataclass(frozen=True, eq=False)
class Attributed:
    """How the log odds of a label come about.

    Attributes:
        weights: (c,) what each character of the text adds.
        base: the log odds that are there without them.
    """

    weights: Doubles
    base: float


def on_original(attributed: Attributed, text: str, form: Form) -> Attributed:
    """What was found of ``in_form`` of a text, on the characters of the text itself."""
    if in_form([text], form)[0] == text:
        return attributed
    pieces = pieces_in_form(text, form)
    given, read = (np.array([len(piece[i]) for piece in pieces], np.int64) for i in (0, 1))
    sums = np.concatenate(([0], np.cumsum(attributed.weights)))
    stop = np.cumsum(read)
    return Attributed(np.repeat((sums[stop] - sums[stop - read]) / given, given), attributed.base)


class Attributing:
    """A classifier that may know what the characters of a text add to its answer; a base of ``TextClassifier``."""

    unicode: Form = "none"

    @property
    def attribution(self) -> Attribution | None:
        """How ``attribute`` comes to its weights; None where it cannot, and leaving words out is all there is."""
        return None

    def attribute(self, text: str, label: int) -> Attributed:
        """What the characters of a text add to the log odds of the label at a place in ``task_.labels``.

        Raises:
            SettingError: the classifier has no ``attribution``.
        """
        if self.attribution is None:
            raise SettingError(
                "This model cannot tell what the characters of a text add to its answer; textgraft explain --how "
                "occlusion (textgraft.explain(model, text, how='occlusion')) leaves words out instead."
            )
        [read] = in_form([text], self.unicode)
        return on_original(self._attribute(read, label), text, self.unicode)

    def _attribute(self, text: str, label: int) -> Attributed:  # noqa: ARG002
        """As ``attribute``, of a text in the form in which it is read, by a method that has an ``attribution``."""
        raise AssertionError(f"{type(self).__name__} has an attribution, and no _attribute to find it by")


def spread(start: NDArray[np.int64], stop: NDArray[np.int64], values: Doubles, n: int) -> Doubles:
    """(n,) sums of values of which each is divided equally among the places from its start to its stop."""
    each = values / (stop - start)
    steps = np.bincount(start, each, n + 1) - np.bincount(stop, each, n + 1)
    return np.cumsum(steps.astype(np.float64))[:n]


def ngram_contributions(words: WordNgrams, characters: CharacterNgrams | None, weights: Doubles, text: str) -> Doubles:
    """(c,) what each character adds to a weighted sum of the TF-IDF of n-grams, each kind of length 1.

    What an n-gram adds is divided equally among its occurrences, and in each among the characters that it covers.

    Args:
        words: the w + m word n-grams.
        characters: the f character n-grams, if there are any.
        weights: (w + m + f,) of the n-grams.
        text: in the form in which it is read.
    """
    tokens = tokenize([text])
    lengths = tokens.stop - tokens.start
    ends = np.cumsum(lengths)
    added = _by_words(words, weights[: len(words)], tokens, ends - lengths, ends)
    if characters is not None:
        added += _by_characters(characters, weights[len(words) :], tokens, lengths)
    on_text = np.zeros(len(text))
    on_text[np.repeat(tokens.start - (ends - lengths), lengths) + np.arange(len(added))] = added
    return on_text


def _by_words(
    words: WordNgrams, weights: Doubles, tokens: Tokens, start: NDArray[np.int64], stop: NDArray[np.int64]
) -> Doubles:
    """On the characters of the tokens, one token after the other; ``start`` and ``stop`` are those of the tokens."""
    ids, first, last = words.places(tokens)
    distinct, place, counts = np.unique(ids, return_inverse=True, return_counts=True)
    values = (1 + np.log(counts)) * words.idf[distinct]
    length = np.linalg.norm(values)
    of_occurrence = values * weights[distinct] / counts / (length or 1)
    return spread(start[first], stop[last], of_occurrence[place], int(stop[-1]) if len(stop) else 0)


def _by_characters(
    characters: CharacterNgrams, weights: Doubles, tokens: Tokens, lengths: NDArray[np.int64]
) -> Doubles:
    """On the characters of the tokens, through the character n-grams of their words."""
    strings, place, counts = np.unique(
        np.array(tokens.strings(np.arange(len(tokens))), dtype=object), return_inverse=True, return_counts=True
    )
    frequencies = 1 + np.log(counts)
    distinct = strings.tolist()
    squares = characters.weigh(distinct).squared() @ np.ones(len(characters), np.float32)
    length = np.sqrt(squares @ frequencies**2)
    of_words = np.fromiter(map(len, distinct), np.int64, len(distinct))
    begin = np.cumsum(of_words + 2) - of_words - 1  # of each word among words with a space on both sides
    grams = occurrences(distinct, characters.sizes)
    number = characters.numbers(grams)
    known = np.flatnonzero(number >= 0)
    word, number = grams.word[known], number[known]
    # Spaces count for the letters beside them; an n-gram of nothing else counts for the whole word.
    start, stop = np.maximum(grams.start[known], begin[word]), np.minimum(grams.stop[known], (begin + of_words)[word])
    start, stop = (np.where(start < stop, *ends) for ends in ((start, begin[word]), (stop, (begin + of_words)[word])))
    values = weights[number] * characters.idf[number]
    profile = spread(start, stop, values, len(grams.codes)) if len(distinct) else np.zeros(0)
    share = (frequencies / counts / (length or 1))[place]
    ends = np.cumsum(lengths)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return np.asarray(profile[np.repeat(begin[place], lengths) + within] * np.repeat(share, lengths))
