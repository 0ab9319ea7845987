"""Tensors of a safetensors file, checked before memory is taken for them.

The format (github.com/huggingface/safetensors, "Format"): 8 bytes that say how long the header is, the header as JSON
(for each tensor its dtype, its shape, and where it begins and ends), and the tensors, little-endian and row by row,
without gaps. Such a file holds numbers only, and nothing that could be run.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError
from textgraft.json_files import is_whole, parse_json
from textgraft.unicode import quoted

MOST_HEADER = 10_000_000  # bytes: of 100,000 tensors; its reading takes ten times as much memory
MOST_DIMENSIONS = 16
# Finite weights may still sum up to what is not. Far from all that training gives, and far enough from float32's end.
LARGEST = 1e9

_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
_NUMPY = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}


@dataclass(frozen=True)
class Entry:
    """What a header says of a tensor: dtype and shape, and its first and last byte after the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


def read_header(path: Path) -> dict[str, Entry]:
    """What a safetensors file holds, by name; no tensor is read.

    Raises:
        ArtifactError: it cannot be read, or its header does not go with its size.
    """
    try:
        with path.open("rb") as file:
            return _header(file, path)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None


class Tensors:
    """Takes tensors by name and checks their dtypes and shapes.

    Args:
        tensors: by name.
        owner: whose they are, for messages.
    """

    tensors: dict[str, NDArray[Any]]

    def __init__(self, tensors: Mapping[str, NDArray[Any]], owner: str) -> None:
        self.tensors = dict(tensors)
        self._owner = owner

    @classmethod
    def read(cls, path: Path) -> Self:
        """All tensors of a safetensors file.

        They share the memory of the file, which is read once; no more is taken than its size.

        Raises:
            ArtifactError: the file is damaged, or holds a number that is not finite or larger than 10^9.
        """
        try:
            with path.open("rb") as file:
                header = _header(file, path)
                size = max((entry.stop for entry in header.values()), default=0)
                data = np.fromfile(file, np.uint8, size)
        except OSError as error:
            raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None
        if len(data) < size:
            raise ArtifactError(f"{path} was changed while it was read; load it again.")
        return cls({name: _tensor(data, name, entry, path) for name, entry in header.items()}, str(path))

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def __call__(self, name: str, *shape: int | None, dtypes: Collection[str] = ("float32",)) -> NDArray[Any]:
        """The tensor ``name``; None in ``shape`` stands for any size.

        Raises:
            ArtifactError: it is missing, or has another dtype or shape.
        """
        if name not in self.tensors:
            raise self._damaged(f"its tensor {quoted(name)} is missing")
        tensor = self.tensors[name]
        same_rank = tensor.ndim == len(shape)
        if not same_rank or any(size not in (None, actual) for size, actual in zip(shape, tensor.shape, strict=True)):
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise self._damaged(f"its tensor {quoted(name)} has the shape {tensor.shape}, not ({wanted})")
        if tensor.dtype.name not in dtypes:
            raise self._damaged(f"its tensor {quoted(name)} is of {tensor.dtype.name}, not {' or '.join(dtypes)}")
        return tensor

    def _damaged(self, clause: str) -> ArtifactError:
        return ArtifactError(f"{self._owner} is damaged: {clause}.")


def _header(file: BinaryIO, path: Path) -> dict[str, Entry]:
    """The header of a file that is then read up to the first tensor."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise ArtifactError(f"{path} is damaged: its header would have {length:,} bytes, the file has {size:,}.")
    if length > MOST_HEADER:
        raise ArtifactError(f"{path} is not read: its header has {length:,} bytes, at most {MOST_HEADER:,} are taken.")
    content = parse_json(file.read(length), f"the header of {path}")
    if not isinstance(content, dict):
        raise ArtifactError(f"{path} is damaged: its header is not an object.")
    content.pop("__metadata__", None)
    entries = {name: _entry(name, fields, path) for name, fields in content.items()}
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != end:
            raise ArtifactError(
                f"{path} is damaged: its tensor {quoted(name)} begins at {entry.start:,}, not at {end:,}."
            )
        end = entry.stop
    if end != size - 8 - length:
        raise ArtifactError(f"{path} is damaged: its tensors end at {end:,}, the file at {size - 8 - length:,}.")
    return entries


def _entry(name: str, content: Any, path: Path) -> Entry:
    wrong = ArtifactError(f"{path} is damaged: its header does not say what the tensor {quoted(name)} is.")
    if not isinstance(content, dict) or content.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong
    dtype, shape, place = content["dtype"], content["shape"], content["data_offsets"]
    whole = all(isinstance(numbers, list) and all(map(is_whole, numbers)) for numbers in (shape, place))
    if not isinstance(dtype, str) or dtype not in _BYTES or not whole or len(place) != 2:
        raise wrong
    # As if none were 0, since NumPy takes no others either.
    if len(shape) > MOST_DIMENSIONS or math.prod(size or 1 for size in shape) >= 1 << 48:
        raise wrong
    if place[1] - place[0] != math.prod(shape) * _BYTES[dtype]:
        raise ArtifactError(
            f"{path} is damaged: its tensor {quoted(name)} of {dtype} and the shape {tuple(shape)} has "
            f"{place[1] - place[0]:,} bytes."
        )
    return Entry(dtype, tuple(shape), place[0], place[1])


def _tensor(data: NDArray[np.uint8], name: str, entry: Entry, path: Path) -> NDArray[Any]:
    if entry.dtype not in _NUMPY:
        raise ArtifactError(
            f"{path} is damaged: its tensor {quoted(name)} is of {entry.dtype}, which no such model has."
        )
    tensor = data[entry.start : entry.stop].view(_NUMPY[entry.dtype]).reshape(entry.shape)
    if not tensor.flags.aligned:
        tensor = tensor.copy()
    if tensor.size and tensor.dtype.kind == "f" and not _is_moderate(tensor):
        raise ArtifactError(
            f"{path} is damaged: its tensor {quoted(name)} holds numbers that are not finite, or beyond {LARGEST:,.0f}."
        )
    return tensor


def _is_moderate(tensor: NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):  # the least and the greatest are not a number where any element is none
        return float(tensor.min()) >= -LARGEST and float(tensor.max()) <= LARGEST
