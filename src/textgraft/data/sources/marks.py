"""The encoding that the first bytes of a file tell: by a mark, or by the zero bytes of UTF-16 and UTF-32."""

from __future__ import annotations

import codecs
import unicodedata

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_CONTROLS = frozenset(range(1, 32)) - frozenset(b"\t\n\r")
_DIVIDERS = "\n\r\t ,;|"
_ODD = frozenset(("Cc", "Cn", "Co", "Cs"))  # of characters that texts do not have
_LOOK = 1 << 14


def marked(head: bytes) -> str | None:
    """The encoding that a byte-order mark names."""
    return next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)


def unmarked(head: bytes) -> str | None:
    """The encoding of text in UTF-16 or UTF-32 without a mark: the one in which it reads as lines of characters.

    A text of one-byte characters with stray null bytes is none: it has neither many of these nor other control
    characters, nor bytes that are not UTF-8.
    """
    look = head[:_LOOK]
    zeros = look.count(0)
    if not zeros or (4 * zeros < len(look) and _is_narrow(look)):
        return None
    best, most = None, 0
    for encoding in _WIDE:
        try:
            text = codecs.getincrementaldecoder(encoding)("strict").decode(look, final=len(head) <= _LOOK)
        except UnicodeDecodeError:
            continue
        odd = sum(character not in "\n\r\t" and unicodedata.category(character) in _ODD for character in text)
        dividers = sum(map(text.count, _DIVIDERS))
        if 50 * odd <= len(text) and dividers > most:
            best, most = encoding, dividers
    return best


def as_text(head: bytes) -> str:
    """The first characters of a file, as far as they can be told without reading the rest."""
    encoding = marked(head) or unmarked(head) or "utf-8"
    return head.decode(encoding, "replace")


def _is_narrow(look: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters, null bytes aside."""
    if not _CONTROLS.isdisjoint(look):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(look)
    except UnicodeDecodeError:
        return False
    return True
