"""Texts as the ids that an encoder takes, with all that is to be known of them but the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.encoder import check_max_tokens
from textgraft.encoders.sources import EncoderFiles
from textgraft.encoders.tokenizing import Long, TextTokenizer
from textgraft.text.batches import Windows


@dataclass(frozen=True)
class TextReader:
    """A tokenizer and how it is used."""

    tokenizer: TextTokenizer
    max_tokens: int  # the length of a window
    long: Long

    @classmethod
    def of(cls, files: EncoderFiles, max_tokens: int | None, long: Long) -> TextReader:
        """That of an encoder, whose weights are not read.

        Raises:
            SettingError: ``max_tokens`` is none of its lengths.
        """
        return cls(TextTokenizer(files), check_max_tokens(files, max_tokens), long)

    @property
    def pad_id(self) -> int:
        """What fills up the shorter rows of a batch."""
        return self.tokenizer.pad_id

    def windows(self, texts: Sequence[str]) -> Windows:
        """The token ids of texts."""
        return self.tokenizer.windows(texts, self.max_tokens, self.long)

    def names(self, ids: NDArray[np.integer]) -> list[str]:
        """The tokens of ids."""
        return self.tokenizer.names(ids)
