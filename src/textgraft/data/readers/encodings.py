"""Which encoding a text file has: what its mark says, else UTF-8, else Latin-1 or Windows-1252, and then said so."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from textgraft.data.readers.chunks import Reading
from textgraft.data.sources.files import SourceFile, read_head
from textgraft.data.sources.marks import marked, unmarked
from textgraft.data.sources.meters import Meter
from textgraft.errors import DataError

_WINDOWS_ONLY = frozenset(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}
LONGEST = 1 << 24  # characters of a line
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Decoding:
    """How a file's bytes become text.

    With ``checked`` a line may hold bytes that do not decode; they stand in it as lone surrogates (see
    ``undecoded``), so that only its row is lost and not the file.
    """

    encoding: str
    checked: bool = False


def find_decoding(file: SourceFile, reading: Reading) -> Decoding:
    """The encoding of a text file.

    A byte-order mark decides. Without one the null bytes of UTF-16 and UTF-32 tell them, which is said; else the file
    is UTF-8 if all of it is. A file with more lines of valid multi-byte UTF-8 than of invalid bytes is UTF-8 with some
    broken rows. Any other is Latin-1, or Windows-1252 if it has that code page's own bytes; the report then says so
    and from which line on.

    Raises:
        DataError: the file is full of null bytes, and not as UTF-16 is.
    """
    head = read_head(file)
    mark = marked(head)
    if (encoding := reading.options.encoding) is not None:
        return Decoding(mark if mark is not None and _is_kin(encoding, mark) else encoding, checked=True)
    if mark is not None:
        return Decoding(mark, checked=mark == "utf-8-sig")
    if (wide := unmarked(head)) is not None:
        reading.report.remarks.append(
            f"{file.name} is read as {wide.upper()}, as its null bytes tell, for it has no mark. "
            f"Say --encoding (encoding=) if that is wrong."
        )
        return Decoding(wide)
    if head.count(0) > len(head) // 4:
        raise DataError(
            f"{file.name} is full of null bytes: it is not a text file. If it is one, say its encoding with "
            f"--encoding (encoding=)."
        )
    line = _first_invalid_line(file)
    if line is None:
        return Decoding("utf-8")
    multibyte, broken, high = _count_lines(file)
    if multibyte > broken:
        return Decoding("utf-8", checked=True)
    windows = bool(high & _WINDOWS_ONLY) and not high & (frozenset(range(0x80, 0xA0)) - _WINDOWS_ONLY)
    reading.report.foreign.append((file.name, line, "Windows-1252" if windows else "Latin-1"))
    return Decoding("cp1252" if windows else "latin-1")


def _is_kin(encoding: str, mark: str) -> bool:
    """Whether an encoding is that of a file's mark, which is then passed over."""
    return codecs.lookup(encoding).name.startswith(mark.removesuffix("-sig"))


class Text(Iterable[str]):
    """A file as text, to be read in parts or by lines, which keep their end.

    Of a line of more than ``LONGEST`` characters only the beginning is given, without an end, so that none takes more
    memory than that: 1 MB of gzip can unpack to 2 GB of it.

    Args:
        stream: the file.
        newline: the end of a line.
        name: of the file, for messages.
        meter: counts the characters that are given.
    """

    given: int

    def __init__(self, stream: TextIO, newline: str, name: str, meter: Meter | None = None) -> None:
        self._stream, self._newline, self._name, self._meter = stream, newline, name, meter
        self.given = 0  # characters

    def __enter__(self) -> Text:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int) -> str:
        """The next ``size`` characters.

        Raises:
            DataError: there is nothing but null bytes in them, or the file gives far more than it has (see ``Meter``).
        """
        block = self._read(size)
        self.given += len(block)
        if self._meter is not None:
            self._meter.add(len(block))
        return block

    def _read(self, size: int) -> str:
        block = self._stream.read(size)
        if size >= _BLOCK and block and not block.strip("\0"):
            raise _hollow(self._name)
        return block

    def __iter__(self) -> Iterator[str]:
        end, line = self._newline, ""
        while block := self.read(_BLOCK):
            lines = (line + block).split(end)
            line = lines.pop()
            for whole in lines:
                yield whole + end
            if len(line) > LONGEST:
                yield line
                while (block := self._read(_BLOCK)) and end not in block:
                    pass
                line = block.partition(end)[2]
        if line:
            yield line


class Held(Text):
    """A text that is in memory already."""

    def __init__(self, content: str) -> None:
        super().__init__(io.StringIO(content), "\n", "")


def open_text(file: SourceFile, decoding: Decoding, newline: str = "\n") -> Text:
    """The file as text, whose lines end with ``newline``; with ``""`` it cannot be read by lines."""
    stream = io.TextIOWrapper(file.open(), decoding.encoding, "surrogateescape", newline=newline)
    return Text(stream, newline, file.name, file.meter() if file.packed else None)


def _hollow(name: str) -> DataError:
    return DataError(
        f"{name} has {_BLOCK:,} null bytes in a row: it was not written to its end, or it is not a text file."
    )


def undecoded(line: str) -> bool:
    """Whether a line holds bytes that did not decode."""
    return not line.isascii() and any("\udc80" <= character <= "\udcff" for character in line)


def _first_invalid_line(file: SourceFile) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    lines = 1
    with file.open() as stream:
        while True:
            block = stream.read(_BLOCK)
            if len(block) == _BLOCK and not block.strip(b"\0"):
                raise _hollow(file.name)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return lines + error.object[: error.start].count(b"\n")
            if not block:
                return None
            lines += block.count(b"\n")


def _count_lines(file: SourceFile) -> tuple[int, int, frozenset[int]]:
    """Lines of valid multi-byte UTF-8, lines that are not valid, and the bytes above 127 of the latter."""
    multibyte = broken = 0
    high: set[int] = set()
    with file.open() as stream:
        for line in iter(lambda: stream.readline(LONGEST), b""):
            if line.isascii():
                if len(line) >= _BLOCK and not line.strip(b"\0"):
                    raise _hollow(file.name)
                continue
            try:
                line.decode("utf-8")
                multibyte += 1
            except UnicodeDecodeError:
                broken += 1
                high.update(byte for byte in set(line) if byte > 127)
    return multibyte, broken, frozenset(high)
