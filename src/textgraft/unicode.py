"""What of Unicode every room relies on: half characters, normal forms, and names that can be written and shown.

Half a character (a lone surrogate) stands in no UTF-8 and can be written nowhere. Broken JSON holds them, and Python
puts them in place of the bytes of a file name that is not UTF-8. What is read is made ``whole`` where it comes in; what
is said is ``shown`` where it goes out, and ``said`` in as many characters as people read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, Final, Literal

Form = Literal["nfc", "nfkc", "none"]
FORMS: Final[tuple[Form, ...]] = ("nfc", "nfkc", "none")

MOST_SAID = 3_000  # characters of a sentence
MOST_QUOTED = 120  # of a value in it
MOST_OF_A_PATH = 600  # which people copy and want whole

# Line ends and tabs stay: they lay out what is shown. What turns the direction of the text, or has no width, could hide
# some; joiners stay between letters that they join, which are neither ASCII nor any of these.
_HIDING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_LETTER = f"[^\x00-\x7f{_HIDING}\u200c\u200d]"
_ACTS = re.compile(f"[{_HIDING}]|(?<!{_LETTER})[\u200c\u200d]|[\u200c\u200d](?!{_LETTER})")
_BELONGS = re.compile("[\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")  # to the character before, as accents do
_NOT_IN_JSON = re.compile("[\x7f-\x9f\ud800-\udfff]")


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


def pieces_in_form(text: str, form: Form) -> list[tuple[str, str]]:
    """A text in small pieces, each with what it is in a normal form: joined, they are ``text`` and ``in_form`` of it.

    A character whose form depends on those before it, such as an accent, is in their piece.
    """
    whole_form = in_form([text], form)[0]
    if whole_form == text:
        return list(zip(text, text, strict=True))
    pieces: list[tuple[str, str]] = []
    for character in text:
        [alone] = in_form([character], form)
        if pieces:
            before, before_form = pieces[-1]
            [joined] = in_form([before + character], form)
            if unicodedata.combining(character) or joined != before_form + alone:
                pieces[-1] = before + character, joined
                continue
        pieces.append((character, alone))
    if "".join(piece for _, piece in pieces) != whole_form:  # a form that reaches further than one piece back
        return [(text, whole_form)]
    return pieces


def whole_value(value: Any) -> Any:
    """A cell with the half characters of its strings replaced, those in lists and objects too."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {whole_value(name): whole_value(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = map(whole_value, value)
        return list(items) if isinstance(value, list) else tuple(items)
    return value


def whole_values(values: Iterable[Any]) -> list[Any]:
    """The cells of a column, as ``whole_value`` has them; most are plain, and need no call."""
    return [value if type(value) is str and value.isascii() else whole_value(value) for value in values]


def shown(text: str) -> str:
    """The text for people: control characters, such as a terminal obeys, and half characters are escaped.

    A byte of a file name that is not UTF-8 is shown as that byte, ``\\xe9``.
    """
    return text if text.isprintable() else _ACTS.sub(_escape, text)


def shown_name(name: str) -> str:
    """The name of a file or folder for people, in one line."""
    return shown(name).replace("\n", "\\n").replace("\t", "\\t")


def shortened(text: str, most: int = MOST_QUOTED) -> str:
    """The text; of one with more than ``most`` characters the start and the end, and how many are left out between.

    An accent is not cut from its letter, as far as it has few of them.
    """
    if len(text) <= most:
        return text
    start, end = _whole_character(text, most * 2 // 3), _whole_character(text, len(text) - most // 4)
    return f"{text[:start]}… ({end - start:,} characters left out) …{text[end:]}"


def quoted(value: object, most: int = MOST_QUOTED) -> str:
    """A value as Python writes it, for a sentence; a long one is shortened."""
    return repr(shortened(value, most)) if isinstance(value, str) else shortened(repr(value), most)


def quoted_path(path: str | PathLike[str]) -> str:
    """A path or an address as Python writes it, for a sentence; whole unless it is very long."""
    return quoted(str(path), MOST_OF_A_PATH)


def said(sentence: str, most: int = MOST_SAID) -> str:
    """A sentence as people see it: shown, and shortened in its middle if it has more than ``most`` characters."""
    short = shown(shortened(sentence, most))
    return short if len(short) <= 2 * most else shown(shortened(sentence, most // 8))  # hardly more than escapes


def _whole_character(text: str, place: int) -> int:
    """The place, or the one a little before it where a character with its accents begins."""
    for i in range(place, max(0, place - 8), -1):
        if not (unicodedata.combining(text[i]) or _BELONGS.match(text[i]) or text[i - 1] == "\u200d"):
            return i
    return place


def escaped_in_json(content: str) -> str:
    """JSON in which half characters, and control characters that JSON allows, are escapes: any UTF-8 file takes it."""
    return content if content.isascii() else _NOT_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", content)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    code = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
