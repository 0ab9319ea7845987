"""How much of a vocabulary, and of the running text, vectors cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import listed
from textgraft.text.vectors.opening import open_vectors
from textgraft.text.vectors.vectors import WordVectors
from textgraft.text.vocabulary import SPECIALS, Vocabulary

MOST_MISSING = 20
LITTLE = 0.5


@dataclass(frozen=True)
class Coverage:
    """Which words of some texts have a vector.

    Attributes:
        vectors: name of the vectors.
        words: distinct words.
        words_found: of these, those that the vectors have, as they are or in lower case.
        words_composed: of the others, those that get a vector from their sub-words.
        tokens: running words.
        tokens_found: of these, those whose word is found.
        missing: the most frequent words without any vector, with their counts, the most frequent first.
    """

    vectors: str
    words: int
    words_found: int
    words_composed: int
    tokens: int
    tokens_found: int
    missing: tuple[tuple[str, int], ...]

    @property
    def share_of_words(self) -> float:
        """Of the distinct words, from 0 to 1; 1 where there are none."""
        return self.words_found / self.words if self.words else 1.0

    @property
    def share_of_tokens(self) -> float:
        """Of the running words, from 0 to 1; 1 where there are none."""
        return self.tokens_found / self.tokens if self.tokens else 1.0

    @property
    def warning(self) -> str | None:
        """A sentence if less than half of the running words are found."""
        if self.share_of_tokens >= LITTLE:
            return None
        return (
            f"{self.vectors} covers almost nothing: {self.tokens_found:,} of {self.tokens:,} running words "
            f"({self.share_of_tokens:.1%}) and {self.words_found:,} of {self.words:,} different ones. Are the vectors "
            "of another language, or in upper case, or were they made with another tokenizer? Most frequent without a "
            f"vector: {listed(word for word, _ in self.missing)}."
        )

    def __str__(self) -> str:
        composed = f"; of the others {self.words_composed:,} get one from their sub-words" * bool(self.words_composed)
        return (
            f"{self.vectors} has {self.tokens_found:,} of {self.tokens:,} running words ({self.share_of_tokens:.1%}) "
            f"and {self.words_found:,} of {self.words:,} different ones ({self.share_of_words:.1%}){composed}."
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {
            "share_of_words": self.share_of_words,
            "share_of_tokens": self.share_of_tokens,
            "warning": self.warning,
            "missing": [list(pair) for pair in self.missing],
        }


def vector_coverage(vocabulary: Vocabulary, vectors: WordVectors | str) -> Coverage:
    """Which words of a vocabulary have vectors, and how many of the running words that it was counted on these are.

    Words that the vocabulary leaves out play no part.

    Args:
        vocabulary: of some texts.
        vectors: opened ones, or what ``open_vectors`` takes.

    Raises:
        VectorsError, MissingExtraError, SettingError: see ``open_vectors``.
    """
    opened = open_vectors(vectors) if isinstance(vectors, str) else vectors
    return coverage(vocabulary.words[len(SPECIALS) :], vocabulary.frequencies[len(SPECIALS) :], opened)


def coverage(words: Sequence[str], frequencies: NDArray[np.int64], vectors: WordVectors) -> Coverage:
    """Which of n distinct words, without padding and the like, have vectors; (n,) ``frequencies`` of them in texts."""
    frequencies = np.asarray(frequencies, np.int64)
    known = vectors.known(words)
    missing = np.flatnonzero(~known)
    composed = vectors.find([words[i] for i in missing.tolist()])[0]
    missing = missing[~composed]
    most_frequent = missing[np.argsort(-frequencies[missing], kind="stable")[:MOST_MISSING]]
    return Coverage(
        vectors=vectors.name,
        words=len(words),
        words_found=int(known.sum()),
        words_composed=int(composed.sum()),
        tokens=int(frequencies.sum()),
        tokens_found=int(frequencies[known].sum()),
        missing=tuple((words[i], int(frequencies[i])) for i in most_frequent.tolist()),
    )
