"""What the pages of a Parquet file say of their size, read before a library takes memory for them.

Parquet's format: https://parquet.apache.org/docs/file-format/.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from textgraft.data.readers.thrift import CutError, Struct, read_struct
from textgraft.data.sources.files import SourceFile
from textgraft.errors import DataError
from textgraft.limits import FOOTER, PAGE

MOST_DECODED = 1 << 28  # bytes of a column's batch: its rows times the longest text that they may choose from
_HEADER = 1 << 12
_LONGEST_HEADER = 1 << 24
_DICTIONARY = 2  # type of a page
_TEXT, _FIXED = 6, 7  # types of columns
_CODECS = {0: "", 1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}


def rows_at_once(file: SourceFile, most: int) -> int:
    """How many rows can be read at once, at most ``most``: fewer where few bytes stand for long texts.

    What PyArrow knows of columns is not asked: a damaged description of one ends the process.

    Raises:
        DataError: the description or a page is too large, or the file is damaged.
    """
    longest = 1
    with file.path.open("rb") as stream:
        for group in _listed(_footer(file, stream).get(4)):
            for column in _listed(group.get(1)):
                chunk = column.get(3)
                if isinstance(chunk, dict):  # else it is encrypted, which is not read
                    longest = max(longest, _longest(file.name, stream, chunk, most))
    return max(1, min(most, MOST_DECODED // longest))


def _footer(file: SourceFile, stream: BinaryIO) -> Struct:
    """The description at the end of a file."""
    size = os.fstat(stream.fileno()).st_size
    stream.seek(max(0, size - 8))
    length = int.from_bytes(stream.read(4), "little")
    if length <= size and (said := FOOTER.exceeded(length, "bytes of its description of columns")):
        raise DataError(f"{file.name} cannot be read: {said}")
    stream.seek(max(0, size - 8 - length))
    try:
        return read_struct(stream.read(length))[0]
    except CutError:
        raise DataError(f"{file.name} cannot be read, it may be damaged: it has no description of columns.") from None


def _listed(value: Any) -> list[Struct]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(struct: Struct, field: int) -> int:
    value = struct.get(field, 0)
    return value if isinstance(value, int) else 0


def _longest(name: str, stream: BinaryIO, chunk: Struct, rows: int) -> int:
    """Bytes of the longest value in the dictionary of a column, where it matters; checks all its pages."""
    physical, codec, at, dictionary = (_number(chunk, field) for field in (1, 4, 9, 11))
    at = min(at, dictionary) if dictionary > 0 else at
    end, longest = at + _number(chunk, 7), 1
    while 0 <= at < end:
        kind, unpacked, packed, start = _page(name, stream, at)
        if said := PAGE.exceeded(unpacked, "bytes of a page of a column"):
            raise DataError(f"{name} cannot be read: {said}")
        if kind == _DICTIONARY and physical in (_TEXT, _FIXED) and unpacked * rows > MOST_DECODED:
            longest = max(longest, _longest_text(stream, start, packed, unpacked, _CODECS.get(codec)))
        at = start + packed
    return longest


def _longest_text(stream: BinaryIO, start: int, packed: int, unpacked: int, codec: str | None) -> int:
    """Bytes of the longest text of a dictionary, or of all where that cannot be told."""
    if codec is None:
        return unpacked
    stream.seek(start)
    content = stream.read(packed)
    if codec:
        import pyarrow as pa

        content = pa.decompress(content, unpacked, codec, asbytes=True)
    at, longest = 0, 1
    while at + 4 <= len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        longest, at = max(longest, min(length, unpacked)), at + 4 + length
    return longest


def _page(name: str, stream: BinaryIO, at: int) -> tuple[int, int, int, int]:
    """The type of the page at a place, its bytes unpacked and packed, and where they begin."""
    size = _HEADER
    while True:
        stream.seek(at)
        head = stream.read(size)
        try:
            fields, length = read_struct(head)
        except CutError:
            if size < _LONGEST_HEADER and len(head) == size:
                size *= 16
                continue
            fields, length = {}, 0
        kind, unpacked, packed = (fields.get(field, -1) for field in (1, 2, 3))
        if not all(isinstance(number, int) for number in (kind, unpacked, packed)) or min(unpacked, packed) < 0:
            raise DataError(f"{name} cannot be read, it may be damaged: there is no page at byte {at:,}.")
        return kind, unpacked, packed, at + length
