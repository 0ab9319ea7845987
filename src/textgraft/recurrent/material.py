"""What a recurrent network is trained on, whatever it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from textgraft.text.batches import Windows

if TYPE_CHECKING:
    from textgraft.encoders.token_states import ComputedStates

Table: TypeAlias = "NDArray[np.float32] | NDArray[np.float16] | ComputedStates"


@dataclass(frozen=True)
class Material:
    """Texts as rows of a table of vectors: of words, or of tokens in their place."""

    table: Table  # (rows, width)
    windows: Windows  # one per text, whose ids are rows of the table
    identity: dict[str, Any]  # what both depend on, besides the texts; a checkpoint must agree with it
    chosen: dict[str, Any]  # what was found out on the way, for people and for the model directory
    notes: tuple[str, ...]  # sentences that a user should see

    def split(self, first: int) -> tuple[Windows, Windows]:
        """The windows of the first texts, and those of the others."""
        return self._part(0, first), self._part(first, len(self.windows.cut))

    def _part(self, start: int, stop: int) -> Windows:
        ids, cut = self.windows.ids[start:stop], self.windows.cut[start:stop]
        return Windows(ids, np.arange(len(ids)), np.ones(len(ids), np.float32), cut)
