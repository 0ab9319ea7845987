"""What an ONNX file asks for, read before a library reads it: the weights in the file itself, and plain operators.

ONNX can do more than a network here needs, and each of that leads out of the file or never ends: weights in other
files, graphs within graphs (``Loop``, ``Scan``, ``If``), functions, operators of other makers, tensors of any size. So
what is known is taken, its sizes are worked out (``network.py``), and all else is refused. ONNX is protocol buffers
(onnx/onnx.proto3); of a field it says the number and how it is written: as a number, as bytes, in 4 bytes or in 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from textgraft.errors import ArtifactError
from textgraft.runtimes.network import Node, check_sizes
from textgraft.runtimes.onnx_operators import OPERATORS, WHOLE_NUMBERS
from textgraft.runtimes.shapes import MOST_FOLLOWED, Tensor
from textgraft.runtimes.sizes import TEXTS, TOKENS_OF_EACH, UnboundedError, whole
from textgraft.unicode import quoted

MOST_BYTES: Final = (1 << 31) - 1  # of a file of protocol buffers, whoever reads it
NUMBER, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # how a field is written
MOST_NAME: Final = 10_000  # bytes
OURS: Final = {"", "ai.onnx"}  # the domain of the standard's own operators
OTHERS: Final = {("com.microsoft", "DynamicQuantizeLSTM")}  # what ONNX Runtime's quantiser writes besides them
# Bits of an element by its type; those that are not here, such as strings, no weights have.
BITS: Final = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16, 17: 8, 18: 8, 19: 8,
    20: 8, 21: 4, 22: 4, 23: 4,
}  # fmt: skip
# The fields of each message that hold nothing but names, numbers and notes.
MODEL: Final = {1, 2, 3, 4, 5, 6, 14}
GRAPH: Final = {2, 10, 12, 13, 14, 16}
NODE: Final = {3, 6, 9}
ATTRIBUTE: Final = {2, 4, 9, 13, 20}
TENSOR: Final = {12, 16}

Field = tuple[int, int, int, memoryview]  # number, how it is written, its value as a number, its value as bytes


def check_onnx(content: bytes, file: str) -> None:
    """Checks that a file holds one plain network with all of its weights, which takes bounded memory and time.

    Raises:
        ArtifactError: it is none, or names another file, or holds what is not known here, or becomes too large.
    """
    try:
        if content[4:8] == b"ORTM":  # by which ONNX Runtime knows a form of its own
            raise UnboundedError("it is of ONNX Runtime's own format")
        nodes, tensors = _model(memoryview(content))
        check_sizes(nodes, tensors, OPERATORS, len(content))
    except (UnboundedError, TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        damage = "" if isinstance(error, UnboundedError) else "its operators do not go together: "
        raise ArtifactError(
            f"{file} is not read: {damage}{error}. An export holds one network of standard operators, and its weights, "
            "and names no other file. Export the model again."
        ) from None


def _model(content: memoryview) -> tuple[list[Node], dict[str, Tensor]]:
    graphs = []
    for number, _, _, value in _fields(content):
        if number == 7:
            graphs.append(_graph(value))
        elif number == 8:
            _operators(value)
        elif number == 25:
            raise UnboundedError("it holds functions")
        elif number not in MODEL:
            raise UnboundedError(f"its model has the unknown field {number}")
    if len(graphs) != 1:
        raise UnboundedError(f"it holds {len(graphs)} networks")
    return graphs[0]


def _operators(content: memoryview) -> None:
    for number, _, _, value in _fields(content):
        domain = _text(value)
        if number == 1 and domain not in OURS | {maker for maker, _ in OTHERS}:
            raise UnboundedError(f"it asks for operators of {quoted(domain)}")


def _graph(content: memoryview) -> tuple[list[Node], dict[str, Tensor]]:
    nodes: list[Node] = []
    inputs: list[str] = []
    tensors: dict[str, Tensor] = {}
    for number, _, _, value in _fields(content):
        if number == 1:
            nodes.append(_node(value))
        elif number == 5:
            name, tensor = _tensor(value)
            if name in tensors:
                raise UnboundedError(f"the name {quoted(name[:80])} is given twice")
            tensors[name] = tensor
        elif number == 15:
            raise UnboundedError("it holds sparse weights")
        elif number == 11:  # which names there must be, the runtime checks
            inputs += [_text(name) for field, _, _, name in _fields(value) if field == 1]
        elif number not in GRAPH:
            raise UnboundedError(f"its graph has the unknown field {number}")
    batch = Tensor((TEXTS, TOKENS_OF_EACH))
    return nodes, dict.fromkeys(inputs, batch) | tensors  # older files list weights among the inputs


def _node(content: memoryview) -> Node:
    kind = domain = ""
    inputs, outputs, attributes = [], [], []
    for number, _, _, value in _fields(content):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            kind = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            attributes.append(value)
        elif number not in NODE:
            raise UnboundedError(f"an operator has the unknown field {number}")
    if domain not in OURS and (domain, kind) not in OTHERS:
        raise UnboundedError(f"it asks for the operator {quoted(kind)} of {quoted(domain)}")
    return Node(kind, inputs, outputs, dict(_attribute(attribute, kind) for attribute in attributes))


def _attribute(content: memoryview, kind: str) -> tuple[str, Any]:
    """Its name and its value: a whole number, several, a text or a tensor; None of what says nothing of sizes."""
    name, several = "", list[int]()
    value: int | str | Tensor | None = None
    for number, written, number_value, part in _fields(content):
        if number == 1:
            name = _text(part)
        elif number == 3:
            value = _signed(number_value)
        elif number == 4:
            value = _text(part)
        elif number == 8:
            several += map(_signed, [number_value] if written == NUMBER else _packed(part))
        elif number in (5, 10):
            value = _tensor(part)[1]
        elif number in (6, 11):
            raise UnboundedError(f"its operator {quoted(kind)} runs a network of its own")
        elif number in (22, 23):
            raise UnboundedError("it holds sparse weights")
        elif number not in ATTRIBUTE | {7}:
            raise UnboundedError(f"its operator {quoted(kind)} has an attribute with the unknown field {number}")
    return name, several or value


def _tensor(content: memoryview) -> tuple[str, Tensor]:
    """The name and shape of a tensor whose numbers are in itself, and as many as it says; of few, the numbers."""
    name, shape = "", list[int]()
    kind = size = 0
    outside = False
    raw = content[:0]
    written_out: list[int] = []
    for number, written, number_value, value in _fields(content):
        if number == 1:
            shape += [number_value] if written == NUMBER else _packed(value)
        elif number == 2:
            kind = number_value
        elif number == 8:
            name = _text(value)
        elif number == 9:
            size += len(value)
            raw = value
        elif number in (4, 5, 7, 10, 11):
            if written != BYTES:
                raise UnboundedError("the numbers of a tensor are written one by one")
            size = -1  # of these the type says how they are written; the library counts them
            written_out = _packed(value) if number in (5, 7) and len(value) <= 10 * MOST_FOLLOWED else []
        elif number == 13 or (number == 14 and number_value != 0):
            outside = True
        elif number not in TENSOR and number != 14:
            raise UnboundedError(f"a tensor has the unknown field {number}")
    if outside:
        raise UnboundedError("weights are in another file")
    if kind not in BITS or any(part >= 1 << 40 for part in shape):
        raise UnboundedError(f"a tensor is of the type {kind} and the shape {shape[:8]}")
    count = math.prod(shape)
    if size >= 0 and size != (count * BITS[kind] + 7) // 8:
        raise UnboundedError(f"a tensor of the shape {shape[:8]} has {size:,} bytes")
    return name, Tensor(tuple(map(whole, shape)), _values(kind, shape, raw if size >= 0 else written_out))


def _values(kind: int, shape: list[int], numbers: memoryview | list[int]) -> tuple[Any, ...] | None:
    """The numbers of a tensor that may be a shape, or say which part of one."""
    if kind not in WHOLE_NUMBERS or len(shape) > 1 or math.prod(shape) > MOST_FOLLOWED:
        return None
    if isinstance(numbers, list):
        found: Sequence[int] = [_signed(number) for number in numbers]
    else:
        found = np.frombuffer(numbers, "<i4" if kind == 6 else "<i8").tolist()
    return tuple(map(whole, found)) if len(found) == math.prod(shape) else None


def _signed(number: int) -> int:
    """A number of 64 bits, of which the highest is its sign."""
    return number - (1 << 64) if number >> 63 else number


def _packed(content: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(content):
        value, at = _varint(content, at)
        values.append(value)
    return values


def _fields(content: memoryview) -> Iterator[Field]:
    """The fields of a message, in their order."""
    at, end, nothing = 0, len(content), content[:0]
    while at < end:
        key, at = _varint(content, at)
        number, written = key >> 3, key & 7
        whole, value = 0, nothing
        if written == NUMBER:
            whole, at = _varint(content, at)
        elif written in (BYTES, EIGHT, FOUR):
            length, at = _varint(content, at) if written == BYTES else ({EIGHT: 8, FOUR: 4}[written], at)
            value = content[at : at + length]
            at += length
        else:
            raise UnboundedError("it is not ONNX")
        if at > end or not number:
            raise UnboundedError("it is not ONNX, or cut off")
        yield number, written, whole, value


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at ``at``, seven bits a byte, the lowest first; and where it ends."""
    value = shift = 0
    for i in range(at, min(at + 10, len(content))):
        byte = content[i]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, i + 1
        shift += 7
    raise UnboundedError("it is not ONNX, or cut off")


def _text(content: memoryview) -> str:
    if len(content) > MOST_NAME:
        raise UnboundedError(f"it has a name of {len(content):,} bytes")
    return bytes(content).decode("utf-8", "backslashreplace")
