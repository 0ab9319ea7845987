"""Encoders as graphs that an exporter takes: pooled vectors, logits of a head, or token states."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textgraft.encoders.encoder import Pooling, pool
from textgraft.runtimes.conversion import TorchGraph

if TYPE_CHECKING:
    import torch


def vectors_graph(encoder: torch.nn.Module, pooling: Pooling, pad_id: int, name: str) -> TorchGraph:
    """The graph of an encoder without a head, from ``load_encoder``: (n, width) pooled vectors."""
    return _graph(encoder, lambda output, mask: pool(output.last_hidden_state.float(), mask, pooling), pad_id, name)


def logits_graph(network: torch.nn.Module, pad_id: int, name: str) -> TorchGraph:
    """The graph of an encoder with a head, from ``load_with_head``: (n, k) logits."""
    return _graph(network, lambda output, _: output.logits.float(), pad_id, name)


def states_graph(encoder: torch.nn.Module, pad_id: int, name: str) -> TorchGraph:
    """The graph of an encoder without a head: (n, length, width) token states; those of padding mean nothing."""
    return _graph(encoder, lambda output, _: output.last_hidden_state.float(), pad_id, name)


def _graph(network: torch.nn.Module, output: Callable[[Any, Any], Any], pad_id: int, name: str) -> TorchGraph:
    import torch

    class Wrapped(torch.nn.Module):
        """One tensor of what a network of ``transformers`` gives."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            outputs = self.network(input_ids=input_ids, attention_mask=attention_mask)
            return output(outputs, attention_mask)  # type: ignore[no-any-return]

    return TorchGraph(Wrapped(), pad_id, name)
