"""The words of one text, to be looked at."""

from __future__ import annotations

import numpy as np

from textgraft.errors import SettingError
from textgraft.text import tokenizers
from textgraft.unicode import quoted


def tokenize(text: str, tokenizer: str = "treebank") -> list[str]:
    """The tokens of a text, as a recurrent network reads it: in lower case, without markup.

    Args:
        text: what is taken apart.
        tokenizer: ``"treebank"``, ``"unicode"``, ``"basic_english"``, or spaCy's for a language, ``"spacy:en"``.

    Raises:
        SettingError: ``text`` is no string, or no tokenizer has this name.
        MissingExtraError: spaCy is asked for and not installed.
    """
    if not isinstance(text, str):
        raise SettingError(f"tokenize takes one text apart; got {quoted(text)}. Call it for each of several texts.")
    tokens = tokenizers.tokenizer(tokenizer)([text])
    return tokens.strings(np.arange(len(tokens)))
