"""GloVe's and word2vec's text format: a word and its components a line, with a first line of counts or without.

The numbers of a block of lines go through NumPy's parser. Where it refuses one, because a word has a space in it or a
line is bad, that block is read line by line, which settles both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile

import numpy as np

from textgraft.errors import VectorsError
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import BYTES_AT_ONCE, Block, Floats, Reader, check_finite, room_for
from textgraft.unicode import quoted
from textgraft.wording import counted

HEAD = 1 << 18
BOM = b"\xef\xbb\xbf"
ENDS = b" \t\r\n"


class TextVectors(Reader):
    """Lines of a word and d numbers, separated by spaces or tabs.

    Words may hold spaces (as in glove.840B), as long as the part before the d numbers is no number itself.

    Raises:
        VectorsError: no line has a word and numbers, or the first line promises other vectors than follow.
    """

    size: int
    dimensions: int
    promised: int | None
    room: int

    def __init__(self, origin: Origin, bytes_at_once: int = BYTES_AT_ONCE) -> None:
        self._origin, self._bytes_at_once = origin, bytes_at_once
        self.size = origin.size()
        head = origin.head(HEAD).removeprefix(BOM)
        lines = head.split(b"\n")
        if len(lines) > 1 and len(head) >= HEAD - len(BOM):
            lines.pop()  # cut off
        lines = [line for line in lines[:1000] if line.strip(ENDS)]
        self._delimiter = max((b" ", b"\t"), key=b"".join(lines).count)
        self.dimensions, self.promised = self._shape(lines)
        self.room = room_for(self._rows(lines), self.dimensions)

    def _shape(self, lines: Sequence[bytes]) -> tuple[int, int | None]:
        """Components as most of the first lines have them, and the number of words that a first line of counts says."""
        counts = Counter(numbers_at_end(self._split(line)) for line in lines[1:] or lines)
        dimensions = counts.most_common(1)[0][0] if counts else 0
        header = header_of(lines[0]) if lines else None
        if not dimensions or (header and len(lines) == 1):
            start = lines[0][:60].decode("utf-8", "replace").strip() if lines else ""
            raise VectorsError(
                f"{self._origin} is no file of word vectors: lines must be a word and its numbers, and it begins with "
                f"{quoted(start)}. Known are GloVe and word2vec text, word2vec and fastText binary, and .npy with an "
                "index."
            )
        if header is None or (dimensions == 1 and header[1] != 1):
            return dimensions, None
        if header[1] != dimensions:
            raise VectorsError(
                f"{self._origin} line 1 promises vectors of {header[1]:,} components, the lines after it have "
                f"{dimensions:,}; the file is damaged or was put together of two. Get it again."
            )
        return dimensions, header[0]

    def _rows(self, lines: Sequence[bytes]) -> int:
        """About how many there are, or as many as the first line says and the file can hold."""
        if self.promised is None:
            return self.size * len(lines) // sum(len(line) + 1 for line in lines)
        if self._origin.packing == "gzip":  # whose own word on its size is not to be had beyond 4 GiB
            return self.promised
        return min(self.promised, self.size // (2 * self.dimensions))

    def blocks(self) -> Iterator[Block]:  # noqa: D102
        line, count = 1, 0
        for lines in self._whole_lines():
            block = lines.removeprefix(BOM) if line == 1 else lines
            if line == 1 and self.promised is not None:
                block, line = block.partition(b"\n")[2], 2
            words, rows = self._parse(block, line)
            yield Block(words, rows, len(lines))
            count += len(words)
            line += block.count(b"\n")
        if self.promised is not None and count != self.promised:
            why = "it is cut off" if count < self.promised else "that line is wrong"
            raise VectorsError(
                f"{self._origin} line 1 promises {counted(self.promised, 'word')} and there are {count:,}: {why}. Get "
                "the file again, or correct its first line."
            )

    def _whole_lines(self) -> Iterator[bytes]:
        with self._origin.open() as file:
            rest = b""
            while more := file.read(self._bytes_at_once):
                if end := more.rfind(b"\n") + 1:
                    yield rest + more[:end]
                rest = more[end:] if end else rest + more
            if rest:
                yield rest

    def _parse(self, block: bytes, line: int) -> tuple[PackedWords, Floats]:
        """The words and rows of whole lines, the first of which is number ``line`` of the file."""
        if (fast := self._columns(block)) is None:
            return self._line_by_line(block, line)
        check_finite(fast[1], lambda row: f"{self._origin} line {line + row:,}")
        return fast

    def _columns(self, block: bytes) -> tuple[PackedWords, Floats] | None:
        """What NumPy's parser makes of the lines; None if any of them is out of the ordinary."""
        lines = [line.rstrip(ENDS).partition(self._delimiter) for line in block.removesuffix(b"\n").split(b"\n")]
        numbers = [components.decode("latin-1") for _, _, components in lines]
        if not all(numbers):  # blank lines, which the parser would leave out
            return None
        try:
            rows = np.loadtxt(numbers, np.float32, comments=None, delimiter=self._delimiter.decode(), ndmin=2)
        except ValueError:
            return None
        fits = rows.shape[1] == self.dimensions
        return (PackedWords.of_bytes([word for word, _, _ in lines]), rows) if fits else None

    def _line_by_line(self, block: bytes, first: int) -> tuple[PackedWords, Floats]:
        words: list[bytes] = []
        rows: list[list[float]] = []
        numbers: list[int] = []
        for number, line in enumerate(block.split(b"\n"), first):
            if not line.strip(ENDS):
                continue
            parts = self._split(line)
            values, word = parts[-self.dimensions :], parts[: -self.dimensions]
            if not word or (len(word) > 1 and _number(word[-1]) is not None):
                given = numbers_at_end(parts) or len(parts) - 1
                raise VectorsError(
                    f"{self._origin} line {number:,} has {given:,} components, not {self.dimensions:,} as the others; "
                    "the file is damaged or cut off. Get it again, or take the line out."
                )
            row = [_number(value) for value in values]
            if None in row:
                bad = row.index(None)
                raise VectorsError(
                    f"{self._origin} line {number:,}: component {bad + 1} is "
                    f"{quoted(values[bad].decode('utf-8', 'replace'))}, not a number."
                )
            words.append(b" ".join(word))
            rows.append([value for value in row if value is not None])
            numbers.append(number)
        with np.errstate(over="ignore"):  # what is too large for fp32 becomes infinite and is refused as such
            table = np.array(rows, np.float64).reshape(-1, self.dimensions).astype(np.float32)
        check_finite(table, lambda row: f"{self._origin} line {numbers[row]:,}")
        return PackedWords.of_bytes(words), table

    def _split(self, line: bytes) -> list[bytes]:
        """The parts of a line; the first one is the word or its beginning, and may be empty."""
        first, *others = line.rstrip(ENDS).split(self._delimiter)
        return [first, *(part for part in others if part)]


def header_of(line: bytes) -> tuple[int, int] | None:
    """The number of words and of components that a first line says; None if it is not such a line."""
    parts = line.split()
    if len(parts) != 2 or not all(part.isdigit() for part in parts) or not int(parts[1]):
        return None
    return int(parts[0]), int(parts[1])


def _number(part: bytes) -> float | None:
    try:
        return float(part)
    except ValueError:
        return None


def numbers_at_end(parts: Sequence[bytes]) -> int:
    """How many of the last parts are numbers; the first part is a word, even if it looks like one."""
    return sum(1 for _ in takewhile(lambda part: _number(part) is not None, reversed(parts[1:])))
