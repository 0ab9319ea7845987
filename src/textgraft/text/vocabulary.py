"""The words that a network knows, by number, and texts as such numbers.

vocabulary = Vocabulary.count(texts, "basic_english", max_size=10_000)
vocabulary.ids(["a", "film", "unheard-of"])  # array([4, 17, 1], dtype=int32)
vocabulary.tokens([4, 17, 1])  # ["a", "film", "<unk>"]
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
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
from textgraft.text.tokenizers import Tokenize, tokenizer
from textgraft.text.tokens import Tokens, chunks
from textgraft.unicode import quoted
from textgraft.whole import whole_file
from textgraft.wording import counted

Ids = NDArray[np.int32]

SPECIALS: Final = ("<pad>", "<unk>")
PAD: Final = 0
UNKNOWN: Final = 1


class Vocabulary:
    """Words and their numbers, which are their places: 0 is padding, 1 all words that are not known.

    The specials are no words of texts: whatever a text says, none of its tokens is padding.

    Args:
        words: v distinct words; the first two are ``"<pad>"`` and ``"<unk>"``.
        frequencies: (v,) how often each stood in the texts that were counted; at ``unknown_id`` all other words
            together.

    Attributes:
        pad_id: the number of padding, 0.
        unknown_id: that of all words that are not known, 1.
    """

    pad_id: Final = PAD
    unknown_id: Final = UNKNOWN

    def __init__(self, words: Sequence[str], frequencies: Sequence[int] | NDArray[np.int64]) -> None:
        self.words = list(words)
        self.frequencies = np.asarray(frequencies, np.int64)
        self._index = HashIndex(hash_strings(self.words[len(SPECIALS) :]))

    def __len__(self) -> int:
        """How many words there are, both specials counted."""
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Whether a word has a number of its own."""
        return isinstance(word, str) and (word in SPECIALS or self._found([word])[0] != UNKNOWN)

    def __repr__(self) -> str:
        return f"Vocabulary({counted(len(self), 'word')}: {listed(map(quoted, self.words), 6)})"

    @classmethod
    def count(
        cls,
        texts: Sequence[str],
        tokenize: Tokenize | str = "treebank",
        *,
        max_size: int | None = None,
        min_count: int = 1,
    ) -> Vocabulary:
        """The most frequent words of the texts first; of equally frequent ones the one that occurs first.

        Args:
            texts: what is split into words.
            tokenize: how: a name (see ``text.tokenizers.tokenizer``), or what that gives.
            max_size: words to keep, specials not counted; None: all.
            min_count: how often a word must occur.

        Raises:
            SettingError: ``max_size`` is negative or ``min_count`` is less than 1; no tokenizer has this name; or
                ``texts`` is one string.
            MissingExtraError: spaCy is asked for and not installed.
        """
        if isinstance(texts, str):
            raise SettingError("texts is one string; put it in brackets: [text].")
        if isinstance(tokenize, str):
            tokenize = tokenizer(tokenize)
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

    def ids(self, tokens: Iterable[str]) -> Ids:
        """(t,) int32 the number of each token; ``unknown_id`` of those that are not known.

        Args:
            tokens: t tokens as the tokenizer gives them, in lower case that is; the specials are themselves.

        Raises:
            SettingError: ``tokens`` is one string.
        """
        if isinstance(tokens, str):
            raise SettingError(f"tokens is one string; give a list of tokens, such as tokenize({quoted(tokens, 20)}).")
        given = list(tokens)
        numbers = self._found(given)
        numbers[[i for i, token in enumerate(given) if token == SPECIALS[PAD]]] = PAD
        return numbers

    def tokens(self, ids: Iterable[int] | NDArray[Any]) -> list[str]:
        """The t tokens of t numbers: what ``ids`` was given, with ``"<unk>"`` for what is not known.

        Raises:
            SettingError: a number is no whole one from 0 to the size of the vocabulary, or they are not in one row.
        """
        numbers = np.asarray(ids if hasattr(ids, "__array__") else list(ids))
        numbers = numbers if numbers.size else numbers.astype(np.int64)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise SettingError(
                f"ids are whole numbers in one row; got shape {numbers.shape} of {numbers.dtype}. Give one text's."
            )
        beyond = numbers[(numbers < 0) | (numbers >= len(self))]
        if len(beyond):
            raise SettingError(f"The vocabulary numbers its words from 0 to {len(self) - 1:,}; got {beyond[0]}.")
        return [self.words[i] for i in numbers.tolist()]

    def most_common(self, n: int = 10) -> list[tuple[str, int]]:
        """The n most frequent words, without the specials, with how often each was counted."""
        order = len(SPECIALS) + np.argsort(-self.frequencies[len(SPECIALS) :], kind="stable")[: max(n, 0)]
        return [(self.words[i], int(self.frequencies[i])) for i in order.tolist()]

    def _found(self, tokens: list[str]) -> Ids:
        """(t,) the number of each token; the specials are as unknown as in a text."""
        return self._index.find(hash_strings(tokens)) + np.int32(len(SPECIALS))

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
