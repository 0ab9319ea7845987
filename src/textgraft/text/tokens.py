"""Splitting a batch of texts into tokens, all at once, as arrays of code points.

A token is a run of letters, marks and digits (an apostrophe inside counts); or one character of a script that is
written without spaces (Han, Kana), or one emoji or other symbol; or a run of punctuation, so that ``:)`` and ``!!!``
stay whole. White space, control characters and markup such as ``<br />`` stand between tokens. Letters are
lower-cased.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
Kinds = NDArray[np.uint8]

MOST_CHARACTERS: Final = 1 << 19  # of texts that are taken apart at a time
SPACE, WORD, SINGLE, PUNCTUATION = 0, 1, 2, 3
APOSTROPHE = 0x27
PLANES = 0x20000  # Beyond these two planes there are ideographs, and nothing has a lower case.
_RIGHT_QUOTE = 0x2019
_LONGEST_TAG = 200
_KANA_AND_HAN = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))


@dataclass(frozen=True)
class Tokens:
    """The tokens of a batch of n texts, in order.

    Attributes:
        codes: (c,) lower-cased code points of all texts, one after the other.
        start, stop: (t,) where each token starts and ends in ``codes``.
        indptr: (n + 1,) the tokens of text i are ``indptr[i]`` to ``indptr[i + 1]``.
    """

    codes: Codes
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    indptr: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def strings(self, at: NDArray[np.int64]) -> list[str]:
        """The tokens at the given places as strings."""
        return strings(self.codes, self.start[at], self.stop[at])


def strings(codes: Codes, start: NDArray[np.int64], stop: NDArray[np.int64]) -> list[str]:
    """The pieces ``codes[start:stop]`` as strings."""
    text = codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    return [text[i:j] for i, j in zip(start.tolist(), stop.tolist(), strict=True)]


def chunks(texts: Sequence[str], size: int = MOST_CHARACTERS) -> Iterator[Sequence[str]]:
    """Consecutive parts of ``texts`` of about ``size`` characters; a longer text is a part of its own."""
    first = total = 0
    for i, text in enumerate(texts):
        total += len(text) + 1
        if total > size and i > first:
            yield texts[first:i]
            first, total = i, len(text) + 1
    if first < len(texts):
        yield texts[first:]


def tokenize(texts: Sequence[str]) -> Tokens:
    """The tokens of n texts."""
    return cut(*classify(texts))


def join(texts: Sequence[str]) -> tuple[Codes, NDArray[np.int64]]:
    """The code points of n texts, a line end after each, and (n + 1,) where each text starts and the last one ends."""
    joined = "\n".join([*texts, ""])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32, copy=False)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return codes, np.append(0, np.cumsum(lengths + 1))


def lower_case(codes: Codes) -> Codes:
    """The code points in lower case, one for one."""
    plane = np.minimum(codes, PLANES - 1)
    return np.where(codes == plane, character_tables()[0][plane], codes)


def classify(texts: Sequence[str]) -> tuple[Codes, Kinds, NDArray[np.int64]]:
    """The lower-cased code points of n texts, the kind of each by the rules above, and where the texts start."""
    codes, offsets = join(texts)
    kind = character_tables()[1][np.minimum(codes, PLANES - 1)]
    codes = lower_case(codes)
    _drop_markup(codes, kind, offsets)
    codes[codes == _RIGHT_QUOTE] = APOSTROPHE
    at = np.flatnonzero(codes[1:-1] == APOSTROPHE) + 1
    kind[at[(kind[at - 1] == WORD) & (kind[at + 1] == WORD)]] = WORD
    return codes, kind, offsets


def cut(codes: Codes, kind: Kinds, offsets: NDArray[np.int64], also: NDArray[np.int64] | None = None) -> Tokens:
    """The tokens of n texts, by the kinds of their code points.

    Args:
        codes: (c,) the code points, as ``join`` gives them.
        kind: (c,) ``SPACE`` stands between tokens, ``SINGLE`` is a token, a run of any other number is one.
        offsets: (n + 1,) where the texts start.
        also: more places where a token begins.
    """
    begins = np.ones(len(codes), np.bool_)
    begins[1:] = (kind[1:] != kind[:-1]) | (kind[1:] == SINGLE)
    if also is not None:
        begins[also] = True
    border = np.append(np.flatnonzero(begins), len(codes))
    is_token = kind[border[:-1]] != SPACE
    start, stop = border[:-1][is_token], border[1:][is_token]
    return Tokens(codes, start, stop, np.searchsorted(start, offsets))


@cache
def character_tables() -> tuple[Codes, Kinds]:
    """Lower case and kind of the code points of the first two planes; the last one stands for all beyond.

    Both are Unicode's as this Python has it.
    """
    lower = np.arange(PLANES, dtype=np.uint32)
    kind_of = {"L": WORD, "M": WORD, "N": WORD, "P": PUNCTUATION, "S": PUNCTUATION, "Z": SPACE, "C": SPACE}
    categories = [category(chr(code)) for code in range(PLANES)]
    kind = np.array([SINGLE if name == "So" else kind_of[name[0]] for name in categories], np.uint8)
    cased = [code for code, name in enumerate(categories) if name in ("Lu", "Lt", "Nl", "So")]
    lower[cased] = [ord(chr(code).lower()[0]) for code in cased]
    for first, last in _KANA_AND_HAN:
        kind[first : last + 1] = SINGLE
    kind[0x1F3FB:0x1F400] = SINGLE  # skin tones
    kind[0xFE00:0xFE10] = SPACE  # variation selectors only choose between two looks of a character
    kind[ord("_")] = WORD
    kind[PLANES - 1] = SINGLE
    return lower, kind


def _drop_markup(codes: Codes, kind: Kinds, offsets: NDArray[np.int64]) -> None:
    """Makes tags white space, in place: ``<`` and a letter, ``/`` or ``!`` up to the next ``>``, within one text."""
    opening = np.flatnonzero(codes == ord("<"))
    if not len(opening):
        return
    closing = np.flatnonzero(codes == ord(">"))
    ends = np.append(closing, len(codes))[np.searchsorted(closing, opening)]
    following = np.append(opening[1:], len(codes))
    text_end = offsets[np.searchsorted(offsets, opening, side="right")]
    first = codes[opening + 1]  # there is one: every text is followed by a line end
    named = ((first >= ord("a")) & (first <= ord("z"))) | (first == ord("/")) | (first == ord("!"))
    tag = named & (ends < text_end) & (ends < following) & (ends - opening < _LONGEST_TAG)
    depth = np.zeros(len(codes) + 1, np.int8)
    depth[opening[tag]] = 1
    depth[ends[tag] + 1] -= 1
    kind[np.cumsum(depth[:-1], dtype=np.int8).astype(np.bool_)] = SPACE
