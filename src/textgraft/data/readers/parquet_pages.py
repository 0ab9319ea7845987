"""What the pages of a Parquet file say of their size, read before a library takes memory for them.

Parquet's format: https://parquet.apache.org/docs/file-format/. A page has a header in Thrift's compact protocol.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from textgraft.data.sources.files import SourceFile
from textgraft.errors import DataError
from textgraft.limits import FOOTER, PAGE

MOST_DECODED = 1 << 28  # bytes of a column's batch: its rows times the longest text that they may choose from
_HEADER = 1 << 12
_LONGEST_HEADER = 1 << 24
_DICTIONARY = 2  # type of a page


class _CutError(ValueError):
    """A header goes on behind what was read of it, or is none."""


def check_footer(file: SourceFile) -> None:
    """Raises DataError for a Parquet file whose description is too long; it is read as a whole."""
    with file.path.open("rb") as stream:
        stream.seek(-min(8, os.fstat(stream.fileno()).st_size), os.SEEK_END)
        length = int.from_bytes(stream.read(4), "little")
    size = file.path.stat().st_size
    if length <= size and (said := FOOTER.exceeded(length, "bytes of its description of columns")):
        raise DataError(f"{file.name} cannot be read: {said}")


def rows_at_once(file: SourceFile, metadata: Any, most: int) -> int:
    """How many rows can be read at once, at most ``most``: fewer where few bytes stand for long texts.

    Raises:
        DataError: a page unpacks to too much, or the file is damaged.
    """
    longest = 1
    with file.path.open("rb") as stream:
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(column)
                longest = max(longest, _longest(file.name, stream, chunk, most))
    return max(1, min(most, MOST_DECODED // longest))


def _longest(name: str, stream: BinaryIO, chunk: Any, rows: int) -> int:
    """Bytes of the longest value in the dictionary of a column, where it matters; checks all its pages."""
    at = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
        at = min(at, chunk.dictionary_page_offset)
    end, longest = at + chunk.total_compressed_size, 1
    while at < end:
        kind, unpacked, packed, start = _page(name, stream, at)
        if said := PAGE.exceeded(unpacked, f"bytes of a page of its column {chunk.path_in_schema!r}"):
            raise DataError(f"{name} cannot be read: {said}")
        texts = chunk.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
        if kind == _DICTIONARY and texts and unpacked * rows > MOST_DECODED:
            longest = max(longest, _longest_text(stream, start, packed, unpacked, chunk))
        at = start + packed
    return longest


def _longest_text(stream: BinaryIO, start: int, packed: int, unpacked: int, chunk: Any) -> int:
    import pyarrow as pa

    stream.seek(start)
    content, codec = stream.read(packed), chunk.compression.lower()
    if chunk.physical_type != "BYTE_ARRAY":
        return unpacked
    if codec not in ("uncompressed", "snappy", "gzip", "brotli", "zstd"):
        return unpacked
    if codec != "uncompressed":
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
            fields, length = _struct(head, 0, 0)
            kind, unpacked, packed = (fields[i] for i in (1, 2, 3))
        except (_CutError, KeyError):
            if size < _LONGEST_HEADER and len(head) == size:
                size *= 16
                continue
            kind, unpacked, packed, length = 0, -1, -1, 0
        if min(unpacked, packed) < 0:
            raise DataError(f"{name} cannot be read, it may be damaged: there is no page at byte {at:,}.")
        return kind, unpacked, packed, at + length


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, int], int]:
    """The whole numbers among the fields of a struct of Thrift, and where it ends."""
    found: dict[int, int] = {}
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
        if kind in (4, 5, 6):
            found[number], at = _signed(data, at)
        else:
            at = _skipped(data, at, kind, depth)


def _skipped(data: bytes, at: int, kind: int, depth: int) -> int:
    """Where a value of Thrift ends."""
    if depth > 16:
        raise _CutError
    if kind in (1, 2):  # true and false stand in the kind
        return at
    if kind == 3:
        return at + 1
    if kind in (4, 5, 6):
        return _signed(data, at)[1]
    if kind == 7:
        return at + 8
    if kind == 8:
        length, at = _varint(data, at)
        return at + length
    if kind == 12:
        return _struct(data, at, depth + 1)[1]
    if kind in (9, 10):
        byte, at = _byte(data, at)
        count, at = _varint(data, at) if byte >> 4 == 15 else (byte >> 4, at)
        for _ in range(min(count, len(data))):
            at = _skipped(data, at, max(3, byte & 15), depth + 1)
        return at
    raise _CutError


def _byte(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise _CutError
    return data[at], at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte, at = _byte(data, at)
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise _CutError


def _signed(data: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at
