"""Thrift's compact protocol, in which Parquet describes its columns and pages: structs as fields by number.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import Any

_DEEPEST = 32
Struct = dict[int, Any]


class CutError(ValueError):
    """The bytes end within a struct, or hold none."""


def read_struct(data: bytes, at: int = 0, depth: int = 0) -> tuple[Struct, int]:
    """The fields of the struct that begins at a place, and where it ends; whole numbers, bytes, lists and structs.

    Raises:
        CutError: there is none, or more of it than there is.
    """
    if depth > _DEEPEST:
        raise CutError
    found: Struct = {}
    number = 0
    while True:
        byte, at = _byte(data, at)
        kind = byte & 15
        if kind == 0:
            return found, at
        if byte >> 4:
            number += byte >> 4
        else:
            number, at = _signed(data, at)
        if kind in (1, 2):  # true and false stand in the kind
            found[number] = kind == 1
        else:
            found[number], at = _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (4, 5, 6):
        return _signed(data, at)
    if kind == 8:
        length, at = _varint(data, at)
        return data[at : at + length], _within(data, at + length)
    if kind == 12:
        return read_struct(data, at, depth + 1)
    if kind in (9, 10):
        byte, at = _byte(data, at)
        count, at = _varint(data, at) if byte >> 4 == 15 else (byte >> 4, at)
        items = []
        for _ in range(count):
            item, at = _value(data, at, byte & 15, depth + 1)
            items.append(item)
        return items, at
    if kind in (1, 2, 3):
        return _byte(data, at)
    if kind == 7:
        return 0.0, _within(data, at + 8)
    raise CutError


def _within(data: bytes, at: int) -> int:
    if at > len(data):
        raise CutError
    return at


def _byte(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise CutError
    return data[at], at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte, at = _byte(data, at)
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise CutError


def _signed(data: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at
