"""A recurrent network that classifies sequences of words or of a transformer's token states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textgraft.hardware import Precision, best_device, matmul_dtype
from textgraft.recurrent.cells import GATES, run_layer
from textgraft.recurrent.material import Table
from textgraft.recurrent.numpy_network import Cell, Pooling
from textgraft.task import Task
from textgraft.text.batches import pad
from textgraft.text.vocabulary import PAD
from textgraft.training.classifying import WindowClassifier
from textgraft.training.dropout import CheapDropout, draw_from


@dataclass(frozen=True)
class Shape:
    """The layers of a network."""

    cell: Cell
    layers: int  # how many of them on top of each other
    hidden: int  # units in each, for each direction
    bidirectional: bool  # whether texts are read from both ends
    dropout: float  # share of the inputs, of the states between layers and of the pooled states that is dropped
    pooling: Pooling  # of the states of the last layer; see ``Plain``

    @property
    def directions(self) -> int:
        """One or two."""
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """Components of a pooled vector."""
        return self.directions * self.hidden


class RecurrentNetwork(nn.Module):
    """Layers, pooling and a linear head; the names of the tensors are those that ``Plain`` reads."""

    def __init__(self, shape: Shape, inputs: int, outputs: int) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = CheapDropout(shape.dropout)
        widths = [inputs] + [shape.width] * (shape.layers - 1)
        self.layers = nn.ModuleList(_Layer(shape, width) for width in widths)
        self.attention = _Attention(shape.width) if shape.pooling == "attention" else None
        self.head = nn.Linear(shape.width, outputs)

    def forward(self, x: Tensor, lengths: Tensor, low: torch.dtype) -> Tensor:
        """(b, k) logits.

        Args:
            x: (t, b, n) inputs; padding stands at the end and may be any finite numbers.
            lengths: (b,) int64 valid steps of each sequence, at least 1.
            low: the type in which large products are computed.
        """
        steps, batch, _ = x.shape
        step, column = torch.arange(steps, device=x.device)[:, None], torch.arange(batch, device=x.device)
        valid = step < lengths
        reversed_rows = (torch.where(valid, lengths - 1 - step, step) * batch + column).flatten()
        for layer in self.layers:
            x = layer(self.dropout(x), reversed_rows, low)
        logits: Tensor = self.head(self.dropout(self._pooled(x, lengths, valid)))
        return logits

    def _pooled(self, states: Tensor, lengths: Tensor, valid: Tensor) -> Tensor:
        if self.shape.pooling == "last":
            hidden = self.shape.hidden
            ends = states[lengths - 1, torch.arange(len(lengths), device=states.device)]
            return torch.cat([ends[:, :hidden], states[0, :, hidden:]], dim=1) if self.shape.bidirectional else ends
        if self.shape.pooling == "max":
            return states.masked_fill(~valid[..., None], -torch.inf).amax(dim=0)
        if self.attention is not None:
            scores: Tensor = self.attention(states)
            weights = scores.masked_fill(~valid, -torch.inf).softmax(dim=0)
        else:
            weights = valid / lengths
        return (states * weights[..., None]).sum(dim=0)


class _Layer(nn.Module):
    """The weights of one layer.

    Input weights start as Glorot & Bengio 2010 say, recurrent ones orthogonal gate by gate (Saxe et al. 2014,
    arXiv:1312.6120), biases at zero, but for an LSTM's forget gate, which starts open (Jozefowicz et al. 2015).
    """

    def __init__(self, shape: Shape, inputs: int) -> None:
        super().__init__()
        self.cell: Cell = shape.cell
        gates, hidden = GATES[shape.cell], shape.hidden
        self.input = nn.Parameter(torch.empty(shape.directions, gates * hidden, inputs))
        self.recurrent = nn.Parameter(torch.empty(shape.directions, gates * hidden, hidden))
        self.input_bias = nn.Parameter(torch.zeros(shape.directions, gates * hidden))
        self.recurrent_bias = nn.Parameter(torch.zeros(shape.directions, gates * hidden))
        for direction in range(shape.directions):
            for gate in range(gates):
                rows = slice(gate * hidden, (gate + 1) * hidden)
                nn.init.xavier_uniform_(self.input.data[direction, rows])
                nn.init.orthogonal_(self.recurrent.data[direction, rows])
        if shape.cell == "lstm":
            self.input_bias.data[:, hidden : 2 * hidden] = 1

    def forward(self, x: Tensor, reversed_rows: Tensor, low: torch.dtype) -> Tensor:
        return run_layer(
            self.cell, x, reversed_rows, self.input, self.recurrent, self.input_bias, self.recurrent_bias, low
        )


class _Attention(nn.Module):
    """A score for each state: a query's product with a hidden layer on it (Bahdanau et al. 2015)."""

    def __init__(self, width: int, hidden: int = 64) -> None:
        super().__init__()
        projection = nn.Linear(width, hidden)
        self.weight, self.bias = projection.weight, projection.bias
        self.query = nn.Parameter(torch.empty(hidden).uniform_(-(hidden**-0.5), hidden**-0.5))

    def forward(self, states: Tensor) -> Tensor:
        return torch.tanh(nn.functional.linear(states, self.weight, self.bias)) @ self.query


class SequenceClassifier(WindowClassifier):
    """A recurrent network with what it reads: rows of a table of word vectors, or of token states on disk.

    Args:
        shape: of the network.
        task: the labels.
        table: (rows, n) float16 or float32 vectors that the ids of texts choose from; never copied as a whole where it
            is not trained.
        train_table: whether the vectors are trained too.
        precision: of the matrix products; what a GRU passes from step to step is fp32 in any case.
        seed: of the first weights.
    """

    def __init__(
        self, shape: Shape, task: Task, table: Table, *, train_table: bool, precision: Precision, seed: int
    ) -> None:
        self.task = task
        self.device = best_device()
        self.dtype = matmul_dtype(precision, self.device)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network: nn.Module = RecurrentNetwork(shape, table.shape[1], len(task))
        self.table = table
        self.trained: nn.Parameter | None = None
        if train_table:
            self.trained = nn.Parameter(torch.tensor(table, dtype=torch.float32))
            self.network.register_parameter("embedding", self.trained)
        self.network.to(self.device)
        # Steps in time take as long with few rows as with many; 32,768 tokens need about 1.5 GB.
        self.step_tokens = self.train_tokens = 1 << 20 if self.device.type == "cuda" else 1 << 15
        self.predict_tokens = self.train_tokens >> 2

    @property
    def threads(self) -> int:
        """Two on a CPU: steps are too short for two cores to share them."""
        return min(2, torch.get_num_threads()) if self.device.type == "cpu" else 1

    def draw_from(self, key: Sequence[int] | None) -> None:  # noqa: D102
        if self.device.type == "cpu":
            draw_from(key)

    def forward(self, rows: Sequence[NDArray[np.int32]]) -> Tensor:  # noqa: D102
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        padded, _ = pad(rows, PAD)  # of states this is a row like any other, since padding is never looked at
        ids = np.ascontiguousarray(padded.T)
        if self.trained is not None:
            x = nn.functional.embedding(torch.from_numpy(ids).to(self.device), self.network.get_parameter("embedding"))
        else:
            x = torch.from_numpy(np.asarray(self.table[ids], np.float32)).to(self.device)
        return self.network(x, torch.from_numpy(lengths).to(self.device), self.dtype)  # type: ignore[no-any-return]

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """The weights by the names that ``Plain`` reads, word vectors not included where they are frozen."""
        state = self.network.state_dict()
        return {name: value.detach().float().cpu().numpy() for name, value in state.items()}
