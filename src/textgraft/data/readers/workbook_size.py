"""How large a workbook is, before a library opens it: what its members unpack to, and the rectangles of its sheets.

The library holds a sheet as the whole rectangle that its cells span, and ends the process where memory runs out.
"""

from __future__ import annotations

import bz2
import re
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import BadZipFile, ZipFile, ZipInfo

from textgraft.data.sources.files import SourceFile
from textgraft.data.sources.packings import Inflater
from textgraft.errors import DataError
from textgraft.limits import EMPTY_CELLS

_BLOCK = 1 << 20
_WITHIN = rb"""(?:[^"'<>]|"[^"<]*"|'[^'<]*')*"""  # a tag: attributes, and blanks around them
_CELL = re.compile(  # with its place; or without one, to its end; or neither, for it is none
    rb"""<(?:[\w.-]+:)?c(?=[\s/>])(?:\s%b?\br\s*=\s*["']([A-Za-z]+)([0-9]+)["']|(%b>)|)""" % (_WITHIN, _WITHIN)
)
_ROW = re.compile(rb"""<(?:[\w.-]+:)?row\s%b?\br\s*=\s*["']([0-9]+)["']""" % _WITHIN)
_OPEN_ROW = re.compile(
    rb"<table:table-row\b([^>]*)>|<table:(?:covered-)?table-cell\b([^>]*?)(/?)>|</table:table(?=>)", re.DOTALL
)
_REPEATED = re.compile(rb"""number-(?:rows|columns)-repeated\s*=\s*["']([0-9]+)["']""")
_HEADER = struct.Struct("<4s5H3I2H")


def check_workbook(file: SourceFile) -> None:
    """Raises DataError for a zipped workbook that unpacks to far more than its size, or whose sheets span too much."""
    meter = file.meter()
    with ZipFile(file.path) as archive, file.path.open("rb") as raw:
        binary = "xl/workbook.bin" in archive.namelist()
        for info in archive.infolist():
            blocks = _counted(_unpacked(raw, info, file.name), meter.add)
            try:
                spanned, filled = _size_of(info, binary)(blocks)
            except ExpatError as error:
                raise BadZipFile(f"{info.filename} is not XML: {error}") from None
            empty = spanned - filled
            if said := EMPTY_CELLS.exceeded(empty, "empty cells"):
                raise DataError(
                    f"{file.name} cannot be read: the cells of {info.filename} span {spanned:,}, of which {filled:,} "
                    f"are filled; {said} Or delete what stands far from the table, and save the workbook anew."
                )


def _size_of(info: ZipInfo, binary: bool) -> Callable[[Iterator[bytes]], tuple[int, int]]:
    """What tells the size of a sheet, in a workbook of Excel's binary form or another."""
    name = info.filename.lower()
    if name == "content.xml":
        return _repeats
    return _records if binary and name.endswith(".bin") else partial(_cells, strict=name.endswith(".xml"))


def _counted(blocks: Iterator[bytes], add: Callable[[int], None]) -> Iterator[bytes]:
    for block in blocks:
        add(len(block))
        yield block


def _unpacked(raw: BinaryIO, info: ZipInfo, name: str) -> Iterator[bytes]:
    """All that a member unpacks to, whatever the archive says of its size."""
    raw.seek(info.header_offset)
    head = raw.read(_HEADER.size)
    if len(head) < _HEADER.size or not head.startswith(b"PK\3\4"):
        raise DataError(f"{name} cannot be read as a workbook: it is damaged where {info.filename} should begin.")
    *_, named, extra = _HEADER.unpack(head)
    raw.seek(named + extra, 1)
    left = info.compress_size
    if info.compress_type not in (0, 8, 12):
        raise DataError(f"{name} cannot be read as a workbook: it is packed by a method that workbooks do not have.")
    unpack = Inflater(-15) if info.compress_type == 8 else bz2.BZ2Decompressor()
    while left > 0 and (block := raw.read(min(left, _BLOCK))):
        left -= len(block)
        if info.compress_type == 0:
            yield block
            continue
        while not unpack.eof:
            yield unpack.decompress(block, _BLOCK)
            if unpack.needs_input:
                break
            block = b""


