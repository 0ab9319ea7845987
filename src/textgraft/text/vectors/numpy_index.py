"""A NumPy matrix with its words in a file beside it, read where they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from textgraft.errors import VectorsError, listed
from textgraft.extras import import_pyarrow
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.packed import PackedWords
from textgraft.text.vectors.reading import BYTES_AT_ONCE, Block, Reader, check_finite, room_for
from textgraft.wording import counted

SUFFIXES = (".txt", ".json", ".parquet")
TELLING = ("index", "vocab", "words")


def index_beside(matrix: Path) -> Path:
    """The file of words of a ``.npy`` file: of the same stem, else the one whose name says index, vocab or words.

    Raises:
        VectorsError: there is none, or more than one.
    """
    for suffix in SUFFIXES:
        if (same := matrix.with_suffix(suffix)).is_file():
            return same
    others = sorted(path for path in matrix.parent.iterdir() if path.suffix in SUFFIXES)
    telling = [path for path in others if any(word in path.stem.lower() for word in TELLING)]
    if len(telling) == 1:
        return telling[0]
    why = f"; {matrix.parent} has {listed(path.name for path in telling)}, and which is meant is not clear"
    raise VectorsError(
        f"{matrix} is a matrix without its words{why if telling else ''}. Put them into {matrix.stem}.txt beside it, "
        "one per line, or into .json (a list, or words with their rows) or .parquet."
    )


class NumpyVectors(Reader):
    """An (n, d) ``.npy`` matrix of floating point numbers and an index of n words.

    Raises:
        VectorsError: the matrix is cut off or no (n, d) matrix of floats, or the index has another number of words.
    """

    in_place: Path
    dimensions: int
    size: int
    room: int

    def __init__(self, origin: Origin) -> None:
        if origin.packing:
            raise VectorsError(f"{origin} is a packed NumPy matrix, which is read where it lies: unpack it first.")
        self._path = self.in_place = origin.path
        try:
            self._matrix = np.load(origin.path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise VectorsError(
                f"{origin} is cut off or no NumPy matrix ({str(error).splitlines()[0].rstrip('.')}). Get the file "
                "again."
            ) from None
        if self._matrix.ndim != 2 or self._matrix.dtype.kind != "f" or not self._matrix.size:
            raise VectorsError(
                f"{origin} holds {self._matrix.dtype} of shape {self._matrix.shape}; vectors are a matrix of floating "
                "point numbers, a row per word."
            )
        self.dimensions = int(self._matrix.shape[1])
        self.size = int(self._matrix.nbytes)
        self.room = room_for(len(self._matrix), 0)
        self._index = origin.index or index_beside(origin.path)

    def blocks(self) -> Iterator[Block]:  # noqa: D102
        words = PackedWords.of(_words(self._index))
        if len(words) != len(self._matrix):
            raise VectorsError(
                f"{self._index} has {counted(len(words), 'word')} and {self._path} has "
                f"{counted(len(self._matrix), 'row')}; one of them "
                "is cut off or belongs to another."
            )
        at_once = max(1, BYTES_AT_ONCE // (4 * self.dimensions))
        for first in range(0, len(words), at_once):
            part = words.part(first, first + at_once)
            with np.errstate(over="ignore"):  # what is too large for fp32 becomes infinite and is refused as such
                rows = np.ascontiguousarray(self._matrix[first : first + len(part)], np.float32)
            check_finite(rows, lambda row, first=first: f"{self._path} row {first + row + 1:,}")  # type: ignore[misc]
            yield Block(part, rows, len(part) * self.dimensions * self._matrix.itemsize)


def _words(index: Path) -> list[str]:
    try:
        if index.suffix == ".parquet":
            return _words_of_parquet(index)
        content = index.read_text("utf-8-sig")
        if index.suffix != ".json":
            return content.removesuffix("\n").split("\n")
        words = json.loads(content)
    except (ValueError, OSError) as error:
        raise VectorsError(f"{index} cannot be read ({error}); it must hold the words of the rows.") from None
    if isinstance(words, dict) and sorted(words.values(), key=str) == sorted(range(len(words)), key=str):
        return sorted(words, key=words.__getitem__)
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return words
    raise VectorsError(f"{index} must be a list of words, or an object of words with their rows from 0 on.")


def _words_of_parquet(index: Path) -> list[str]:
    pa = import_pyarrow(f"Reading the words of vectors from {index.name}")
    file = pa.parquet.ParquetFile(index)
    names = [field.name for field in file.schema_arrow if field.type in (pa.string(), pa.large_string())]
    if len(names) != 1:
        raise VectorsError(
            f"{index} must have one column of strings, the words; it has {len(names)} ({listed(names) or 'none'})."
        )
    words = file.read(columns=names)[names[0]]
    if words.null_count:
        raise VectorsError(f"{index} row {words.to_pylist().index(None) + 1:,} has no word.")
    return cast(list[str], words.to_pylist())
