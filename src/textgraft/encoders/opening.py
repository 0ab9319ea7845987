"""From the name of an encoder to what turns texts into vectors: a network of transformers, or NumPy alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from textgraft.encoders.choosing import AUTO
from textgraft.encoders.embedded import EMBEDDED
from textgraft.encoders.encoder import Encoder, Pooling
from textgraft.encoders.hidden_states import HiddenStates
from textgraft.encoders.sentence_encoder import SentenceEncoder
from textgraft.encoders.sources import check_version, named_encoder, resolve
from textgraft.encoders.tokenized import TokenizedText
from textgraft.encoders.tokenizing import Long
from textgraft.errors import SettingError
from textgraft.hardware import Precision
from textgraft.runtimes import Runtime
from textgraft.unicode import quoted


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

    def tokenize(
        self, text: str, *, max_tokens: int | None = None, long: Long | None = None, pad: bool = False
    ) -> TokenizedText:
        """What it sees of a text; raises EncoderError where it is no network of transformers."""

    def states(self, texts: Iterable[str]) -> HiddenStates:
        """The states of the tokens of n texts; raises EncoderError where it is no network of transformers."""


class Reading(TypedDict):
    """How a network reads texts; see ``Encoder``."""

    pooling: Pooling
    long: Long
    precision: Precision


def has_network(name: object) -> bool:
    """Whether an encoder is a network of transformers, with layers to train, token states, and a graph to export."""
    return not isinstance(name, str) or name not in EMBEDDED or EMBEDDED[name].has_network


def open_encoder(
    name: str | Path,
    max_tokens: int | None = None,
    *,
    pooling: Pooling = "mean",
    long: Long = "window",
    precision: Precision = "auto",
    cache: bool = True,
) -> TextEncoder:
    """Opens a pretrained encoder, frozen: vectors of texts, their tokens, and the states of these.

    Args:
        name: an embedded encoder (``"all-MiniLM-L6-v2"``), a folder (BERT and its kin, the encoder half of T5, a
            fine-tuned model), or ``owner/model`` on the Hugging Face Hub.
        max_tokens, pooling, long, precision, cache: how a network of transformers reads, see ``Encoder``.

    Raises:
        EncoderError: it is not there or is damaged.
        SettingError: an option has a value that cannot be used; or the name is ``"auto"``, which goes by texts.
        MissingExtraError: torch or transformers is not installed.
    """
    name = str(name)
    if name == AUTO:
        raise SettingError(
            f"{quoted(AUTO)} chooses an encoder by the language of the texts, and here are none; name one: "
            f"{', '.join(map(quoted, EMBEDDED))}, a folder, or a model of the Hugging Face Hub."
        )
    if has_network(name):
        return Encoder(
            resolve(name), max_tokens=max_tokens, pooling=pooling, long=long, precision=precision, cache=cache
        )
    if (max_tokens, pooling, long, precision) != (None, "mean", "window", "auto"):
        raise SettingError(f"The encoder {quoted(name)} has one way to read texts; leave the options out.")
    return SentenceEncoder(name, cache=cache)


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