def _at_tags(blocks: Iterator[bytes], *, strict: bool) -> Iterator[bytes]:
    """The bytes in parts that end before a tag, so that none is cut.

    Raises:
        BadZipFile: there is none for longer than a cell is.
    """
    rest = b""
    for block in blocks:
        text = rest + block
        begun = max(text.rfind(b"<"), 0)
        rest = text[begun:]
        if strict and len(rest) > _BLOCK:
            raise BadZipFile(f"there are more than {_BLOCK:,} bytes between two tags of a sheet")
        rest = rest[-_BLOCK:]
        yield text[:begun]
    yield rest


def _cells(blocks: Iterator[bytes], *, strict: bool) -> tuple[int, int]:
    """How many cells a sheet of Excel's XML spans, and how many it has; what is not ``strict`` may be a picture."""
    rows, columns, filled, in_row = 0, 0, 0, 0
    for text in _at_tags(blocks, strict=strict):
        found = _CELL.findall(text)
        filled += len(found)
        placed = [digits for _, digits, _ in found if digits]
        rows = max(rows, 0, *map(_row, placed))
        columns = max(columns, 0, *map(_column, {letters for letters, _, _ in found}))
        if strict and len(placed) + sum(bool(whole) for _, _, whole in found) < len(found):
            raise BadZipFile("a cell of a sheet is not written as XML is")
        if len(placed) < len(found):  # those without a place stand one after the other in their row
            rows = max(rows, 0, *map(_row, _ROW.findall(text)))
            in_rows = [part.count(b"<c") + part.count(b":c") for part in text.split(b"row")]
            in_rows[0] += in_row
            in_row, columns = in_rows[-1], max(columns, *in_rows)
    return rows * columns, filled


def _row(digits: bytes) -> int:
    return int(digits) if len(digits) < 10 else 10**10


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters[:7].upper():
        number = 26 * number + letter - 64
    return number


def _records(blocks: Iterator[bytes]) -> tuple[int, int]:
    """The same of a sheet in Excel's binary form: records of a type, a length and the content."""
    data = bytearray()
    row = rows = columns = filled = 0
    for block in blocks:
        data += block
        at = 0
        while (head := _record(data, at)) is not None and head[1] + head[2] <= len(data):
            kind, start, length = head
            if kind == 0 and length >= 4:  # a row begins
                row = int.from_bytes(data[start : start + 4], "little")
            elif 1 <= kind <= 11 and length >= 4:  # a cell
                filled += 1
                rows = max(rows, row + 1)
                columns = max(columns, int.from_bytes(data[start : start + 4], "little") + 1)
            at = start + length
        del data[:at]
    return rows * columns, filled


def _record(data: bytearray, at: int) -> tuple[int, int, int] | None:
    """The type of the record that begins at a place, where its content begins and its length; None if it is cut."""
    numbers = []
    for most in (2, 4):
        number = 0
        for i in range(most):
            if at >= len(data):
                return None
            number |= (data[at] & 0x7F) << 7 * i
            at += 1
            if data[at - 1] < 0x80:
                break
        numbers.append(number)
    return numbers[0], at, numbers[1]


def _repeats(blocks: Iterator[bytes]) -> tuple[int, int]:
    """The same of a document of OpenDocument, which says how often rows and cells are repeated.

    Raises:
        ExpatError: it is not XML, whose tables all end: the library would look for the end of one for ever.
    """
    xml = ParserCreate()
    spanned = filled = rows = widest = in_row = repeated = 0

    def sheet_ended() -> None:
        nonlocal spanned, rows, widest
        spanned, rows, widest = spanned + rows * widest, 0, 0

    for text in _at_tags(blocks, strict=True):
        xml.Parse(text)
        for tag in _OPEN_ROW.finditer(text):
            row, cell, bare = tag.groups()
            if row is not None:
                rows, in_row, repeated = rows + repeated, 0, _times(row)
            elif cell is not None:
                in_row += _times(cell)
                if not bare:
                    filled += 1
                    widest = max(widest, in_row)
                    rows, repeated = rows + repeated, 0
            else:
                sheet_ended()
    xml.Parse(b"", True)
    sheet_ended()
    return spanned, filled


def _times(attributes: bytes) -> int:
    found = _REPEATED.search(attributes)
    return _row(found[1]) if found else 1
