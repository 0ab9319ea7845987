"""A small objective for the training loop: a network of two layers that learns a number from six."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textgraft.training import Score, processes

Rows = NDArray[np.intp]
# As from the head: what layer_decay multiplies by.
DEPTHS = {"0.weight": 2, "0.bias": 2, "1.weight": 1, "1.bias": 1, "4.weight": 0, "4.bias": 0}


class Toy:
    """An ``Objective``.

    Args:
        dropout: of the network.
        parts: into how many parts a step is cut.
        memory: rows that can be computed at once; more raise what torch raises on a GPU.
        scores: what ``score`` tells; None computes it.
        scored: whether there is a score at all.
        score_cost: what it is said to take.
        threads: that compute at once.
        broken_at: the call of ``loss``, from 1, that is not a number.
    """

    threads = 1

    def __init__(
        self,
        *,
        rows: int = 20,
        batch: int = 4,
        dropout: float = 0.0,
        parts: int = 1,
        memory: int | None = None,
        scores: Sequence[float] | None = None,
        scored: bool = True,
        score_cost: float = 0.1,
        threads: int = 1,
        broken_at: int | None = None,
    ) -> None:
        random = torch.Generator().manual_seed(1)
        self.x = torch.randn(rows + 10, 6, generator=random)
        self.y = self.x @ torch.tensor([[1.0], [-2.0], [0.5], [0.0], [1.0], [3.0]]) + 0.3
        self.rows, self.batch, self.number_of_parts, self.memory = rows, batch, parts, memory
        self.scores, self.scored, self.broken_at = scores, scored, broken_at
        self.score_cost = score_cost if scored else 0.0
        self.threads = threads
        self.calls, self.asked, self.shrunk = 0, 0, None
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self._network = nn.Sequential(
                nn.Linear(6, 8), nn.LayerNorm(8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1)
            )

    @property
    def network(self) -> nn.Module:
        return self._network

    def epoch(self, number: int) -> Sequence[Rows]:
        order = np.random.RandomState(number).permutation(self.rows)
        size = self.batch * processes.count()
        return [order[i : i + size] for i in range(0, self.rows, size)]

    def parts(self, rows: Rows) -> Sequence[Rows]:
        return np.array_split(rows, min(self.number_of_parts, len(rows)))

    def loss(self, rows: Rows) -> torch.Tensor:
        self.calls += 1
        if self.memory is not None and len(rows) > self.memory:
            raise torch.OutOfMemoryError("CUDA out of memory")
        total = self._error(torch.from_numpy(rows)).sum()
        return total * float("nan") if self.calls == self.broken_at else total

    def weight(self, rows: Rows) -> float:
        return float(len(rows))

    def score(self) -> Score | None:
        if not self.scored:
            return None
        self.asked += 1
        if self.scores is not None:
            return Score(self.scores[self.asked - 1], self.scores[self.asked - 1])
        with torch.no_grad():
            error = float(self._error(torch.arange(self.rows, self.rows + 10)).mean())
        return Score(-error, -error)

    def finish(self, shrunk: float) -> None:
        self.shrunk = shrunk

    def _error(self, rows: torch.Tensor) -> torch.Tensor:
        kind = next(self._network.parameters()).dtype
        return (self._network(self.x[rows].to(kind)).float() - self.y[rows]) ** 2

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: weight.detach().clone() for name, weight in self._network.state_dict().items()}


def same(one: dict[str, Any], other: dict[str, Any], tolerance: float = 0.0) -> None:
    """Raises unless all tensors are equal, by default in every bit."""
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(
            weight, other[name], rtol=tolerance, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )
