"""word2vec's binary format: a first line of counts, then each word, a space and its fp32 components."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from textgraft.errors import VectorsError
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import BYTES_AT_ONCE, Block, Reader, check_finite, room_for
from textgraft.text.vectors.textual import header_of
from textgraft.unicode import quoted
from textgraft.wording import counted

LONGEST_WORD = 1 << 16


class BinaryVectors(Reader):
    """The format that ``word2vec -binary 1`` writes; a line end after each vector is optional.

    Raises:
        VectorsError: the first line holds no counts.
    """

    dimensions: int
    size: int
    room: int

    def __init__(self, origin: Origin, bytes_at_once: int = BYTES_AT_ONCE) -> None:
        self._origin, self._bytes_at_once = origin, bytes_at_once
        self._header = origin.head(64).partition(b"\n")[0]
        counts = header_of(self._header)
        if counts is None:
            raise VectorsError(f"{origin} does not begin with its number of words and of components.")
        self._n, self.dimensions = counts
        self.size = origin.size()
        fitting = self.size // (4 * self.dimensions) if origin.packing != "gzip" else self._n
        self.room = room_for(min(self._n, fitting), self.dimensions)

    def blocks(self) -> Iterator[Block]:  # noqa: D102
        done = 0
        with self._origin.open() as file:
            file.read(len(self._header) + 1)
            rest = b""
            while done < self._n:
                more = file.read(self._bytes_at_once)
                buffer = rest + more
                words, starts, used = self._records(buffer, self._n - done)
                if not more and not words:
                    raise VectorsError(
                        f"{self._origin} is cut off in row {done + 1:,} of the {self._n:,} that its first line "
                        "promises. Get the file again."
                    )
                if not words and len(buffer) > LONGEST_WORD + 4 * self.dimensions:
                    raise VectorsError(
                        f"{self._origin} row {done + 1:,} has no space after its word within {LONGEST_WORD:,} bytes; "
                        "the file is damaged or of another format. Get it again."
                    )
                rest = buffer[used:]
                if words:
                    yield self._block(buffer, words, starts, used, done)
                done += len(words)
            left = (rest + file.read(64)).strip(b"\r\n")
            if left:
                raise VectorsError(
                    f"{self._origin} has more after the {counted(self._n, 'row')} of {self.dimensions:,} components "
                    "that its first line promises; the file is damaged or of another format. Get it again."
                )

    def _records(self, buffer: bytes, most: int) -> tuple[list[bytes], list[int], int]:
        """Whole records of a buffer: the words, where their components start, and how many bytes they take."""
        words: list[bytes] = []
        starts: list[int] = []
        at, width = 0, 4 * self.dimensions
        while len(words) < most:
            space = buffer.find(b" ", at)
            if space < 0 or space + 1 + width > len(buffer):
                break
            words.append(buffer[at:space].lstrip(b"\n"))
            starts.append(space + 1)
            at = space + 1 + width
        return words, starts, at

    def _block(self, buffer: bytes, words: list[bytes], starts: list[int], used: int, before: int) -> Block:
        records = sliding_window_view(np.frombuffer(buffer, np.uint8), 4 * self.dimensions)[starts]
        rows = records.view("<f4").astype(np.float32, copy=False)
        check_finite(
            rows,
            lambda row: f"{self._origin} row {before + row + 1:,} ({quoted(words[row].decode('utf-8', 'replace'))})",
        )
        return Block(PackedWords.of_bytes(words), rows, used)
