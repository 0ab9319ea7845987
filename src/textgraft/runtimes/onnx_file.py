"""What an ONNX file asks for, read before a library reads it: the weights in the file itself, and plain operators.

ONNX can do more than a network here needs, and each of that leads out of the file or never ends: weights in other
files, graphs within graphs (``Loop``, ``Scan``, ``If``), functions, operators of other makers. So what is known is
taken, and all else is refused. ONNX is protocol buffers (onnx/onnx.proto3); of a field it says the number and how it
is written: as a number, as bytes, in 4 bytes or in 8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from textgraft.errors import ArtifactError
from textgraft.unicode import quoted

MOST_BYTES: Final = (1 << 31) - 1  # of a file of protocol buffers, whoever reads it
NUMBER, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # how a field is written
OURS: Final = {"", "ai.onnx"}  # the domain of the standard's own operators
OTHERS: Final = {("com.microsoft", "DynamicQuantizeLSTM")}  # what ONNX Runtime's quantiser writes besides them
# Bits of an element by its type; those that are not here, such as strings, no weights have.
BITS: Final = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16, 17: 8, 18: 8, 19: 8,
    20: 8, 21: 4, 22: 4, 23: 4,
}  # fmt: skip
# The fields of each message that hold nothing but names, numbers and notes.
MODEL: Final = {1, 2, 3, 4, 5, 6, 14}
GRAPH: Final = {2, 10, 11, 12, 13, 14, 16}
NODE: Final = {1, 2, 3, 6, 9}
ATTRIBUTE: Final = {1, 2, 3, 4, 7, 8, 9, 13, 20}
TENSOR: Final = {8, 12, 16}

Field = tuple[int, int, int, memoryview]  # number, how it is written, its value as a number, its value as bytes


def check_onnx(content: bytes, file: str) -> None:
    """Checks that a file holds one plain network with all of its weights.

    Raises:
        ArtifactError: it is none, or names another file, or holds what is not known here.
    """
    try:
        if content[4:8] == b"ORTM":  # by which ONNX Runtime knows a form of its own
            raise _UnknownError("it is of ONNX Runtime's own format")
        _model(memoryview(content))
    except _UnknownError as error:
        raise ArtifactError(
            f"{file} is not read: {error}. An export holds one network of standard operators, and its weights, and "
            "names no other file. Export the model again."
        ) from None


class _UnknownError(Exception):
    """What a file holds and an export does not, as a clause."""


def _model(content: memoryview) -> None:
    graphs = 0
    for number, _, _, value in _fields(content):
        if number == 7:
            graphs += 1
            _graph(value)
        elif number == 8:
            _operators(value)
        elif number == 25:
            raise _UnknownError("it holds functions")
        elif number not in MODEL:
            raise _UnknownError(f"its model has the unknown field {number}")
    if graphs != 1:
        raise _UnknownError(f"it holds {graphs} networks")


def _operators(content: memoryview) -> None:
    for number, _, _, value in _fields(content):
        domain = _text(value)
        if number == 1 and domain not in OURS | {maker for maker, _ in OTHERS}:
            raise _UnknownError(f"it asks for operators of {quoted(domain)}")


def _graph(content: memoryview) -> None:
    parts: dict[int, Callable[[memoryview], None]] = {1: _node, 5: _tensor}
    for number, _, _, value in _fields(content):
        if number in parts:
            parts[number](value)
        elif number == 15:
            raise _UnknownError("it holds sparse weights")
        elif number not in GRAPH:
            raise _UnknownError(f"its graph has the unknown field {number}")


def _node(content: memoryview) -> None:
    kind = domain = ""
    attributes = []
    for number, _, _, value in _fields(content):
        if number == 4:
            kind = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            attributes.append(value)
        elif number not in NODE:
            raise _UnknownError(f"an operator has the unknown field {number}")
    if domain not in OURS and (domain, kind) not in OTHERS:
        raise _UnknownError(f"it asks for the operator {quoted(kind)} of {quoted(domain)}")
    for attribute in attributes:
        _attribute(attribute, kind)


def _attribute(content: memoryview, kind: str) -> None:
    for number, _, _, value in _fields(content):
        if number in (5, 10):
            _tensor(value)
        elif number in (6, 11):
            raise _UnknownError(f"its operator {quoted(kind)} runs a network of its own")
        elif number in (22, 23):
            raise _UnknownError("it holds sparse weights")
        elif number not in ATTRIBUTE:
            raise _UnknownError(f"its operator {quoted(kind)} has an attribute with the unknown field {number}")


def _tensor(content: memoryview) -> None:
    """Checks that the numbers are in the tensor itself, and as many as it says."""
    shape: list[int] = []
    kind = size = 0
    outside = False
    for number, written, whole, value in _fields(content):
        if number == 1:
            shape += [whole] if written == NUMBER else _packed(value)
        elif number == 2:
            kind = whole
        elif number == 9:
            size += len(value)
        elif number in (4, 5, 7, 10, 11):
            if written != BYTES:
                raise _UnknownError("the numbers of a tensor are written one by one")
            size = -1  # of these the type says how they are written; the library counts them
        elif number == 13 or (number == 14 and whole != 0):
            outside = True
        elif number not in TENSOR and number != 14:
            raise _UnknownError(f"a tensor has the unknown field {number}")
    if outside:
        raise _UnknownError("weights are in another file")
    if kind not in BITS or any(part >= 1 << 40 for part in shape):
        raise _UnknownError(f"a tensor is of the type {kind} and the shape {shape[:8]}")
    if size >= 0 and size != (math.prod(shape) * BITS[kind] + 7) // 8:
        raise _UnknownError(f"a tensor of the shape {shape[:8]} has {size:,} bytes")


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
            raise _UnknownError("it is not ONNX")
        if at > end or not number:
            raise _UnknownError("it is not ONNX, or cut off")
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
    raise _UnknownError("it is not ONNX, or cut off")


def _text(content: memoryview) -> str:
    return bytes(content[:200]).decode("utf-8", "replace")
