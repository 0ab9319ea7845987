"""The words that a network knows, by number, and texts as such numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError, SettingError, listed
from textgraft.json_files import is_strings, is_whole, read_json
from textgraft.progress import track
from textgraft.text.batches import Windows
from textgraft.text.characters import hash_strings
from textgraft.text.hashing import HashIndex, WordNumbering, hash_pieces
from textgraft.text.tokenizers import Tokenize
from textgraft.text.tokens import Tokens, chunks
from textgraft.unicode import quoted
from textgraft.whole import whole_file
from textgraft.wording import counted

Ids = NDArray[np.int32]

SPECIALS: Final = ("<pad>", "<unk>")
PAD: Final = 0
UNKNOWN: Final = 1


class Vocabulary:
    """Words and their numbers.

    A token is never numbered ``PAD``, whatever a text says: the specials are no words of texts.

    Args:
        words: v distinct words; the first two are ``SPECIALS``.
        frequencies: (v,) how often each stood in the texts that were counted; at ``UNKNOWN`` all other words together.
    """

    words: list[str]
    frequencies: NDArray[np.int64]

    def __init__(self, words: Sequence[str], frequencies: Sequence[int] | NDArray[np.int64]) -> None:
        self.words = list(words)
        self.frequencies = np.asarray(frequencies, np.int64)
        self._index = HashIndex(hash_strings(self.words[len(SPECIALS) :]))

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def count(
        cls, texts: Sequence[str], tokenize: Tokenize, *, max_size: int | None = None, min_count: int = 1
    ) -> Vocabulary:
        """The most frequent words of the texts first; of equally frequent ones the one that occurs first.

        Args:
            texts, tokenize: what is split into words, and how.
            max_size: words to keep, specials not counted; None: all.
            min_count: how often a word must occur.

        Raises:
            SettingError: ``max_size`` is negative or ``min_count`` is less than 1.
        """
        if max_size is not None and max_size < 0:
            raise SettingError(f"max_size is {max_size}; give a number of words, 0 or more, or None for all.")
        if min_count < 1:
            raise SettingError(f"min_count is {min_count}; give 1 or more.")
        numbering, counts = WordNumbering(), np.zeros(0, np.int64)
        for batch in track(chunks(texts), "counting words", total=len(texts), amount=len):
            counted = np.bincount(numbering.number(tokenize(batch)), minlength=len(numbering.words))
            counted[: len(counts)] += counts
            counts = counted
        total = counts.sum()
        counts[[i for i, word in enumerate(numbering.words) if word in SPECIALS]] = 0
        chosen = np.argsort(-counts, kind="stable")[:max_size]
        chosen = chosen[counts[chosen] >= min_count]
        words = [*SPECIALS, *(numbering.words[i] for i in chosen.tolist())]
        return cls(words, np.concatenate(([0, total - counts[chosen].sum()], counts[chosen])))

    def numbers(self, tokens: Tokens) -> Ids:
        """(t,) the number of each token."""
        # What the index does not know is -1: one before the first word, which is UNKNOWN.
        return self._index.find(hash_pieces(tokens.codes, tokens.start, tokens.stop)) + np.int32(len(SPECIALS))

    def numericalise(self, texts: Sequence[str], tokenize: Tokenize, max_tokens: int | None = None) -> Windows:
        """Each text as one window of word numbers; a text without words is one ``UNKNOWN``.

        Args:
            texts, tokenize: what is split into words, and how, as when they were counted.
            max_tokens: words of a text to keep, the first ones; None: all.

        Raises:
            SettingError: ``max_tokens`` is less than 1.
        """
        if max_tokens is not None and max_tokens < 1:
            raise SettingError(f"max_tokens is {max_tokens}; give 1 or more, or None for all.")
        ids: list[Ids] = []
        is_cut = np.zeros(len(texts), np.bool_)
        for batch in track(chunks(texts), "numbering words", total=len(texts), amount=len):
            tokens = tokenize(batch)
            numbers, lengths = self.numbers(tokens), np.diff(tokens.indptr)
            if max_tokens is not None and lengths.max() > max_tokens:
                is_cut[len(ids) : len(ids) + len(batch)] = lengths > max_tokens
                place = np.arange(len(numbers)) - np.repeat(tokens.indptr[:-1], lengths)
                numbers, lengths = numbers[place < max_tokens], np.minimum(lengths, max_tokens)
            rows = np.split(numbers, np.cumsum(lengths)[:-1])
            ids += [row if len(row) else np.full(1, UNKNOWN, np.int32) for row in rows]
        return Windows(ids, np.arange(len(texts)), np.ones(len(texts), np.float32), is_cut)

    def save(self, path: str | Path) -> None:
        """Writes the vocabulary as JSON; the file appears when it is whole."""
        content = json.dumps({"words": self.words, "frequencies": self.frequencies.tolist()}, ensure_ascii=False)
        with whole_file(path, durable=False) as part:
            part.write_bytes(content.encode("utf-8", "surrogatepass"))

    @classmethod
    def read(cls, path: str | Path) -> Vocabulary:
        """Reads what ``save`` wrote.

        Raises:
            ArtifactError: the file is not there or is damaged.
        """
        path = Path(path)
        if not path.is_file():
            raise ArtifactError(f"There is no vocabulary {path}.")
        content = read_json(path, errors="surrogatepass")
        if wrong := _what_is_wrong(content):
            raise ArtifactError(f"{path} is damaged: {wrong}.")
        return cls(content["words"], content["frequencies"])


def _what_is_wrong(content: Any) -> str | None:
    """What a vocabulary file must not hold, as a clause; None if all is well."""
    if not isinstance(content, dict) or content.keys() != {"words", "frequencies"}:
        return "it does not hold words and frequencies, and nothing else"
    words, frequencies = content["words"], content["frequencies"]
    if not is_strings(words):
        return "its words are not a list of strings"
    if tuple(words[: len(SPECIALS)]) != SPECIALS:
        return f"its words do not begin with {' and '.join(map(quoted, SPECIALS))}"
    if len(set(words)) < len(words):
        return f"its words hold {listed(quoted(word) for word, n in Counter(words).items() if n > 1)} more than once"
    if not isinstance(frequencies, list) or not all(map(is_whole, frequencies)):
        return "its frequencies are not a list of whole numbers from 0"
    if len(frequencies) != len(words):
        return f"it holds {counted(len(words), 'word')} and {len(frequencies):,} frequencies"
    return None
