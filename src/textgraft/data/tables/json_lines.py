"""JSON: one object per line, in flat memory; or one array of objects, which is read as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from textgraft.data.tables.chunks import Chunk, Reading
from textgraft.data.tables.encodings import find_decoding, open_text, undecoded
from textgraft.data.tables.sources import SourceFile
from textgraft.errors import DataError


def read_json(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The objects of a JSON Lines file or a JSON array; a key that an object lacks is None.

    The columns of a chunk are the keys of its objects, in the order in which they first appear.

    Raises:
        DataError: the file is one JSON value that is not an array.
    """
    decoding = find_decoding(file, reading)
    with open_text(file, decoding) as text:
        head = text.read(1 << 16).lstrip()
    with open_text(file, decoding) as text:
        if head.startswith("[") or head.partition("\n")[0].strip() == "{":  # an array, or one object over many lines
            items = _array(text.read(), file, reading)
        else:
            items = _lines(text, file, reading, decoding.checked)
        for numbers, objects in reading.batches(items):
            yield Chunk(by_column(objects), file.name, numbers)


def _lines(text: Any, file: SourceFile, reading: Reading, checked: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    for line_number, line in enumerate(text, start=1):
        if line.isspace():
            continue
        number += 1
        try:
            if checked and undecoded(line):
                raise ValueError("it has bytes that are not valid in the file's encoding")
            yield number, _as_object(json.loads(line))
        except json.JSONDecodeError as error:
            reading.report.bad(file.name, line_number, f"it is not JSON: {error.msg} at character {error.colno}")
        except (ValueError, RecursionError) as error:
            reading.report.bad(file.name, line_number, str(error))


def _array(text: str, file: SourceFile, reading: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        said = f"{error.msg} at character {error.colno}"
        raise DataError(f"{file.name} line {error.lineno} is not JSON: {said}.") from None
    if not isinstance(items, list):
        raise DataError(f"{file.name} is one JSON object; a table is an array of objects, or one object per line.")
    for number, item in enumerate(items, start=1):
        try:
            yield number, _as_object(item)
        except ValueError as error:
            reading.report.bad(file.name, number, f"item {number} of the array: {error}")


def _as_object(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ValueError(f"it is not an object of columns and values but {json.dumps(item)[:40]}")
    return item


def by_column(objects: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The values of each key that any object has; None where an object lacks it."""
    names = dict.fromkeys(name for item in objects for name in item)
    return {str(name): [item.get(name) for item in objects] for name in names}
