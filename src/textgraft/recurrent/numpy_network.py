"""Prediction of a recurrent text classifier in NumPy alone, so that a saved one runs without torch.

There is no padding here. The tokens of a batch lie packed by time: first those of step 0 of all sequences, then those
of step 1 of all that have one, and so on. With the longest sequence first, each step is a slice, and the sequences that
go on are the first rows of the step before. The backward direction runs over the same slices, each sequence reversed at
its own length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.errors import ArtifactError, DataError
from textgraft.tensors import Tensors
from textgraft.text.batches import token_batches

Cell = Literal["gru", "lstm"]
Pooling = Literal["last", "mean", "max", "attention"]
Floats = NDArray[np.float32]

# Where torch keeps the gates in its weights: those that are sigmoids first, the tanh last.
SIGMOIDS_FIRST: dict[Cell, tuple[int, ...]] = {"gru": (0, 1, 2), "lstm": (0, 1, 3, 2)}
TOKENS_AT_ONCE = 8192  # more leaves the processor's cache
ROWS_AT_ONCE = 256


class Plain:
    """A recurrent classifier that only predicts.

    With D directions, hidden width H, G gates (GRU 3, LSTM 4) and k labels, the weights are those of ``torch.nn.GRU``
    and ``torch.nn.LSTM``, the gates in their order (r, z, n and i, f, g, o), the directions stacked.

    Args:
        tensors: float32 weights by name:
            ``embedding`` (V, d), here half precision will do; not there if sequences are given as vectors;
            ``layers.{l}.input`` (D, G * H, d), after the first layer (D, G * H, D * H);
            ``layers.{l}.recurrent`` (D, G * H, H);
            ``layers.{l}.input_bias`` and ``layers.{l}.recurrent_bias`` (D, G * H);
            ``attention.weight`` (A, D * H), ``attention.bias`` and ``attention.query`` (A,), for that pooling;
            ``head.weight`` (k, D * H) and ``head.bias`` (k,).
        cell: of the network.
        layers: how many.
        pooling: how the last layer's states become one vector: ``"last"`` takes the forward state at the last token
            and the backward state at the first, ``"mean"`` and ``"max"`` go over all tokens, ``"attention"`` weights
            them by the softmax of query . tanh(W state + b) (Yang et al. 2016, "Hierarchical Attention Networks").

    Raises:
        ArtifactError: a tensor is missing, or has another dtype or shape.
    """

    def __init__(self, tensors: Mapping[str, Floats], *, cell: Cell, layers: int, pooling: Pooling) -> None:
        take = Tensors(tensors, "The recurrent network")
        directions, _, hidden = take("layers.0.recurrent", None, None, None).shape
        if directions not in (1, 2) or not hidden:
            raise ArtifactError(
                f"The recurrent network is damaged: it would have {directions} directions of {hidden} units."
            )
        gates, states = len(SIGMOIDS_FIRST[cell]) * hidden, directions * hidden
        self._embedding = width = None
        if "embedding" in tensors:
            self._embedding = take("embedding", None, None, dtypes=("float32", "float16"))
            width = self._embedding.shape[1]
        self._layers: list[_Layer] = []
        for i in range(layers):
            shapes: dict[str, tuple[int | None, ...]] = {
                "input": (gates, states if i else width),
                "recurrent": (gates, hidden),
                "input_bias": (gates,),
                "recurrent_bias": (gates,),
            }
            weights = (take(f"layers.{i}.{name}", directions, *shape) for name, shape in shapes.items())
            self._layers.append(_layer(cell, *weights))
        self._pooling = pooling
        if pooling == "attention":
            self._attention = take("attention.weight", None, states)
            self._attention_bias = take("attention.bias", len(self._attention))
            self._query = take("attention.query", len(self._attention))
        self._head = take("head.weight", None, states)
        self._head_bias = take("head.bias", len(self._head))
        self._directions = directions

    def logits(self, sequences: Sequence[NDArray[Any]]) -> Floats:
        """(n, k) float32 logits of n sequences; those beside a sequence change its logits by rounding at most.

        Args:
            sequences: each (t,) integer rows of the embedding, or (t, d) vectors of any float type; t >= 1.

        Raises:
            DataError: a sequence has no token.
        """
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        if not lengths.all():
            raise DataError(
                f"Sequence {int(np.argmin(lengths))} (counted from 0) has no token; an empty text needs at least one, "
                "such as that for unknown words."
            )
        result = np.empty((len(sequences), len(self._head)), np.float32)
        batches = token_batches(lengths, TOKENS_AT_ONCE, ROWS_AT_ONCE)
        work = progress.track(batches, "predicting", float(lengths.sum()), lambda batch: float(lengths[batch].sum()))
        for batch in work:
            result[batch] = self._batch([sequences[i] for i in batch], lengths[batch])
        return result

    def _batch(self, sequences: Sequence[NDArray[Any]], lengths: NDArray[np.int64]) -> Floats:
        packing = _pack(lengths)
        tokens = np.concatenate(sequences)[packing.by_time]
        states = np.asarray(tokens if self._embedding is None else self._embedding[tokens], np.float32)
        for layer in self._layers:
            both = np.stack([states, states[packing.reversed]][: self._directions])
            both = layer.run(both, packing.bounds)
            states = both[0] if self._directions == 1 else np.hstack([both[0], both[1][packing.reversed]])
        pooled = self._pool(states[packing.by_text], lengths)
        logits: Floats = pooled @ self._head.T + self._head_bias
        return logits

    def _pool(self, states: Floats, lengths: NDArray[np.int64]) -> Floats:
        """(rows, D * H) vectors from the (tokens, D * H) states of sequences that lie one after the other."""
        stops = np.cumsum(lengths)
        starts = stops - lengths
        pooled: Floats
        if self._pooling == "last":
            hidden = states.shape[1] // self._directions
            pooled = np.hstack([states[stops - 1, :hidden], states[starts, hidden:]])
        elif self._pooling == "max":
            pooled = np.maximum.reduceat(states, starts, axis=0)
        elif self._pooling == "mean":
            pooled = np.add.reduceat(states, starts, axis=0)
            pooled /= lengths[:, None]
        else:
            scores = np.tanh(states @ self._attention.T + self._attention_bias) @ self._query
            weights = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), lengths))
            weights /= np.repeat(np.add.reduceat(weights, starts), lengths)
            pooled = np.add.reduceat(states * weights[:, None], starts, axis=0)
        return pooled


@dataclass(frozen=True)
class _Packing:
    """How the tokens of sequences, longest first, are packed by time."""

    bounds: list[int]  # (steps + 1,) where each step starts, and where the last one ends
    by_time: NDArray[np.int64]  # (tokens,) takes tokens that lie sequence by sequence to packed ones
    by_text: NDArray[np.int64]  # (tokens,) takes them back
    reversed: NDArray[np.int64]  # (tokens,) takes packed tokens to those of the reversed sequences, and back


def _pack(lengths: NDArray[np.int64]) -> _Packing:
    present = np.arange(lengths[0])[:, None] < lengths
    step, row = np.nonzero(present)
    bounds = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    by_time = (np.cumsum(lengths) - lengths)[row] + step
    by_text = np.empty_like(by_time)
    by_text[by_time] = np.arange(len(by_time))
    return _Packing(bounds.tolist(), by_time, by_text, bounds[lengths[row] - 1 - step] + row)


@dataclass(frozen=True)
class _Layer:
    """The weights of one layer, one matrix per direction and gate, the gates that are sigmoids first.

    Those gates' weights are halved, since sigmoid(2 x) = (1 + tanh x) / 2: stable everywhere, and NumPy's tanh is fast.
    """

    cell: Cell
    input: Floats  # (D, G, in, H)
    recurrent: Floats  # (D, G, H, H)
    bias: Floats  # (D, G, 1, H), added to the inputs' products; of a GRU's n gate the input bias alone
    new_bias: Floats  # (D, 1, H), of a GRU the recurrent bias of its n gate

    def run(self, inputs: Floats, bounds: list[int]) -> Floats:
        """(D, tokens, H) states for (D, tokens, in) inputs; each direction's tokens are packed in its own time."""
        products = np.matmul(inputs[:, None], self.input)
        products += self.bias
        directions, gates, tokens, hidden = products.shape
        states = np.empty((directions, tokens, hidden), np.float32)
        room = np.empty((directions, gates, bounds[1], hidden), np.float32)
        now = np.zeros((directions, bounds[1], hidden), np.float32)
        step = _gru_step(self.new_bias) if self.cell == "gru" else _lstm_step(np.zeros_like(now))
        for start, stop in pairwise(bounds):
            rows = stop - start
            before, now = now[:, :rows], states[:, start:stop]
            recurrent = np.matmul(before[:, None], self.recurrent, out=room[:, :, :rows])
            step(products[:, :, start:stop], recurrent, before, now)
        return states


