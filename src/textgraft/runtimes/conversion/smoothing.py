"""Taming outliers before int8: a few channels of a transformer's states are ten to a hundred times larger than others.

One scale serves all channels of an input, so that outliers leave the others a few steps of the 256. As in SmoothQuant
(Xiao et al. 2023, arXiv:2211.10438) such channels are divided by a factor and the weights that read them multiplied by
it, which changes nothing in fp32. Here only channels above the median are touched, and weights have no say: on
all-MiniLM-L6-v2 the mean cosine to fp32 is then 0.997, with SmoothQuant's own formula at most 0.994, without any 0.987.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.runtimes.conversion.libraries import library, quiet
from textgraft.runtimes.conversion.recipe import Batches

STRENGTH = 0.7  # how much of an outlier moves into the weights; 0.5 to 0.9 do about as well in full range

Maxima = Mapping[str, NDArray[np.float32]]


def channel_maxima(model: Any, products: Sequence[str], batches: Batches) -> Maxima:
    """The largest magnitude of each channel of what the products read, by the input's name; padding does not count.

    Args:
        model: an ONNX model; not changed.
        products: the names of its nodes.
        batches: to run it on.
    """
    onnx, onnxruntime = (library(name, "Exporting in int8") for name in ("onnx", "onnxruntime"))
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    wanted = set(products)
    names = list(dict.fromkeys(node.input[0] for node in model.graph.node if node.name in wanted))
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with quiet():
        session = onnxruntime.InferenceSession(watched.SerializeToString(), options, ["CPUExecutionProvider"])
    maxima: dict[str, NDArray[np.float32]] = {}
    for ids, mask in progress.track(batches, "calibrating", len(batches)):
        activations = session.run(names, {"input_ids": ids, "attention_mask": mask})
        for name, values in zip(names, activations, strict=True):
            rows = values[mask.astype(bool)] if values.shape[:2] == mask.shape else values
            largest = np.abs(rows).reshape(-1, values.shape[-1]).max(axis=0)
            maxima[name] = np.maximum(maxima[name], largest) if name in maxima else largest
    return maxima


def smooth(model: Any, products: Sequence[str], maxima: Maxima) -> Any:
    """The model, changed in place: outlying channels of what the products read are moved into their weights."""
    onnx = library("onnx", "Exporting in int8")
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    readers = Counter(name for node in model.graph.node for name in node.input)
    wanted = set(products)
    divided: dict[str, Any] = {}  # by what is divided: the node that does it
    for node in model.graph.node:
        # Weights that others multiply as well must stay as they are.
        if node.name not in wanted or node.op_type != "MatMul" or readers[node.input[1]] > 1:
            continue
        source = node.input[0]
        factors = _factors(maxima[source])
        if source not in divided:
            by, out = f"{source}/smoothing", f"{source}/smooth"
            model.graph.initializer.append(onnx.numpy_helper.from_array(1 / factors, by))
            divided[source] = onnx.helper.make_node("Mul", [source, by], [out], name=f"{node.name}/smoothing")
        tensor = weights[node.input[1]]
        values = onnx.numpy_helper.to_array(tensor) * factors[:, None]
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        node.input[0] = divided[source].output[0]
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        model.graph.node.append(node)
        model.graph.node.extend(divided[name] for name in node.output if name in divided)
    return model


def _factors(maxima: NDArray[np.float32]) -> NDArray[np.float32]:
    """(channels,) at least 1."""
    alive = maxima[maxima > 0]
    if not len(alive):
        return np.ones_like(maxima)
    factors: NDArray[np.float32] = np.maximum(maxima / np.median(alive), 1).astype(np.float32) ** np.float32(STRENGTH)
    return factors
