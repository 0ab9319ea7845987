"""Folding: two texts that differ only in case, white space, links or user names become one string."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

URL = re.compile(r"https?://\S*|www\.\S+|\bhttps?\.\.\.")
USER = re.compile(r"(?<!\w)@\w+")
RETWEET = re.compile(r"(?:rt\b\s*(?:@\w+)?\s*:?\s*)+")

TEXTS_AT_A_TIME = 1_000
HEAD = 16  # bytes by which texts are put in order first; those that share them are compared whole


def fold(text: str) -> str:
    """The text without what people change when they repeat it.

    Unicode compatibility forms are unified (NFKC), case is folded, links, user names (``@name``) and a leading ``RT``
    marker are taken out, and white space becomes single spaces. A text of nothing but links and names keeps them,
    since otherwise all such texts would become one.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = " ".join(plain.casefold().split())
    folded = plain
    # The tests are far cheaper than the substitutions, and most texts of most tables have none of these.
    if folded.startswith("rt") and (match := RETWEET.match(folded)):
        folded = folded[match.end() :]
    if "http" in folded or "www." in folded:
        folded = URL.sub(" ", folded)
    if "@" in folded:
        folded = USER.sub(" ", folded)
    return plain if folded is plain else " ".join(folded.split()) or plain


class FoldedTexts(Sequence[str]):
    """The texts at some places after ``fold``; folded whenever they are asked for, not kept in memory.

    Args:
        texts: n texts.
        places: (m,) which of them, in the order wished.
    """

    def __init__(self, texts: Sequence[str], places: NDArray[np.int64]) -> None:
        self._texts, self._places = texts, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> FoldedTexts: ...
    def __getitem__(self, at: int | slice) -> str | FoldedTexts:
        if isinstance(at, slice):
            return FoldedTexts(self._texts, self._places[at])
        return fold(self._texts[self._places[at]])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), TEXTS_AT_A_TIME):
            for place in self._places[start : start + TEXTS_AT_A_TIME].tolist():
                yield fold(self._texts[place])

    def select(self, indices: NDArray[np.int64]) -> FoldedTexts:
        """Those at ``indices`` of these."""
        return FoldedTexts(self._texts, self._places[indices])

    def ordered(self) -> tuple[FoldedTexts, NDArray[np.int64]]:
        """The distinct ones by code point, and (m,) which of them each text is."""
        heads = np.fromiter(map(_head, self), f"S{HEAD}", len(self))
        order = np.argsort(heads, kind="stable")
        heads = heads[order]
        is_new = np.ones(len(self), np.bool_)
        is_new[1:] = heads[1:] != heads[:-1]
        starts = np.append(np.flatnonzero(is_new), len(self))
        runs = np.flatnonzero(np.diff(starts) > 1)
        for start, end in zip(starts[runs].tolist(), starts[runs + 1].tolist(), strict=True):
            run = sorted(zip(self.select(order[start:end]), order[start:end].tolist(), strict=True))
            order[start:end] = [place for _, place in run]
            is_new[start + 1 : end] = [a != b for (a, _), (b, _) in pairwise(run)]
        number = np.empty(len(self), np.int64)
        number[order] = np.cumsum(is_new) - 1
        return self.select(order[is_new]), number


def _head(text: str) -> bytes:
    """The start of a text in UTF-8, whose bytes are in the order of code points."""
    return text[:HEAD].encode("utf-8", "surrogatepass")[:HEAD]