# From the gates' products with the inputs and with the states before, both (D, G, rows, H), and these states, writes
# the states now into its last argument; the second is scratch afterwards.
_Step = Callable[[Floats, Floats, Floats, Floats], None]


def _gru_step(new_bias: Floats) -> _Step:
    """h' = (1 - z) n + z h with n = tanh(W x + r (U h + b)), as torch has it, which differs from Cho et al. 2014."""

    def step(given: Floats, recurrent: Floats, before: Floats, now: Floats) -> None:
        both, new = recurrent[:, :2], recurrent[:, 2]
        both += given[:, :2]
        _sigmoid_of_twice(both)
        new += new_bias
        new *= both[:, 0]
        new += given[:, 2]
        np.tanh(new, out=new)
        np.subtract(before, new, out=now)
        now *= both[:, 1]
        now += new

    return step


def _lstm_step(memory: Floats) -> _Step:
    """c' = f c + i g, h' = o tanh(c'); ``memory`` is c, (D, rows, H), and changes from step to step."""

    def step(given: Floats, recurrent: Floats, before: Floats, now: Floats) -> None:
        recurrent += given
        _sigmoid_of_twice(recurrent[:, :3])
        into, forget, out, new = (recurrent[:, i] for i in range(4))
        np.tanh(new, out=new)
        cell = memory[:, : before.shape[1]]
        cell *= forget
        new *= into
        cell += new
        np.tanh(cell, out=now)
        now *= out

    return step


def _sigmoid_of_twice(x: Floats) -> None:
    """Replaces ``x`` by sigmoid(2 x)."""
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5


def _layer(cell: Cell, weight: Floats, recurrent: Floats, bias: Floats, recurrent_bias: Floats) -> _Layer:
    """A layer from torch's weights: (D, G * H, in), (D, G * H, H) and twice (D, G * H)."""
    order = list(SIGMOIDS_FIRST[cell])
    scale = np.array([0.5] * (len(order) - 1) + [1.0], np.float32)[:, None, None]

    def by_gate(tensor: Floats) -> Floats:
        """(D, G, in, H), or (D, G, 1, H) of a bias."""
        split = tensor.reshape(len(tensor), len(order), recurrent.shape[2], -1)[:, order]
        return np.ascontiguousarray((split * scale).swapaxes(2, 3))

    biases, more = by_gate(bias), by_gate(recurrent_bias)
    added = biases + more
    if cell == "gru":
        added[:, 2] = biases[:, 2]
    return _Layer(cell, by_gate(weight), by_gate(recurrent), added, more[:, -1])
