"""Word tokenisers by name: from texts to ``Tokens``, a batch at a time.

``unicode``: words of any language, see ``textgraft.text.tokens``. ``treebank``: the same, with English contractions and
punctuation taken apart as in the text that GloVe was trained on. ``basic_english``: torchtext's, which courses use.
``spacy:LANGUAGE``: spaCy's rules for a language, such as ``spacy:en`` (the extra ``spacy``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import MissingExtraError, SettingError, did_you_mean
from textgraft.text import tokens
from textgraft.text.tokens import Codes, Kinds, Tokens, classify, cut, join, lower_case, tokenize
from textgraft.unicode import quoted

Tokenize = Callable[[Sequence[str]], Tokens]

_ELLIPSIS, _DASH = 4, 5  # kinds of their own, so that a run is one token
_BREAK = np.frombuffer("<br />".encode("utf-32-le"), "<u4")
_BEYOND = 0x3001  # no white space from here on


def tokenizer(name: str) -> Tokenize:
    """The tokeniser of a name.

    Args:
        name: ``unicode``, ``treebank``, ``basic_english`` or ``spacy:LANGUAGE``.

    Raises:
        SettingError: no tokeniser has this name, or spaCy has none for this language.
        MissingExtraError: spaCy is asked for and not installed.
    """
    known = {"unicode": tokenize, "treebank": treebank, "basic_english": basic_english}
    if isinstance(name, str) and name in known:
        return known[name]
    if isinstance(name, str) and name.startswith("spacy:"):
        return _spacy(name.removeprefix("spacy:"))
    raise SettingError(
        f"There is no tokenizer {quoted(name)}. Choose 'unicode', 'treebank', 'basic_english', or spaCy's for a "
        f"language, such as 'spacy:en'.{did_you_mean(str(name), [*known, 'spacy:en'])}"
    )


def treebank(texts: Sequence[str]) -> Tokens:
    """Tokens as ``tokenize`` gives them, but taken apart further as in the Penn Treebank, and so in GloVe's corpora.

    The contractions 'm, 's, 'd, 'll, 're, 've and n't are tokens: ``do n't``, ``it 's``. A punctuation character is a
    token; only exactly three dots, or exactly two hyphens, in a row stay together.
    """
    codes, kind, offsets = classify(texts)
    contractions = _contractions(codes, kind)
    punctuation = kind == tokens.PUNCTUATION
    kind[punctuation] = tokens.SINGLE
    kind[punctuation & _run(codes == ord("."), 3)] = _ELLIPSIS
    kind[punctuation & _run(codes == ord("-"), 2)] = _DASH
    return cut(codes, kind, offsets, contractions)


def _contractions(codes: Codes, kind: Kinds) -> NDArray[np.int64]:
    """Places inside words where the second part of an English contraction begins."""
    is_word, is_apostrophe = kind == tokens.WORD, codes == tokens.APOSTROPHE
    at, is_letter = np.flatnonzero(is_word & is_apostrophe), is_word & ~is_apostrophe
    first, second = codes[at + 1], codes[at + 2]  # there are two: a letter and at least the line end after the text
    two = is_letter[at + 2]
    three = two & is_letter[np.minimum(at + 3, len(codes) - 1)]
    short = ~two & np.isin(first, [ord(letter) for letter in "sdm"])
    pairs = [(first == ord(a)) & (second == ord(b)) for a, b in ("ll", "re", "ve")]
    long = two & ~three & np.logical_or.reduce(pairs)
    # Where no letter stands before the n there is a line end; at -1 it is that of the last text.
    negation = ~two & (first == ord("t")) & (codes[at - 1] == ord("n")) & is_letter[at - 2]
    return np.concatenate((at[short | long], at[negation] - 1))


def _run(same: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """(c,) true in runs of exactly ``length`` true ones."""
    start, stop = np.flatnonzero(np.diff(same, prepend=False, append=False)).reshape(-1, 2).T
    inside = np.zeros(len(same), np.bool_)
    inside[(start[stop - start == length, None] + np.arange(length)).ravel()] = True
    return inside


def basic_english(texts: Sequence[str]) -> Tokens:
    """The tokens of torchtext's ``basic_english``: lower case, split at white space.

    ``' . , ( ) ! ?`` are tokens of their own, double quotes are removed, and ``; :`` and ``<br />`` are white space
    (``torchtext/data/utils.py``).
    """
    codes, offsets = join([text.lower() for text in texts])
    no_quote = codes != ord('"')
    if not no_quote.all():
        codes, offsets = codes[no_quote], np.append(0, np.cumsum(no_quote))[offsets]
    kind = _basic_kinds()[np.minimum(codes, _BEYOND)]
    opening = np.flatnonzero(codes == ord("<"))
    tags = opening[opening + len(_BREAK) <= len(codes), None] + np.arange(len(_BREAK))
    kind[tags[(codes[tags] == _BREAK).all(axis=1)]] = tokens.SPACE
    return cut(codes, kind, offsets)


@cache
def _basic_kinds() -> Kinds:
    """The kind of each code point; the last one stands for all beyond."""
    kinds = np.full(_BEYOND + 1, tokens.WORD, np.uint8)
    kinds[[code for code in range(_BEYOND) if chr(code).isspace() or chr(code) in ";:"]] = tokens.SPACE
    kinds[[ord(char) for char in "'.,()!?"]] = tokens.SINGLE
    return kinds


def _spacy(language: str) -> Tokenize:
    """The tokens of spaCy's blank pipeline for a language, lower-cased one character for one; no white space."""
    unknown = (
        f"spaCy has no language {quoted(language)}. Give a code such as 'spacy:en', or 'spacy:xx' for any language."
    )
    if not re.fullmatch("[a-z]{2,3}", language):
        raise SettingError(unknown)
    try:
        import spacy
        from spacy.attrs import IDX, IS_SPACE, LENGTH
    except ImportError:
        raise MissingExtraError("Tokenising with spaCy", "spacy") from None
    try:
        split = spacy.blank(language).tokenizer
    except ImportError as error:
        if "E048" in str(error):
            raise SettingError(unknown) from None
        raise SettingError(
            f"spaCy needs more packages for {quoted(language)}: {' '.join(str(error).split())}"
        ) from None

    def tokenize_with_spacy(texts: Sequence[str]) -> Tokens:
        codes, offsets = join(texts)
        # spaCy takes valid Unicode only; a question mark is as long as the half of a character that it stands for.
        valid = (text.encode("utf-8", "replace").decode("utf-8") for text in texts)
        tokens_of_texts = [split(text).to_array([IDX, LENGTH, IS_SPACE]).astype(np.int64) for text in valid]
        first, length, is_space = np.concatenate([np.zeros((0, 3), np.int64), *tokens_of_texts]).T
        first = first + np.repeat(offsets[:-1], list(map(len, tokens_of_texts)))
        start, stop = first[is_space == 0], (first + length)[is_space == 0]
        return Tokens(lower_case(codes), start, stop, np.searchsorted(start, offsets))

    return tokenize_with_spacy
