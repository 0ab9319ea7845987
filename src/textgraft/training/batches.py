"""What a network sees of texts, to be looked at: batches of ids, masks and labels, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from textgraft import charts
from textgraft.charts import Picture
from textgraft.dataset import Dataset
from textgraft.extras import library
from textgraft.text.batches import Windows, pad
from textgraft.training.sampling import Order, Rows, Sampler
from textgraft.wording import counted

if TYPE_CHECKING:
    import torch


class Reader(Protocol):
    """What makes token ids of texts, and names of these."""

    @property
    def pad_id(self) -> int:
        """What fills up the shorter rows of a batch."""

    def windows(self, texts: Sequence[str]) -> Windows:
        """The ids of texts, as the network takes them."""

    def names(self, ids: NDArray[np.integer]) -> list[str]:
        """The tokens of ids."""


@dataclass(frozen=True, eq=False)
class NetworkBatch:
    """Some texts as a network sees them: n rows of ids, filled up to the longest one.

    There is a row for each text, or for each window of texts that are read in several.

    Attributes:
        ids: (n, length) int64 token ids.
        mask: (n, length) int64 1 at a token, 0 at padding.
        lengths: (n,) int64 tokens of each row.
        labels: (texts,) int64 places among the labels of the task; of several labels (texts, k) float32 0 or 1.
        rows: (texts,) the place of each text in the data that was given.
        text_of: (n,) which of the texts of the batch a row is of.
        tokens: of each row, padding not included.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor
    rows: Rows
    text_of: NDArray[np.intp]
    tokens: list[list[str]]

    def __len__(self) -> int:
        """How many texts."""
        return len(self.rows)

    @property
    def padding(self) -> float:
        """The share of all places that is padding."""
        return 1 - float(self.lengths.sum()) / self.ids.numel()

    def __str__(self) -> str:
        n, length = self.ids.shape
        windows = "" if n == len(self) else f" in {counted(n, 'window')}"
        lines = [f"{counted(len(self), 'text')}{windows}, {counted(length, 'token')} long with padding"]
        for name in ("ids", "mask", "lengths", "labels"):
            tensor = getattr(self, name)
            kind = str(tensor.dtype).removeprefix("torch.")
            lines.append(f"{name:<8} {tuple(tensor.shape)!s:<12} {kind}")
        lines.append(f"{self.padding:.1%} of {self.ids.numel():,} places are padding")
        return "\n".join(lines)

    __repr__ = __str__

    def plot(self) -> Picture:
        """The ids as shades, a row for each text or window, and the padding behind them.

        Raises:
            MissingExtraError: the extra ``report`` is not installed.
        """
        return charts.padded(self.ids.tolist(), self.lengths.tolist())

    def _repr_html_(self) -> str:
        """For notebooks: the picture, where pictures can be drawn."""
        return self.plot().svg() if charts.is_installed() else ""


@dataclass(frozen=True, eq=False)
class Batches(Sequence[NetworkBatch]):
    """The batches of some texts in an order; each is made when it is asked for.

    Attributes:
        data: what was given.
        windows: its token ids.
        reader: what made these.
        steps: the rows of each batch.
        windows_of: which windows of some rows are read.
    """

    data: Dataset
    windows: Windows
    reader: Reader
    steps: list[Rows]
    windows_of: Callable[[Rows], NDArray[np.intp]]

    @classmethod
    def of(
        cls,
        data: Dataset,
        texts: Sequence[str],
        reader: Reader,
        *,
        batch_size: int,
        seed: int,
        order: Order,
        epoch: int,
    ) -> Batches:
        """The batches of a training's epoch, of an evaluation, or row after row; ``texts`` are those of ``data`` as the
        method reads them."""
        windows = reader.windows(texts)
        sampler = Sampler(windows, seed)
        if order == "training":
            return cls(data, windows, reader, sampler.epoch(epoch, batch_size), lambda r: sampler.windows_of(r, epoch))
        steps = sampler.evaluation() if order == "evaluation" else sampler.in_rows(batch_size)
        return cls(data, windows, reader, steps, sampler.all_windows_of)

    def __len__(self) -> int:
        return len(self.steps)

    @overload
    def __getitem__(self, place: int) -> NetworkBatch: ...
    @overload
    def __getitem__(self, place: slice) -> list[NetworkBatch]: ...
    def __getitem__(self, place: int | slice) -> NetworkBatch | list[NetworkBatch]:
        if isinstance(place, slice):
            return [self._batch(rows) for rows in self.steps[place]]
        return self._batch(self.steps[place])

    @property
    def padding(self) -> float:
        """The share of all places, of all batches, that is padding."""
        places, tokens = self._places()
        return 1 - tokens / places

    def __str__(self) -> str:
        places, tokens = self._places()
        return (
            f"{len(self):,} batch{'' if len(self) == 1 else 'es'} of {counted(len(self.data), 'text')}; "
            f"{1 - tokens / places:.1%} of {places:,} places are padding"
        )

    __repr__ = __str__

    def _places(self) -> tuple[int, int]:
        """Places of all batches, and how many of them are tokens."""
        lengths = self.windows.lengths
        read = [lengths[self.windows_of(rows)] for rows in self.steps]
        return sum(len(each) * int(each.max()) for each in read), sum(int(each.sum()) for each in read)

    def _batch(self, rows: Rows) -> NetworkBatch:
        torch = library("torch", "Batches as tensors", "transformers")
        chosen = self.windows_of(rows)
        rows_of_ids = [self.windows.ids[i] for i in chosen]
        ids, mask = pad(rows_of_ids, self.reader.pad_id)
        mask = np.ones_like(ids) if mask is None else mask
        kind = torch.float32 if self.data.task.multi_label else torch.int64
        place = {int(row): i for i, row in enumerate(rows)}
        return NetworkBatch(
            ids=torch.from_numpy(ids),
            mask=torch.from_numpy(mask),
            lengths=torch.from_numpy(mask.sum(axis=1)),
            labels=torch.from_numpy(np.asarray(self.data.targets[rows])).to(kind),
            rows=rows,
            text_of=np.array([place[int(text)] for text in self.windows.text[chosen]], np.intp),
            tokens=[self.reader.names(row) for row in rows_of_ids],
        )
