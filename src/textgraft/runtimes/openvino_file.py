"""What OpenVINO's ``.xml`` asks for, read before the library reads it: a network in this form, its weights in the .bin.

OpenVINO looks at the content of a file, whatever its name, and reads ONNX, TensorFlow and others, which may name
further files. So what does not begin as OpenVINO writes it is refused. Its own form holds layers and edges; graphs
within layers (``Loop``, ``If``, ``TensorIterator``) and layers of extensions are none that an export has, and how large
the others become is worked out (``network.py``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

import numpy as np

from textgraft.errors import ArtifactError
from textgraft.runtimes.network import Node, check_sizes
from textgraft.runtimes.openvino_operators import OPERATORS, WHOLE_NUMBERS
from textgraft.runtimes.shapes import MOST_FOLLOWED, Tensor
from textgraft.runtimes.sizes import TEXTS, TOKENS_OF_EACH, UnboundedError, whole
from textgraft.unicode import quoted

MOST_BYTES: Final = 256 << 20  # of the .xml, which holds no weights
MOST_WEIGHTS: Final = 16 << 30  # bytes of the .bin
# Nothing before the network, so that no entities are declared.
BEGINNING: Final = re.compile(rb'<\?xml version="1\.0"( encoding="(utf|UTF)-8")?\?>\s*<net ')
ELEMENTS: Final = {"net", "layers", "layer", "data", "input", "output", "port", "dim", "edges", "edge"}
NOTES: Final = "rt_info"  # where what made the network remarks on it
DEEPEST: Final = 32  # elements in each other
BITS: Final = {
    "boolean": 8, "i4": 4, "u4": 4, "i8": 8, "u8": 8, "i16": 16, "u16": 16, "f16": 16, "bf16": 16, "i32": 32, "u32": 32,
    "f32": 32, "i64": 64, "u64": 64, "f64": 64,
}  # fmt: skip
CODES: Final = {"i32": "<i4", "i64": "<i8", "u32": "<u4", "u64": "<u8"}  # of numbers that may be axes


def check_openvino(content: bytes, weights: bytes, file: str) -> None:
    """Checks that a file holds one plain network, whose weights lie beside it, and which takes bounded memory and time.

    Raises:
        ArtifactError: it is none, or names another file, or holds what is not known here, or becomes too large.
    """
    try:
        if not BEGINNING.match(content):
            raise UnboundedError("it does not begin as OpenVINO's own files do")
        reader = _Reader()
        reader.read(content)
        tensors = dict(_tensors(reader.layers, weights))
        nodes = [_node(layer, reader.edges) for layer in reader.layers if layer.kind not in ("Const", "Parameter")]
        check_sizes(nodes, tensors, OPERATORS, len(weights))
    except (UnboundedError, expat.ExpatError, TypeError, ValueError, LookupError, OverflowError) as error:
        damage = "" if isinstance(error, UnboundedError | expat.ExpatError) else "its layers do not go together: "
        raise ArtifactError(
            f"{file} is not read: {damage}{error}. An export holds one network in OpenVINO's own form, and names no "
            "other file. Export the model again."
        ) from None


@dataclass
class _Layer:
    """A layer: its ports by their numbers, those of inputs first."""

    number: str
    kind: str
    data: dict[str, str] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


class _Reader:
    """What a file holds of layers and of edges between their ports."""

    def __init__(self) -> None:
        self.layers: list[_Layer] = []
        self.edges: dict[tuple[str, str], str] = {}  # from a layer and a port of it to what is read there
        self._open: list[str] = []

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._began
        parser.EndElementHandler = self._ended
        parser.Parse(content, True)

    def _began(self, name: str, values: dict[str, str]) -> None:
        self._open.append(name)
        if len(self._open) > DEEPEST:
            raise UnboundedError("its elements are nested too deeply")
        if NOTES in self._open:
            if "path" in name.lower():
                raise UnboundedError(f"it has the note {quoted(name)}")
            return
        if name not in ELEMENTS:
            raise UnboundedError(f"it has the element {quoted(name)}")
        if name == "layer":
            kind, version = values.get("type", ""), values.get("version", "")
            if not re.fullmatch(r"opset\d+", version):
                raise UnboundedError(f"it asks for the layer {quoted(kind)} of {quoted(version)}")
            self.layers.append(_Layer(values["id"], kind))
        elif name == "data":
            self.layers[-1].data.update(values)
        elif name == "port":
            ports = self.layers[-1].inputs if self._open[-2] == "input" else self.layers[-1].outputs
            ports.append(values["id"])
        elif name == "edge":
            place = values["to-layer"], values["to-port"]
            if place in self.edges:
                raise UnboundedError("two edges lead to one port")
            self.edges[place] = f"{values['from-layer']}:{values['from-port']}"

    def _ended(self, _: str) -> None:
        self._open.pop()


def _tensors(layers: list[_Layer], weights: bytes) -> Iterator[tuple[str, Tensor]]:
    """Inputs and constants, by the names of their ports."""
    seen = set()
    for layer in layers:
        if layer.number in seen:
            raise UnboundedError(f"two layers have the number {quoted(layer.number[:20])}")
        seen.add(layer.number)
        if layer.kind == "Parameter":
            if layer.data.get("shape", "").count(",") != 1:
                raise UnboundedError(f"it reads what has the shape {quoted(layer.data.get('shape', '')[:80])}")
            tensor = Tensor((TEXTS, TOKENS_OF_EACH))
        elif layer.kind == "Const":
            tensor = _constant(layer.data, weights)
        else:
            continue
        (port,) = layer.outputs
        yield f"{layer.number}:{port}", tensor


def _constant(data: dict[str, str], weights: bytes) -> Tensor:
    """A constant whose numbers are as many as it says; of few, the numbers."""
    sizes = [size.strip() for size in data["shape"].split(",")] if data.get("shape") else []
    written = [data.get("offset", ""), data.get("size", ""), *sizes]
    if not all(re.fullmatch(r"[0-9]{1,18}", number) for number in written):
        raise UnboundedError(
            f"a constant has {quoted(written[1])} bytes from {quoted(written[0])} on, and the shape {sizes[:8]}"
        )
    offset, size, *shape = map(int, written)
    kind = data.get("element_type", "")
    if offset + size > len(weights):
        raise UnboundedError(f"a constant has '{size}' bytes from '{offset}' on, of {len(weights):,}")
    if kind not in BITS or (math.prod(shape) * BITS[kind] + 7) // 8 != size:
        raise UnboundedError(f"a constant of {quoted(kind)} and the shape {shape[:8]} has {size:,} bytes")
    dimensions = tuple(map(whole, shape))
    if kind not in CODES or len(shape) > 1 or not 0 < math.prod(shape) <= MOST_FOLLOWED:
        return Tensor(dimensions)
    numbers = np.frombuffer(weights, CODES[kind], math.prod(shape), offset).tolist()
    return Tensor(dimensions, tuple(map(whole, numbers)) if kind in WHOLE_NUMBERS else None, tuple(numbers))


def _node(layer: _Layer, edges: dict[tuple[str, str], str]) -> Node:
    inputs = [edges.get((layer.number, port), "") for port in layer.inputs]
    if "" in inputs:
        raise UnboundedError(f"the layer {quoted(layer.kind)} reads what no edge leads to")
    return Node(layer.kind, inputs, [f"{layer.number}:{port}" for port in layer.outputs], layer.data)
