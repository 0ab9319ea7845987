"""Windows of token ids through a runtime, in batches of similar length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.text.batches import Windows, pad, token_batches

BATCH_TOKENS = 2048  # more spills the cache: int8 is a tenth slower with 4,096

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Batch = tuple[Ids, Ids]  # ids and mask


class Runtime(Protocol):
    """Runs one network.

    Attributes:
        name: ``"torch"``, ``"onnx"`` or ``"openvino"``.
        precision: of its matrix products, ``"fp32"``, ``"bf16"``, ``"fp16"`` or ``"int8"``.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def precision(self) -> str: ...  # noqa: D102

    def run(self, ids: Ids, mask: Ids | None) -> Floats:
        """The outputs of one batch.

        Args:
            ids: (n, length) token ids.
            mask: (n, length), 1 for tokens and 0 for padding behind them; None where nothing is padded.

        Returns:
            (n, width) vectors or logits, or (n, length, width) token states; what stands at padding means nothing.
        """


class FileRuntime(ABC):
    """Base of the runtimes of an exported file: a pickle holds the file, and it is opened where that arrives."""

    def __init__(self) -> None:
        self._opened = self._open()

    @abstractmethod
    def _open(self) -> Any:
        """The library's own object that runs the network.

        Raises:
            ArtifactError: the library cannot read it.
        """

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_opened"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._opened = self._open()


def run_windows(runtime: Runtime, windows: Windows, pad_id: int, doing: str) -> Floats:
    """(windows, width) outputs of a network that gives one row per window.

    Args:
        runtime: of the network.
        windows: at least one.
        pad_id: fills up the shorter windows of a batch.
        doing: what a progress bar says.
    """
    lengths = windows.lengths
    batches = token_batches(lengths, BATCH_TOKENS)
    work = progress.track(batches, doing, float(lengths.sum()), lambda batch: float(lengths[batch].sum()))
    rows: Floats | None = None
    for batch in work:
        outputs = runtime.run(*pad([windows.ids[i] for i in batch], pad_id))
        if rows is None:
            rows = np.empty((len(lengths), outputs.shape[1]), np.float32)
        rows[batch] = outputs
    assert rows is not None
    return rows


def padded_batches(windows: Windows, pad_id: int, tokens: int = 1024) -> Iterator[Batch]:
    """The windows as (ids, mask), longest first, with a mask for all of them: what a quantiser calibrates on."""
    for batch in token_batches(windows.lengths, tokens):
        ids, mask = pad([windows.ids[i] for i in batch], pad_id)
        yield ids, whole(ids) if mask is None else mask


def whole(ids: Ids) -> Ids:
    """The mask of a batch without padding."""
    return np.ones_like(ids)
