"""What the packed buffers of an Arrow file say of their size, read before a library takes memory for them.

Arrow's format: https://arrow.apache.org/docs/format/Columnar.html. What it says of a batch is a FlatBuffer: tables
whose fields are found by their number.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from textgraft.data.sources.files import SourceFile
from textgraft.errors import DataError

_MAGIC = b"ARROW1"
_BEGINS = b"\xff\xff\xff\xff"
_LONGEST = 1 << 28  # bytes of what is said of a batch
_DICTIONARY, _BATCH = 2, 3  # headers of messages


def check_arrow(file: SourceFile) -> None:
    """Raises DataError for a batch that unpacks to far more than the file has (see ``Meter``), or is damaged."""
    with file.path.open("rb") as stream:
        try:
            head = stream.read(8)
            places = _listed(stream) if head.startswith(_MAGIC) else _streamed(stream)
            for said, body in places:
                file.meter().add(_unpacked(stream, said, body))
        except (struct.error, IndexError, OSError) as error:
            raise DataError(f"{file.name} cannot be read, it may be damaged: {error}.") from None


def _streamed(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """What is said of each message of a stream, and where its body begins."""
    at = 0
    while True:
        stream.seek(at)
        head = stream.read(8)
        old = head[:4] != _BEGINS  # before Arrow 0.15
        length = int.from_bytes(head[:4] if old else head[4:8], "little")
        if len(head) < 8 or not length:
            return
        at += 4 if old else 8
        said, body = _said(stream, at, length), at + length
        yield said, body
        at = body + _Table.first(said).number(3, "<q")


def _listed(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The same of the dictionaries and batches that the end of a file lists."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 10))
    length = int.from_bytes(stream.read(4), "little")
    footer = _Table.first(_said(stream, size - 10 - length, length))
    for field in (2, 3):
        at, count = footer.vector(field)
        for i in range(count):
            start, said, _ = struct.unpack_from("<qi4xq", footer.data, at + 24 * i)
            prefix = _said(stream, start, 8)
            begins = 8 if prefix[:4] == _BEGINS else 4
            yield _said(stream, start + begins, max(0, said - begins)), start + said


def _said(stream: BinaryIO, at: int, length: int) -> bytes:
    if at < 0 or not 0 <= length <= _LONGEST:
        raise IndexError("what it says of its batches is not there")
    stream.seek(at)
    return stream.read(length)


def _unpacked(stream: BinaryIO, said: bytes, body: int) -> int:
    """The bytes of a message's buffers as the packed ones say; 0 where none is packed."""
    message = _Table.first(said)
    kind = message.number(1, "<B")
    if kind not in (_DICTIONARY, _BATCH):
        return 0
    batch = message.table(2)
    if batch is not None and kind == _DICTIONARY:
        batch = batch.table(1)
    if batch is None or batch.table(3) is None:
        return 0
    total = 0
    at, count = batch.vector(2)
    for i in range(count):
        start, length = struct.unpack_from("<qq", said, at + 16 * i)
        if length >= 8:
            stream.seek(max(0, body + start))
            total += max(0, int.from_bytes(stream.read(8), "little", signed=True))  # -1: it is not packed
    return total


class _Table:
    """A table of a FlatBuffer; raises struct.error where it leads out of its bytes."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self._at = data, at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        self._size = struct.unpack_from("<H", data, max(0, self._fields))[0]

    @classmethod
    def first(cls, data: bytes) -> _Table:
        """The table that a FlatBuffer holds."""
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def number(self, field: int, form: str) -> int:
        """A number; 0 where it is not said."""
        at = self._place(field)
        return struct.unpack_from(form, self.data, at)[0] if at else 0

    def table(self, field: int) -> _Table | None:
        """A table within, if there is one."""
        at = self._place(field)
        return _Table(self.data, at + struct.unpack_from("<I", self.data, at)[0]) if at else None

    def vector(self, field: int) -> tuple[int, int]:
        """Where the items of a vector begin, and how many they are."""
        at = self._place(field)
        if not at:
            return 0, 0
        at += struct.unpack_from("<I", self.data, at)[0]
        return at + 4, struct.unpack_from("<I", self.data, at)[0]

    def _place(self, field: int) -> int:
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return 0
        offset = struct.unpack_from("<H", self.data, max(0, self._fields) + entry)[0]
        return self._at + offset if offset else 0
