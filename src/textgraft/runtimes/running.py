"""Windows of token ids through a runtime, in batches of similar length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import starmap
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.errors import ArtifactError
from textgraft.text.batches import DIVISION, Windows, pad, token_batches

BATCH_TOKENS = 2048  # more spills the cache: int8 is a tenth slower with 4,096
LEAST_TOKENS = 64  # a batch of fewer is not divided among streams
SLACK = 1.1  # times the share of each stream: batches are not divided inside a row
CALL_TOKENS = 40  # what a call of another shape costs besides its tokens, in tokens: 3 ms of one core

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Batch = tuple[Ids, Ids]  # ids and mask
INPUTS, OUTPUT = ("input_ids", "attention_mask"), "output"


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
    """Base of the runtimes of an exported file: a pickle holds the file, and it is opened where that arrives.

    Attributes:
        library: what people call it.
        file: where the network was read from.
    """

    file: str
    library: str

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self._opened = self._open()

    @property
    def streams(self) -> int:
        """Batches that are computed at the same time."""
        return 1

    def run(self, ids: Ids, mask: Ids | None) -> Floats:
        """See ``Runtime``.

        Raises:
            ArtifactError: the library cannot compute the network on such a batch.
        """
        [(_, output)] = self.run_each([(ids, mask)])
        return output

    def run_each(self, batches: Iterable[tuple[Ids, Ids | None]]) -> Iterator[tuple[int, Floats]]:
        """The outputs of several batches as they are ready, each with the place of its batch.

        Raises:
            ArtifactError: the library cannot compute the network on one of them.
        """
        try:
            yield from self._run_each((ids, whole(ids) if mask is None else mask) for ids, mask in batches)
        except Exception as error:  # those of a library have no common base but Exception
            raise ArtifactError(self._unusable("compute", error)) from error

    @abstractmethod
    def _open(self) -> Any:
        """The library's own object that runs the network.

        Raises:
            ArtifactError: the library cannot read it, or it does not read and give what a network here does.
        """

    @abstractmethod
    def _run_each(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Floats]]:
        """The output for each batch, in memory of its own, and the place of that batch."""

    def _check_names(self, inputs: dict[str, str], outputs: dict[str, str]) -> None:
        """Checks the names and types of what goes in and comes out."""
        if inputs != dict.fromkeys(INPUTS, "int64") or outputs != {OUTPUT: "float32"}:
            said = ", ".join(f"{name} of {kind}" for name, kind in (inputs | outputs).items())
            raise ArtifactError(
                f"{self.file} is no export of a model: it should read {' and '.join(INPUTS)} of int64 and give "
                f"{OUTPUT} of float32, and has {said}. Export the model again."
            )

    def _unusable(self, what: str, error: Exception) -> str:
        reason = str(error).strip().splitlines()
        return (
            f"{self.library} cannot {what} {self.file} ({reason[0] if reason else type(error).__name__}); the file "
            "is damaged or made for a newer release. Export the model again, or take another runtime."
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_opened"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._opened = self._open()


def check_output(runtime: Runtime, width: int, *, per_token: bool = False) -> None:
    """Checks on two small batches that a network gives what its model reads.

    Args:
        runtime: of the network.
        width: labels, or components of a vector.
        per_token: whether it gives a row for each token, and not for each text.

    Raises:
        ArtifactError: it gives another shape, or what is no number.
    """
    ragged = np.array([[1, 1, 1], [1, 1, 0]])
    for ids, mask in ((np.ones((1, 2), np.int64), None), (ragged, ragged)):
        output = runtime.run(ids, mask)
        wanted = (*ids.shape, width) if per_token else (len(ids), width)
        if output.shape != wanted:
            clause = f"for {len(ids)} texts it gives numbers of the shape {output.shape}, not {wanted}"
        elif not np.isfinite(output if mask is None or not per_token else output[mask > 0]).all():
            clause = "it gives numbers that are none"
        else:
            continue
        name = getattr(runtime, "file", runtime.name)
        raise ArtifactError(f"{name} is no export of this model: {clause}. Export the model again.")


def read_file(path: Path, most: int) -> bytes:
    """The content of a file of at most ``most`` bytes; of a larger one nothing is read.

    Raises:
        ArtifactError: it is larger, or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > most:
            raise ArtifactError(f"{path} has {size:,} bytes; such a file has at most {most:,}.")
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None


def run_windows(runtime: Runtime, windows: Windows, pad_id: int, doing: str) -> Floats:
    """(windows, width) outputs of a network that gives one row per window.

    Args:
        runtime: of the network.
        windows: at least one.
        pad_id: fills up the shorter windows of a batch.
        doing: what a progress bar says.
    """
    lengths = windows.lengths
    longest, file = int(lengths.max()), runtime if isinstance(runtime, FileRuntime) else None
    if file:  # as many batches as streams, where each then has enough to compute
        tokens = min(BATCH_TOKENS, max(LEAST_TOKENS, int(SLACK * lengths.sum()) // file.streams))
        batches = token_batches(lengths, tokens, call=CALL_TOKENS)
        batches.sort(key=lambda batch: -len(batch) * lengths[batch[0]])  # so that streams end together
    else:
        batches = token_batches(lengths, BATCH_TOKENS)

    def padded(batch: NDArray[np.intp]) -> tuple[Ids, Ids | None]:
        # Files' runtimes keep memory for each shape. As far as a window reaches: a network may have no place beyond.
        length = min(-(-int(lengths[batch[0]]) // DIVISION) * DIVISION, longest) if file else 0
        return pad([windows.ids[i] for i in batch], pad_id, length)

    made = map(padded, batches)
    each = file.run_each(made) if file else enumerate(starmap(runtime.run, made))
    rows: Floats | None = None
    for place, outputs in progress.track(
        each, doing, float(lengths.sum()), lambda one: float(lengths[batches[one[0]]].sum())
    ):
        if rows is None:
            rows = np.empty((len(lengths), outputs.shape[1]), np.float32)
        rows[batches[place]] = outputs
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
