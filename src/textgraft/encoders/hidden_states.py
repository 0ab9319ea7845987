"""The states of the last layer for each token of some texts, to be looked at and computed with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textgraft.cache import readable
from textgraft.errors import SettingError
from textgraft.hardware import free_memory
from textgraft.progress import track
from textgraft.runtimes.running import BATCH_TOKENS
from textgraft.text.batches import Windows, pad, token_batches
from textgraft.wording import counted

if TYPE_CHECKING:
    from textgraft.encoders.tokenizing import TextTokenizer

Floats = NDArray[np.float32]
Compute = Callable[[NDArray[np.int64], NDArray[np.int64] | None], Floats]


@dataclass(frozen=True, eq=False)
class HiddenStates:
    """A vector for each token of n texts, in the context of its text.

    Attributes:
        values: (n, t, width) float32 states of the last layer, zeros at padding; t is the longest text's tokens.
        mask: (n, t) int64 1 at a token, 0 at padding.
        tokens: of each text, special ones included and padding not.
        cut: (n,) whether a text goes on behind its last token here.
    """

    values: Floats
    mask: NDArray[np.int64]
    tokens: list[list[str]]
    cut: NDArray[np.bool_]

    def __len__(self) -> int:
        """How many texts."""
        return len(self.values)

    @property
    def padding(self) -> float:
        """The share of all places that is padding."""
        return 1 - float(self.mask.mean()) if self.mask.size else 0.0

    def mean(self) -> Floats:
        """(n, width) the mean over each text's tokens; padding does not count."""
        sums = self.values.sum(axis=1, dtype=np.float32)
        return np.asarray(sums / np.maximum(self.mask.sum(axis=1), 1)[:, None], np.float32)

    def first(self) -> Floats:
        """(n, width) the state of each text's first token, which is ``[CLS]`` in BERT and its kin."""
        return self.values[:, 0]

    def __str__(self) -> str:
        n, longest, width = self.values.shape
        lines = [
            f"States of {counted(n, 'text')}, the longest of {counted(longest, 'token')}, in {width} components",
            f"values   {self.values.shape!s:<16} float32",
            f"mask     {self.mask.shape!s:<16} int64",
            f"{self.padding:.1%} of {self.mask.size:,} places are padding"
            + (f"; {counted(int(self.cut.sum()), 'text')} cut off" if self.cut.any() else ""),
        ]
        return "\n".join(lines)

    __repr__ = __str__


def hidden_states(compute: Compute, windows: Windows, tokenizer: TextTokenizer, width: int) -> HiddenStates:
    """The states of texts that have one window each; see ``Encoder.states``.

    Args:
        compute: (b, l, width) float32 states of (b, l) ids and their mask.
        windows: of the texts.
        tokenizer: whose ids these are.
        width: components of a state.

    Raises:
        SettingError: memory does not suffice for so many texts.
    """
    lengths = windows.lengths
    shape = (len(lengths), int(lengths.max(initial=0)), width)
    size = 4 * shape[0] * shape[1] * shape[2]
    if size > free_memory() // 2:
        raise SettingError(
            f"The token states of {counted(len(lengths), 'text')} take {readable(size)}, more than half of the memory "
            "that is free. Ask for fewer texts at a time, or for one vector of each: encode(texts)."
        )
    values = np.zeros(shape, np.float32)
    batches = token_batches(lengths, BATCH_TOKENS)
    for batch in track(batches, "encoding", float(lengths.sum()), lambda batch: float(lengths[batch].sum())):
        states = compute(*pad([windows.ids[i] for i in batch], tokenizer.pad_id))
        for i, of_text in zip(batch.tolist(), states, strict=True):
            values[i, : lengths[i]] = of_text[: lengths[i]]
    mask = (np.arange(shape[1]) < lengths[:, None]).astype(np.int64)
    return HiddenStates(values, mask, [tokenizer.names(row) for row in windows.ids], windows.cut)
