"""Texts as token ids, and batches of them of similar length, so that little is computed on padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIVISION: Final = 4  # rows and tokens: a sixth of the shapes of batches, for 2 % more tokens each


@dataclass(frozen=True)
class Windows:
    """The token ids of some texts, cut to pieces that a network can take.

    Attributes:
        ids: one int32 array of token ids, special tokens included, per window.
        text: (windows,) which text a window belongs to; windows of a text follow each other.
        weight: (windows,) float32, the share of its text's tokens that a window brings anew; sums to 1 per text.
        cut: (texts,) whether the end of a text is in no window.
    """

    ids: list[NDArray[np.int32]]
    text: NDArray[np.int64]
    weight: NDArray[np.float32]
    cut: NDArray[np.bool_]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(windows,) tokens per window."""
        return np.fromiter(map(len, self.ids), np.int64, len(self.ids))

    @property
    def starts(self) -> NDArray[np.int64]:
        """(texts + 1,) where the windows of each text start, and where the last ones end."""
        return np.searchsorted(self.text, np.arange(len(self.cut) + 1))

    def pooled(self, rows: NDArray[np.float32], *, maximum: bool = False) -> NDArray[np.float32]:
        """(texts, width) from (windows, width): weighted by the tokens that each window brings, or the maximum."""
        starts = self.starts[:-1]
        if maximum:
            return np.maximum.reduceat(rows, starts, axis=0)
        return np.asarray(np.add.reduceat(rows * self.weight[:, None], starts, axis=0))


def token_batches(
    lengths: NDArray[np.int64], tokens: int, rows: int = 512, call: int | None = None
) -> list[NDArray[np.intp]]:
    """Groups rows, longest first, so that each batch, padded, holds at most ``tokens`` tokens.

    Longest first because a machine that is too small for the data shows it at once, and time left is never
    underestimated.

    Args:
        lengths: (n,) tokens per row.
        tokens: the most tokens of a batch, padding included; a longer single row is a batch of its own.
        rows: the most rows of a batch.
        call: what a batch costs besides its tokens, in tokens: rows are padded to the longest of a batch only as far as
            that is cheaper than another batch, by fours. None makes as few batches as there can be.

    Returns:
        Index arrays that together hold each of 0 .. n-1 once.
    """
    order = np.argsort(-lengths, kind="stable")
    batches = []
    for start, end in pairwise((0, len(order)) if call is None else _divisions(lengths, tokens, call)):
        at = start
        while at < end:
            size = min(end - at, max(1, min(rows, tokens // max(int(lengths[order[at]]), 1))))
            if call is not None and DIVISION < size < end - at:
                size -= size % DIVISION  # fewer shapes
            batches.append(order[at : at + size])
            at += size
    return batches


def _divisions(lengths: NDArray[np.int64], tokens: int, call: int) -> list[int]:
    """Where rows, longest first, are divided so that padded tokens and calls cost least together; both ends as well.

    They are divided at multiples of a few rows only: a runtime prepares itself for each shape of a batch that is new to
    it, and keeps but so many.
    """
    longest = np.sort(lengths)[::-1]
    places = np.append(np.arange(0, len(lengths), max(DIVISION, len(lengths) >> 8)), len(lengths))
    cost, stop = np.zeros(len(places)), np.zeros(len(places), np.int64)
    for i in range(len(places) - 2, -1, -1):  # what is left from each place on
        padded = (places[i + 1 :] - places[i]) * longest[places[i]]
        costs = padded + call * np.maximum(1, -(-padded // tokens)) + cost[i + 1 :]
        best = int(costs.argmin())
        cost[i], stop[i] = costs[best], i + 1 + best
    at, found = 0, [0]
    while at < len(places) - 1:
        at = int(stop[at])
        found.append(int(places[at]))
    return found


def shuffled_batches(
    lengths: NDArray[np.int64], rows: int, rng: np.random.RandomState, pool: int = 64
) -> list[NDArray[np.intp]]:
    """Shuffled batches of ``rows`` rows each (the last may be smaller), of similar length within a batch.

    Rows are shuffled, sorted by length within pools of ``pool`` batches, and the batches shuffled again: every row
    is seen once an epoch, neighbours differ from epoch to epoch, and padding stays small.
    """
    order = rng.permutation(len(lengths))
    batches: list[NDArray[np.intp]] = []
    for start in range(0, len(order), rows * pool):
        chunk = order[start : start + rows * pool]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        batches.extend(chunk[i : i + rows] for i in range(0, len(chunk), rows))
    return [batches[i] for i in rng.permutation(len(batches))]


def pad(
    rows: Sequence[NDArray[np.int32]], fill: int, length: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """One batch of token ids.

    Args:
        rows: the ids of each.
        fill: the id of padding.
        length: to fill rows up to, where the longest one is shorter.

    Returns:
        (n, longest) int64 ids, and the (n, longest) 0/1 attention mask; None where no row needed padding, which lets
        attention run without a mask.
    """
    longest = max(length, *map(len, rows))
    if all(len(row) == longest for row in rows):
        return np.stack(rows).astype(np.int64), None
    ids = np.full((len(rows), longest), fill, np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask
