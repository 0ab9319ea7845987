"""What all file formats are read into: blocks of words with their rows, checked for values that are no numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import VectorsError
from textgraft.text.vectors.packed import PackedWords

Floats = NDArray[np.float32]
BYTES_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Block:
    """The next words of a file with their (b, d) rows, and how many bytes of the file they took."""

    words: PackedWords
    rows: Floats
    read: int


class Reader(ABC):
    """A file of vectors in one format.

    Attributes:
        dimensions: components of a vector.
        size: bytes to read, for the progress bar.
        room: bytes that the fast form will take on disk, about.
        in_place: a NumPy file whose rows are read where they are; None where the fast form has rows of its own.
        subwords: how words without a vector get one from their sub-words, see ``SubWords``; None where they do not.
    """

    dimensions: int
    size: int
    room: int
    in_place: Path | None = None
    subwords: dict[str, int] | None = None

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """All words in the order of the file.

        Raises:
            VectorsError: the file is damaged; says where.
        """


def room_for(rows: int, dimensions: int) -> int:
    """Bytes of the fast form of so many rows: fp32 components, a word of 12 bytes, its place and hash."""
    return rows * (4 * dimensions + 12 + 24)


def check_finite(rows: Floats, where: Callable[[int], str]) -> None:
    """Refuses NaN and infinity.

    Raises:
        VectorsError: there is one; ``where(row)`` says in which file and line.
    """
    good = np.isfinite(rows).all(axis=1)
    if not good.all():
        row = int(np.argmin(good))
        component = int(np.argmin(np.isfinite(rows[row])))
        raise VectorsError(
            f"{where(row)}: component {component + 1} is {rows[row, component]}, which is no number to calculate with; "
            "vectors must be finite. Get the file again, or take the line out."
        )
