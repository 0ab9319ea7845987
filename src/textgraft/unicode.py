"""What of Unicode every room relies on: half characters, normal forms, and names that can be written and shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

Form = Literal["nfc", "nfkc", "none"]
FORMS: Final[tuple[Form, ...]] = ("nfc", "nfkc", "none")


def whole(text: str) -> str:
    """The text with half characters (lone surrogates, which broken JSON can hold) replaced by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def spellings(word: str) -> tuple[str, ...]:
    """A word as it is and in the forms in which others may have written the same letters: composed and decomposed."""
    if word.isascii():
        return (word,)
    return (word, unicodedata.normalize("NFC", word), unicodedata.normalize("NFD", word))


def in_form(texts: Sequence[str], form: Form) -> list[str]:
    """n texts in a normal form of Unicode (Annex 15), so that one text has one spelling.

    Args:
        texts: without half characters.
        form: ``"nfc"`` writes a letter and its accent as one character where there is one, and changes nothing else;
            ``"nfkc"`` also makes one of what only looks different: full-width letters, the ligatures of PDF, digits
            in circles, an ellipsis and three points. ``"none"`` leaves texts as they are.
    """
    if form == "none":
        return list(texts)
    name: Literal["NFC", "NFKC"] = "NFC" if form == "nfc" else "NFKC"
    # ``normalize`` gives a text back at once that is in its form already.
    return [text if text.isascii() else unicodedata.normalize(name, text) for text in texts]
