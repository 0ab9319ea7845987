"""Arrays of an HDF5 file, as TensorFlow and Keras write weights, looked at before they are read.

HDF5 can do more than hold numbers: its links and datasets name other files, and filters unpack what is stored to any
size. Weights need none of it, so nothing of it is read. Attributes, which Keras fills with names, are not read either:
the names of the datasets say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import EncoderError
from textgraft.extras import library
from textgraft.unicode import quoted

MOST_DEPTH = 30  # of groups in groups
MOST_OBJECTS = 100_000
FLOATS = ("float16", "float32", "float64")


def read_h5(path: Path) -> dict[str, NDArray[np.float32]]:
    """All arrays of numbers in a file, in fp32, by their full names: ``"bert/.../kernel:0"``.

    Raises:
        MissingExtraError: h5py is not installed.
        EncoderError: the file is damaged, or does more than hold numbers.
    """
    h5py = library("h5py", "Reading weights that TensorFlow or Keras wrote", "keras")
    try:
        with h5py.File(path, "r", locking=False) as file:
            arrays: dict[str, NDArray[np.float32]] = {}
            left = path.stat().st_size
            for name, dataset in _datasets(h5py, file):
                left -= dataset.nbytes
                _check(dataset, left)
                arrays[name] = np.asarray(dataset[()], np.float32)
            return arrays
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise EncoderError(f"{path} cannot be read as weights in HDF5: {reason}.") from error


def _datasets(h5py: Any, file: Any) -> Iterator[tuple[str, Any]]:
    groups, seen = [("", file, 0)], 0
    while groups:
        place, group, depth = groups.pop()
        for name in group:
            seen += 1
            inner = f"{place}{name}"
            if seen > MOST_OBJECTS or depth > MOST_DEPTH:
                raise ValueError(f"it holds more than {MOST_OBJECTS:,} objects, or {MOST_DEPTH} in each other")
            if type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise ValueError(f"{quoted(inner)} is a link to elsewhere")
            held = group[name]
            if isinstance(held, h5py.Group):
                groups.append((f"{inner}/", held, depth + 1))
            elif isinstance(held, h5py.Dataset):
                yield inner, held
            else:
                raise ValueError(f"{quoted(inner)} is neither a group nor an array")


def _check(dataset: Any, left: int) -> None:
    name = quoted(dataset.name.lstrip("/"))
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{name} names another file")
    if dataset.chunks is not None:
        raise ValueError(f"{name} is packed or in pieces, which Keras does not write")
    if str(dataset.dtype) not in FLOATS:
        raise ValueError(f"{name} holds {dataset.dtype}; weights are {', '.join(FLOATS)}")
    if left < 0:
        raise ValueError(f"its arrays, up to {name}, are larger than the file")
