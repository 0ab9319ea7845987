"""What a file gives is counted, so that a small one cannot fill the memory."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from textgraft.errors import DataError
from textgraft.limits import UNPACKED

RATIO = 200  # texts are packed 3 to 10 times smaller, repeated ones now and then 100 times
_BLOCK = 1 << 16


class Meter:
    """Counts the bytes that a file gives: at most ``UNPACKED``, or 200 times those that it has.

    Args:
        name: of the file, for people.
        size: its bytes as it is.
    """

    def __init__(self, name: str, size: int) -> None:
        self.name, self._size, self.given = name, size, 0
        self._most = max(UNPACKED.most, RATIO * size)

    def add(self, count: int) -> None:
        """Raises DataError if there are too many with ``count`` more of them."""
        self.given += count
        if self.given > self._most:
            raise DataError(
                f"{self.name} has {self._size:,} bytes and gives more than {self._most:,}, which tables hardly do: at "
                f"most {UNPACKED.most:,} are taken, or {RATIO} times the file's own. If it is right, "
                f"{UNPACKED.variable}={100 * self._most} raises that."
            )


class _Metered(io.RawIOBase):
    def __init__(self, stream: BinaryIO, meter: Meter) -> None:
        self._stream, self._meter = stream, meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        block = self._stream.read(len(cast(bytearray, buffer)))
        self._meter.add(len(block))
        cast(bytearray, buffer)[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._stream.close()
        super().close()


def metered(stream: BinaryIO, meter: Meter) -> BinaryIO:
    """The same bytes, counted while they are read."""
    return cast(BinaryIO, io.BufferedReader(_Metered(stream, meter), _BLOCK))
