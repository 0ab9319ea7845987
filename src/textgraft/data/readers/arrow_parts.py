"""Batches of Arrow in parts that are small as Python's objects, whatever their arrays refer to again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from textgraft.data.sources.meters import Meter
from textgraft.errors import DataError

MOST_WEIGHT = 1 << 26  # bytes and values of a part
_VALUE = 8  # bytes that a value counts besides those of its text


def checked_parts(batches: Iterable[Any], size: int, file: str, meter: Meter) -> Iterator[Any]:
    """The batches as parts of at most ``size`` rows, checked to the last offset.

    Args:
        batches: of Arrow; as a file gives them, they may refer to what is not there.
        size: the most rows of a part.
        file: its name, for messages.
        meter: counts what they hold.

    Raises:
        DataError: a row has more than ``MOST_WEIGHT``, or a type that no table of texts has.
        pyarrow.ArrowInvalid: a batch is damaged.
    """
    done = 0
    for batch in batches:
        batch.validate(full=True)
        for start in range(0, batch.num_rows, size):
            for part in _light(batch.slice(start, size), file, done):
                meter.add(sum(map(weight, part.columns)))
                yield part
                done += part.num_rows


def _light(part: Any, file: str, done: int) -> Iterator[Any]:
    """Halves of a part, and halves of these, until each is light."""
    if sum(map(weight, part.columns)) <= MOST_WEIGHT:
        yield part
        return
    if part.num_rows == 1:
        raise DataError(f"{file} row {done + 1} has more than {MOST_WEIGHT:,} bytes, the most that are read.")
    half = part.num_rows // 2
    yield from _light(part.slice(0, half), file, done)
    yield from _light(part.slice(half), file, done + half)


def weight(array: Any) -> int:
    """How many values the array has as Python's objects, each for 8 bytes, and how many bytes of text.

    Raises:
        DataError: of a type in which a few bytes stand for any number of values, and that no table of texts has.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind: Any = array.type
    of, count = pa.types, len(array)
    if isinstance(array, pa.ExtensionArray):
        return weight(array.storage)
    own: int = _VALUE * count
    if of.is_dictionary(kind):
        values = array.dictionary
        if of.is_string(kind.value_type) or of.is_large_string(kind.value_type) or of.is_binary(kind.value_type):
            return own + int(pc.sum(pc.binary_length(values).take(array.indices)).as_py() or 0)
        return own + (count * weight(values) if of.is_nested(kind.value_type) else 0)
    if of.is_string_view(kind) or of.is_binary_view(kind):
        views = array.buffers()[1]
        lengths = np.frombuffer(views, np.int32)[4 * array.offset :: 4] if views else np.zeros(0, np.int32)
        return own + int(lengths[:count].clip(0).sum(dtype=np.int64))
    if of.is_struct(kind):
        return own + sum(map(weight, array.flatten()))
    if of.is_fixed_size_list(kind):
        size: int = kind.list_size
        return own + _VALUE * count * size + weight(array.flatten())
    if of.is_map(kind):
        offsets = array.offsets
        first, stop = (offsets[0].as_py(), offsets[-1].as_py()) if count else (0, 0)
        return own + sum(weight(part.slice(first, stop - first)) for part in (array.keys, array.items))
    if of.is_list(kind) or of.is_large_list(kind):
        return own + weight(array.flatten())
    if of.is_nested(kind) or of.is_run_end_encoded(kind):
        raise DataError(f"A column has the type {kind}, which is not read; write it anew as texts or lists of texts.")
    return own + int(array.nbytes)
