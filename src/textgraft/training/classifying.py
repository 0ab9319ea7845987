"""A network that classifies texts given as windows of ids: what the objective trains and prediction runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.task import Task
from textgraft.text.batches import Windows, token_batches
from textgraft.training import processes

if TYPE_CHECKING:
    import torch


class WindowClassifier(ABC):
    """Logits and probabilities of texts from the logits of batches of windows.

    The logits of a long text are the mean of its windows' logits, weighted by the tokens that each brings.
    """

    network: torch.nn.Module
    device: torch.device
    dtype: torch.dtype  # in which large matrix products are computed
    task: Task
    step_tokens: int  # between two backward passes
    train_tokens: int  # of a batch of windows in training; a step is computed in these
    predict_tokens: int  # of a batch of windows in prediction

    @property
    @abstractmethod
    def threads(self) -> int:
        """How many threads may compute losses at once."""

    @abstractmethod
    def draw_from(self, key: Sequence[int] | None) -> None:
        """Makes the dropout of the next logits in this thread depend on ``key`` alone, where that can be."""

    @abstractmethod
    def forward(self, rows: Sequence[NDArray[np.int32]]) -> torch.Tensor:
        """(n, k) float32 logits of one batch of windows."""

    def logits(self, windows: Windows, chosen: NDArray[np.intp]) -> torch.Tensor:
        """(texts, k) float32 logits of the texts whose windows are ``chosen``, by ascending number of the text.

        Of a text only some of whose windows are among them, these are taken for all.
        """
        import torch

        texts, place = np.unique(windows.text[chosen], return_inverse=True)
        lengths = np.fromiter((len(windows.ids[i]) for i in chosen), np.int64, len(chosen))
        weight = windows.weight[chosen] / np.bincount(place, windows.weight[chosen])[place]
        pooled: torch.Tensor | None = None
        for batch in token_batches(lengths, self.train_tokens):
            logits = self.forward([windows.ids[i] for i in chosen[batch]])
            if len(texts) == len(chosen) == len(batch):
                return logits[torch.from_numpy(np.argsort(place[batch])).to(self.device)]
            share = torch.from_numpy(weight[batch].astype(np.float32)).to(self.device)
            if pooled is None:
                pooled = logits.new_zeros(len(texts), logits.shape[1])
            pooled = pooled.index_add(0, torch.from_numpy(place[batch]).to(self.device), logits * share[:, None])
        assert pooled is not None
        return pooled

    def probabilities(self, windows: Windows) -> NDArray[np.float32]:
        """(texts, k) float32 probabilities of all texts."""
        return self.task.probabilities(self.logits_of_all(windows))

    def logits_of_all(self, windows: Windows, *, shared: bool = False) -> NDArray[np.float32]:
        """(texts, k) float32 as in prediction; where ``shared``, all processes that train together work on it.

        Each then gets all of them, the very same numbers.
        """
        import torch

        lengths = windows.lengths
        logits = np.zeros((len(lengths), len(self.task)), np.float32)
        batches = token_batches(lengths, self.predict_tokens)
        if shared:
            batches = batches[processes.rank() :: processes.count()]
        self.network.eval()
        with torch.inference_mode():
            total = float(sum(lengths[batch].sum() for batch in batches))
            for batch in progress.track(batches, "predicting", total, lambda b: float(lengths[b].sum())):
                logits[batch] = self.forward([windows.ids[i] for i in batch]).cpu().numpy()
        if shared:
            for theirs in processes.gather([(batch, logits[batch]) for batch in batches]):
                for batch, values in theirs:
                    logits[batch] = values
        return windows.pooled(logits)
