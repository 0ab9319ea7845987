"""Which texts a network sees in which step: the samplers of training and of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.text.batches import Windows, shuffled_batches, token_batches

Rows = NDArray[np.intp]
Order = Literal["training", "evaluation", "rows"]
ORDERS: Final[tuple[Order, ...]] = ("training", "evaluation", "rows")
MOST_WINDOWS: Final = 16  # of a text in one epoch; of longer ones another draw is read in each epoch
EVALUATED: Final = 1 << 13  # places of a batch that is evaluated


class Sampler:
    """Texts in batches.

    Args:
        windows: the token ids of n texts.
        seed: of the random order.

    Attributes:
        tokens: (n,) tokens of each text, in all of its windows.
        longest: (n,) tokens of its longest window.
    """

    def __init__(self, windows: Windows, seed: int) -> None:
        self.seed = seed % 2**32  # what NumPy takes
        self.starts = windows.starts
        lengths = windows.lengths
        self.tokens = np.add.reduceat(lengths, self.starts[:-1])
        self.longest = np.maximum.reduceat(lengths, self.starts[:-1])

    def epoch(self, number: int, batch_size: int) -> list[Rows]:
        """Each text once, in batches of similar length that are shuffled anew for each epoch, counted from 0."""
        order = np.random.RandomState((self.seed * 1009 + number) % 2**32)
        return shuffled_batches(self.tokens, batch_size, order)

    def evaluation(self) -> list[Rows]:
        """Each text once, the longest first, as many at a time as fill 8,192 places; nothing is random."""
        return token_batches(self.longest * np.diff(self.starts), EVALUATED)

    def in_rows(self, batch_size: int) -> list[Rows]:
        """Each text once, in the order of the data."""
        return np.split(np.arange(len(self.tokens)), range(batch_size, len(self.tokens), batch_size))

    def windows_of(self, rows: Sequence[np.intp] | Rows, number: int) -> NDArray[np.intp]:
        """The windows of some texts that an epoch reads, text by text: all, but of very long texts 16."""
        return np.concatenate([self._drawn(row, number) for row in rows])

    def all_windows_of(self, rows: Sequence[np.intp] | Rows) -> NDArray[np.intp]:
        """All windows of some texts, text by text."""
        return np.concatenate([np.arange(self.starts[row], self.starts[row + 1]) for row in rows])

    def _drawn(self, row: np.intp, number: int) -> NDArray[np.intp]:
        start, end = self.starts[row], self.starts[row + 1]
        if end - start <= MOST_WINDOWS:
            return np.arange(start, end)
        # By epoch and row alone, so that a resumed training reads the same ones.
        draw = np.random.RandomState(np.array([self.seed, number, row]))
        return np.sort(start + draw.permutation(end - start)[:MOST_WINDOWS])
