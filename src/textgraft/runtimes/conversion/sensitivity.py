"""Which layers of a network int8 hurts most."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.runtimes.conversion.libraries import library
from textgraft.runtimes.conversion.onnx_files import weighted_products
from textgraft.runtimes.conversion.quantising import dynamic
from textgraft.runtimes.conversion.recipe import Batches
from textgraft.runtimes.conversion.smoothing import channel_maxima, smooth
from textgraft.runtimes.onnx_runtime import OnnxRuntime
from textgraft.whole import temporary_folder


def most_sensitive(graph: Path, batches: Batches) -> list[str]:
    """The network's layers, the most sensitive first: those that alone in int8 change the outputs most.

    ONNX Runtime's outputs decide for OpenVINO as well: what makes a layer sensitive, outliers among its inputs, is the
    same for both, and trying a layer takes a tenth of the time.

    Args:
        graph: the network in fp32; nodes are named by their module.
        batches: to compare outputs on.
    """
    onnx = library("onnx", "Exporting in int8")
    model = onnx.load(graph)
    layers = layers_of(model)
    maxima = channel_maxima(model, [node for nodes in layers.values() for node in nodes], batches)
    expected = _outputs(graph, batches)
    scale = sum(float(np.square(values).sum()) for values in expected)
    changes: dict[str, float] = {}
    with temporary_folder() as folder:
        path = folder / "layer.onnx"
        for layer, nodes in progress.track(layers.items(), "measuring what int8 does to each layer", len(layers)):
            dynamic(smooth(onnx.load(graph), nodes, maxima), nodes, path, full_range=False)
            outputs = _outputs(path, batches)
            change = sum(float(np.square(a - b).sum()) for a, b in zip(outputs, expected, strict=True))
            changes[layer] = change / scale if scale else change
    return sorted(changes, key=lambda layer: -changes[layer])


def layers_of(model: Any) -> dict[str, list[str]]:
    """The names of the weighted matrix products in each numbered layer, by the layer's module: ``encoder.layer.0``."""
    layers: dict[str, list[str]] = {}
    for name in weighted_products(model):
        if match := re.match(r"(.*?\.\d+)[./]", name):
            layers.setdefault(match[1], []).append(name)
    return layers


def _outputs(path: Path, batches: Batches) -> list[NDArray[np.float32]]:
    """The outputs of all batches; token states only at tokens."""
    runtime = OnnxRuntime(path, "int8")
    outputs = [(runtime.run(ids, mask), mask) for ids, mask in batches]
    return [out[mask.astype(bool)] if out.ndim == 3 else out for out, mask in outputs]
