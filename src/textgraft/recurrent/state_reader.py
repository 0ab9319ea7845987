"""Texts as a recurrent network reads them through a frozen transformer: the states of their tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.encoders.encoder import load_encoder
from textgraft.encoders.sources import EncoderFiles, named_encoder
from textgraft.encoders.token_states import StateEncoder, TokenStates, token_states
from textgraft.errors import ArtifactError
from textgraft.hardware import Precision
from textgraft.json_files import read_object
from textgraft.recurrent.material import Material, Table
from textgraft.recurrent.numpy_network import Plain
from textgraft.runtimes import Batch, Runtime, padded_batches
from textgraft.tensors import Tensors
from textgraft.text.batches import Windows
from textgraft.training import processes

if TYPE_CHECKING:
    from textgraft.runtimes.conversion import Graph

Floats = NDArray[np.float32]
CHUNK = 512  # texts whose token states are held in memory at once


class StateReader:
    """Texts as the token states of an encoder, which a runtime may compute; the recurrent network stays NumPy's.

    See ``StateEncoder`` for the arguments.
    """

    encoder: StateEncoder
    max_tokens: int

    def __init__(
        self, files: EncoderFiles, max_tokens: int | None, precision: Precision, runtime: Runtime | None = None
    ) -> None:
        self.encoder = StateEncoder(files, max_tokens, precision, runtime)
        self.max_tokens = self.encoder.max_tokens
        self.precision = precision  # that was asked for

    @property
    def outside_bytes(self) -> int:
        """The size of the encoder's files."""
        return sum(path.stat().st_size for path in self.encoder.files.weights())

    def windows(self, texts: Sequence[str]) -> Windows:
        """The token ids of texts, as the encoder takes them."""
        return self.encoder.windows(texts)

    def stored(self, texts: Sequence[str]) -> Material:
        """The states of texts, on disk; what they take there is said before they are computed."""

        def states_of() -> TokenStates:
            return token_states(texts, self.encoder.files, self.max_tokens, self.precision, announce=progress.say)

        # The others wait, and find the states on disk, if they could be kept there: a memory map cannot be sent.
        of_first: list[TokenStates] = []

        def first() -> bool:
            of_first.append(states_of())
            return of_first[0].found

        reused = processes.first_does(first)
        states = of_first[0] if of_first else states_of()
        fast = "The token states were on disk already; without them training takes longer than it did."
        note = fast if reused else states.note
        return Material(states.table, states.windows, {"encoder": self.encoder.files.fingerprint}, {}, (note,))

    def logits(self, network: Plain, texts: list[str]) -> Floats:
        """(n, k) logits."""
        chunks = (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))
        return np.concatenate([network.logits(list(self.encoder.encode(chunk))) for chunk in chunks])

    def inputs(self, table: Table, windows: Windows) -> list[NDArray[Any]]:
        """What the network reads of windows of ``table``: its rows; those of a text are neighbours."""
        return [table[ids[0] : ids[-1] + 1] for ids in windows.ids]

    def graph(self) -> Graph:
        """The encoder, as an exporter takes it."""
        from textgraft.encoders.graphs import states_graph

        files = self.encoder.files
        return states_graph(load_encoder(files), self.encoder.tokenizer.pad_id, files.name)

    def batches(self, texts: list[str]) -> Iterator[Batch]:
        """Texts as the inputs of the exported encoder."""
        return padded_batches(self.encoder.windows(texts), self.encoder.tokenizer.pad_id)

    def through(self, runtime: Runtime, labels: int) -> StateReader:  # noqa: ARG002 - these are NumPy's
        """The same, with ``runtime`` computing the states."""
        return StateReader(self.encoder.files, self.max_tokens, self.precision, runtime)

    def write_for_runtime(self, folder: Path) -> None:
        """Writes the tokenizer, which is the encoder's own where torch computes it."""
        self.encoder.tokenizer.save(folder / "tokenizer.json")

    def write(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - the encoder stays where it is
        """Returns what is to be remembered."""
        files = self.encoder.files
        return {"max_tokens": self.max_tokens, "fingerprint": files.fingerprint, "config": files.config}

    @classmethod
    def read(
        cls, path: Path, name: str, tensors: Tensors, precision: Precision, runtime: Runtime | None
    ) -> StateReader:
        """From the JSON file that holds what ``write`` returned.

        Raises:
            ArtifactError: it is damaged, or the tensors are those of another network.
            EncoderError: the encoder is not there; with a runtime, its files beside the JSON file are enough.
        """
        content = read_object(path, {"max_tokens", "fingerprint"}, {"config"})
        files = named_encoder(name, content, path.parent, at_hand=runtime is None)
        if "embedding" in tensors:
            raise ArtifactError(f"{path.parent} is damaged: it holds word vectors, but reads the states of an encoder.")
        tensors("layers.0.input", None, None, files.width)
        return cls(files, content["max_tokens"], precision, runtime)
