"""From a network to files that ONNX Runtime and OpenVINO run, in fp32, bf16 and int8."""

from textgraft.runtimes.conversion.converting import convert
from textgraft.runtimes.conversion.graphs import Graph, TorchGraph
from textgraft.runtimes.conversion.recipe import Batches, Recipe
from textgraft.runtimes.conversion.recipes import recipes

__all__ = ["Batches", "Graph", "Recipe", "TorchGraph", "convert", "recipes"]
