"""Training on the words of the data only: an embedding table without the rows that no text uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textgraft.text.batches import Windows


class TrimmedVocabulary:
    """Takes the rows of unused tokens out of a network's embedding table for the time of training.

    A table of 30,000 rows is half of a small encoder's weights, and AdamW passes over all of it in every step. A row
    without gradients only ever shrinks by weight decay, so it can be left out and shrunk once at the end.

    Args:
        network: a network of ``transformers``; its embedding table is replaced.
        rows: all token ids that will be seen in training and validation.
        pad_id: stays the same number, since some encoders count positions by it. Where the table gets smaller than
            that (ModernBERT's is 50,283 of 50,368), its row stands last, and looking up stops there.
    """

    used: NDArray[np.intp]
    place: NDArray[np.int32]

    def __init__(self, network: Any, rows: Sequence[NDArray[np.int32]], pad_id: int) -> None:
        self.network = network
        self.full: nn.Embedding = network.get_input_embeddings()
        seen = np.zeros(self.full.num_embeddings, bool)
        for ids in rows:
            seen[ids] = True
        if self.full.padding_idx is not None:
            seen[self.full.padding_idx] = True
        seen[pad_id] = False
        others = np.flatnonzero(seen)
        self.used = np.insert(others, min(pad_id, len(others)), pad_id)
        self.place = np.zeros(len(seen), np.int32)
        self.place[self.used] = np.arange(len(self.used), dtype=np.int32)
        padding = None if self.full.padding_idx is None else int(self.place[self.full.padding_idx])
        with torch.no_grad():
            weights = self.full.weight[torch.from_numpy(self.used)]
        kind = nn.Embedding if pad_id < len(self.used) else _PaddedLast
        frozen = not self.full.weight.requires_grad
        table: nn.Embedding = kind.from_pretrained(weights, frozen, padding)  # type: ignore[no-untyped-call]
        self.place[pad_id] = pad_id
        network.set_input_embeddings(table)

    def trimmed(self, windows: Windows) -> Windows:
        """The same windows in the numbers of the trimmed table."""
        return replace(windows, ids=[self.place[ids] for ids in windows.ids])

    def restore(self, decay: float) -> None:
        """Puts the full table back: trained rows where they belong, the others times ``decay``.

        Args:
            decay: the product of 1 - learning rate * weight decay over all steps.
        """
        trained: Tensor = self.network.get_input_embeddings().weight
        with torch.no_grad():
            if trained.requires_grad:
                self.full.weight.mul_(decay)
            self.full.weight[torch.from_numpy(self.used).to(trained.device)] = trained.to(self.full.weight)
        self.network.set_input_embeddings(self.full)


class _PaddedLast(nn.Embedding):
    """A table whose last row is the padding token's, by whatever higher number that is known."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., width) rows of ``input``."""
        return super().forward(input.clamp(max=self.num_embeddings - 1))
