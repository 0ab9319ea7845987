"""From the name of an encoder to what turns texts into vectors: a network of transformers, or NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.embedded import EMBEDDED
from textgraft.encoders.encoder import Encoder, Pooling
from textgraft.encoders.sentence_encoder import SentenceEncoder
from textgraft.encoders.sources import check_version, named_encoder, resolve
from textgraft.encoders.tokenizing import Long
from textgraft.hardware import Precision
from textgraft.runtimes import Runtime


class TextEncoder(Protocol):
    """Texts in, one vector per text out; frozen.

    Attributes:
        from_cache: how many texts so far were not encoded but found on disk.
    """

    from_cache: int

    @property
    def width(self) -> int:
        """Components of a vector."""

    @property
    def chosen(self) -> dict[str, Any]:
        """What its defaults came to, for people."""

    @property
    def identity(self) -> dict[str, Any]:
        """What a model that was trained on its vectors keeps, so that no other is taken for it; plain data."""

    @property
    def outside_bytes(self) -> int:
        """The size of its weights."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, width) float32 vectors of n texts, in their order."""


class Reading(TypedDict):
    """How a network reads texts; see ``Encoder``."""

    pooling: Pooling
    long: Long
    precision: Precision


def has_network(name: object) -> bool:
    """Whether an encoder is a network of transformers, with layers to train, token states, and a graph to export."""
    return not isinstance(name, str) or name not in EMBEDDED or EMBEDDED[name].has_network


def open_encoder(name: str, max_tokens: int | None, **reading: Unpack[Reading]) -> TextEncoder:
    """Opens an encoder; what is said of reading is for those with a network alone.

    Raises:
        EncoderError: it is not there or is damaged.
        SettingError: an option has a value that cannot be used.
    """
    if not has_network(name):
        return SentenceEncoder(name)
    return Encoder(resolve(name), max_tokens=max_tokens, **reading)


def reopen_encoder(
    name: str, identity: dict[str, Any], folder: Path, runtime: Runtime | None, **reading: Unpack[Reading]
) -> TextEncoder:
    """Opens the encoder that a model was trained on.

    Args:
        name: of the encoder.
        identity: what the model kept of it.
        folder: of the model.
        runtime: computes its network by an export in that folder; None is its own weights.
        reading: how it reads.

    Raises:
        ArtifactError: the model says something else; or another version of the encoder is here.
        EncoderError: it is not there or is damaged.
    """
    if not has_network(name):
        encoder = SentenceEncoder(name)
        check_version(name, encoder.fingerprint, identity["fingerprint"], folder)
        return encoder
    files = named_encoder(name, identity, folder, at_hand=runtime is None)
    return Encoder(files, max_tokens=identity["max_tokens"], runtime=runtime, **reading)
