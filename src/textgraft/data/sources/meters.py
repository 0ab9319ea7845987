"""What a file gives is counted, so that a small one cannot fill the memory."""

from __future__ import annotations

from textgraft.errors import DataError
from textgraft.limits import UNPACKED

RATIO = 200  # texts are packed 3 to 10 times smaller, repeated ones now and then 100 times


class Meter:
    """Counts the bytes or characters of what is kept of a file: at most ``UNPACKED``, or 200 times those that it has.

    Args:
        name: of the file, for people.
        size: its bytes as it is.
    """

    name: str
    given: int

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
