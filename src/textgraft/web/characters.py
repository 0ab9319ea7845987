"""What this Python's Unicode says of characters, so that a browser with another Unicode reads texts alike."""

from __future__ import annotations

import sys
from typing import Any, Final
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ExportError
from textgraft.text.tokens import character_tables
from textgraft.unicode import quoted

TOKENIZERS: Final = ("unicode", "treebank")  # that are written for browsers, too


def runs(values: NDArray[Any]) -> list[int]:
    """Values of code points as runs: where each starts and the value that it has, one after the other."""
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    return np.stack([starts, values[starts]], axis=1).ravel().astype(int).tolist()


def unassigned() -> list[int]:
    """The first and the last of each run of code points that are no characters; no normal form changes them."""
    flags = np.array([category(chr(code)) in ("Cn", "Cs") for code in range(sys.maxunicode + 1)])
    borders = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return [place - i % 2 for i, place in enumerate(borders.tolist())]


def word_tables(tokenizer: str) -> dict[str, Any]:
    """How a tokeniser of ``text.tokenizers`` cuts a text into words: the kinds and the lower case of characters.

    Raises:
        ExportError: it is not one of ``TOKENIZERS``.
    """
    if tokenizer not in TOKENIZERS:
        raise ExportError(
            f"A browser has no tokenizer {quoted(tokenizer)}, only {' and '.join(map(quoted, TOKENIZERS))}; train with "
            "one of these (--tokenizer, tokenizer=)."
        )
    lower, kinds = character_tables()
    cased = np.flatnonzero(lower != np.arange(len(lower)))
    return {"tokenizer": tokenizer, "kinds": runs(kinds), "upper": cased.tolist(), "lower": lower[cased].tolist()}
