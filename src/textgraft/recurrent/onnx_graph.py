"""A recurrent classifier of words as an ONNX graph, built from the tensors that ``numpy_network.Plain`` reads.

Lengths are not left to the recurrent operators: OpenVINO 2026.4 ignores their ``sequence_lens``, and nothing says so.
Padding stands behind each text, so that a forward pass reads it after all that counts; for the backward direction each
text is reversed at its own length, read forward, and its states are reversed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ExportError
from textgraft.recurrent.numpy_network import Cell, Floats, Plain, Pooling
from textgraft.runtimes.conversion.libraries import library
from textgraft.runtimes.conversion.onnx_files import save

# Where torch keeps the gates that ONNX wants in this order: of a GRU z, r, h, of an LSTM i, o, f, c.
ONNX_GATES: dict[Cell, tuple[int, ...]] = {"gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}
OPSET, FORMAT = 17, 8  # what ONNX Runtime reads since 1.12


class RecurrentGraph:
    """Row numbers of the word vectors in, (n, k) logits out; a ``Graph`` of ``runtimes.conversion``.

    The arguments are those of ``Plain``, the ``embedding`` among the tensors.

    Raises:
        ArtifactError: a tensor is missing or has another shape.
        ExportError: there is no embedding: what the network reads are the states of an encoder.
    """

    layers: int
    tensors: Mapping[str, Floats]
    pad_id = 0  # any row will do

    def __init__(self, tensors: Mapping[str, Floats], *, cell: Cell, layers: int, pooling: Pooling) -> None:
        Plain(tensors, cell=cell, layers=layers, pooling=pooling)  # checks the tensors
        if "embedding" not in tensors:
            raise ExportError(
                "A recurrent network on an encoder's states has no word vectors to write; export the encoder's part."
            )
        self.tensors, self.cell, self.layers, self.pooling = tensors, cell, layers, pooling

    def write_onnx(self, path: Path) -> None:  # noqa: D102
        onnx = library("onnx", "Exporting to ONNX")
        helper, ids = onnx.helper, onnx.TensorProto.INT64
        build = _Builder(onnx)
        states = self._embedded(build)
        for i in range(self.layers):
            states, ends = self._layer(build, i, states)
        pooled = _pooled(build, self.pooling, states, ends, self.tensors)
        weight, bias = self._tensor("head.weight"), self._tensor("head.bias")
        build("Gemm", pooled, weight, bias, transB=1, name="head", out="output")
        graph = helper.make_graph(
            build.nodes,
            "recurrent",
            [helper.make_tensor_value_info(name, ids, ["n", "length"]) for name in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, ["n", len(self.tensors["head.bias"])])],
            build.constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT, producer_name="textgraft"
        )
        save(model, path)

    def _tensor(self, name: str) -> Floats:
        return np.ascontiguousarray(self.tensors[name], np.float32)

    def _embedded(self, build: _Builder) -> str:
        """(length, n, d) word vectors, and the masks that others read."""
        by_time = build("Transpose", "input_ids", perm=[1, 0])
        mask = build("Transpose", "attention_mask", perm=[1, 0])
        build("ReduceSum", mask, np.array([0]), keepdims=0, out="lengths")
        build("Unsqueeze", build("Cast", mask, to=_BOOL), np.array([2]), out="valid")  # (length, n, 1)
        return build("Gather", self._tensor("embedding"), by_time, name="embedding")

    def _layer(self, build: _Builder, i: int, states: str) -> tuple[str, str]:
        """(length, n, D * H) states, and the (n, D * H) that each direction comes to at its last word."""
        weight, again, bias, more = (
            self._by_gate(f"layers.{i}.{name}") for name in ("input", "recurrent", "input_bias", "recurrent_bias")
        )
        both = np.concatenate([bias, more], axis=1)
        options: dict[str, Any] = {"hidden_size": again.shape[2]}
        if self.cell == "gru":
            options["linear_before_reset"] = 1
        in_order, ends = [], []
        for d, name in enumerate(["forward", "backward"][: len(again)]):
            way = build.reversed(states) if d else states
            weights = (part[d : d + 1] for part in (weight, again, both))
            layer = build(self.cell.upper(), way, *weights, name=f"layers.{i}.{name}", **options)
            layer = build("Squeeze", layer, np.array([1]))  # one direction
            turned = build.reversed(layer)
            in_order.append(turned if d else layer)
            ends.append(build("Gather", turned, np.array(0)))
        return build("Concat", *in_order, axis=2), build("Concat", *ends, axis=1)

    def _by_gate(self, name: str) -> NDArray[np.float32]:
        """(D, G * H, ...) weights with the gates in ONNX's order."""
        tensor, order = self._tensor(name), list(ONNX_GATES[self.cell])
        return tensor.reshape(len(tensor), len(order), -1, *tensor.shape[2:])[:, order].reshape(tensor.shape)


_BOOL, _FLOAT = 9, 1  # of onnx.TensorProto, which cannot be imported here


def _pooled(build: _Builder, pooling: Pooling, states: str, ends: str, tensors: Mapping[str, Floats]) -> str:
    """(n, D * H) vectors; padding, where ``valid`` is false, does not count."""
    lowest = np.array(-np.inf, np.float32)
    if pooling == "last":
        return ends
    if pooling == "max":
        return build("ReduceMax", build("Where", "valid", states, lowest), axes=[0], keepdims=0)
    if pooling == "mean":
        weights = build("Cast", "valid", to=_FLOAT)
        weights = build("Div", weights, build("ReduceSum", weights, np.array([0])))
    else:
        turned, query = tensors["attention.weight"].T, tensors["attention.query"][:, None]
        hidden = build("Add", build("MatMul", states, turned, name="attention"), tensors["attention.bias"])
        scores = build("MatMul", build("Tanh", hidden), query, name="query")
        weights = build("Softmax", build("Where", "valid", scores, lowest), axis=0)
    return build("ReduceSum", build("Mul", states, weights), np.array([0]), keepdims=0)


class _Builder:
    """Collects nodes and constants; arrays among the inputs of a node become constants."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, kind: str, *inputs: str | NDArray[Any], name: str = "", out: str = "", **options: Any) -> str:
        """Adds a node with one output, and gives the output's name."""
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        title = f"{name}/{kind}" if name else f"{kind}_{len(self.nodes)}"
        out = out or f"v{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, names, [out], name=title, **options))
        return out

    def reversed(self, states: str) -> str:
        """Each text's (length, n, ...) states from its last word to its first; padding stays where it is."""
        return self("ReverseSequence", states, "lengths", time_axis=0, batch_axis=1)

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name
