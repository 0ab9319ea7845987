"""From a network to files that ONNX Runtime and OpenVINO run, in fp32, bf16 and int8."""

from textgraft.encoders.conversion.converting import convert
from textgraft.encoders.conversion.graphs import Graph, TorchGraph, logits_graph, states_graph, vectors_graph
from textgraft.encoders.conversion.recipes import Batches, Recipe, recipes

__all__ = [
    "Batches",
    "Graph",
    "Recipe",
    "TorchGraph",
    "convert",
    "logits_graph",
    "recipes",
    "states_graph",
    "vectors_graph",
]
