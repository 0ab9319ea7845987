"""JSON: one row per line, in flat memory; or one value or several over many lines, which are read as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from textgraft.data.readers.chunks import GIVEN, Chunk, Reading, check_size
from textgraft.data.readers.encodings import LONGEST, Text, find_decoding, open_text, undecoded
from textgraft.data.readers.header import column_names
from textgraft.data.readers.json_documents import Found, find_rows
from textgraft.data.readers.top import Records, Top, find_top
from textgraft.data.sources.files import SourceFile
from textgraft.errors import DataError
from textgraft.json_files import RepeatedKeyError, unique_keys
from textgraft.unicode import quoted

_SAMPLE = 1_000  # rows that tell a header
_TRAILING = re.compile(r",\s*[]}]")


def read_json(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The rows of a JSON file: lines of objects or of arrays, or one value that holds them (see ``find_rows``).

    The columns of a chunk are the keys of its objects, in the order in which they first appear; one that an object
    lacks is None. Arrays have a first row of names or none, as the lines of delimited text.

    Raises:
        DataError: the file is one JSON value that holds no table, or is not JSON.
    """
    decoding = find_decoding(file, reading)
    with open_text(file, decoding) as text:
        whole = _is_whole(text)
    with open_text(file, decoding) as text:
        rows = _whole(text.read(), file, reading) if whole else _lines(text, file, reading, decoding.checked)
        first = next(rows, None)
        if first is None:
            reading.report.remarks.append(f"{file.name} has no rows.")
        elif isinstance(first[1], list):
            yield from _arrays(chain((first,), rows), file, reading)
        else:
            yield from _objects(chain((first,), rows), file, reading)


def by_column(objects: Sequence[dict[str, Any]], source: str = GIVEN) -> dict[str, list[Any]]:
    """The values of each key that any object has; None where an object lacks it.

    Raises:
        DataError: there are too many keys (see ``check_size``); ``source`` is named.
    """
    names = dict.fromkeys(name for item in objects for name in item)
    check_size(source, len(names), len(objects), sum(map(len, objects)))
    return {str(name): [item.get(name) for item in objects] for name in names}


def _is_whole(text: Text) -> bool:
    """Whether a file is not one value per line: it has one line that is an object or array, or begins over several."""
    lines = (line for line in text if not line.isspace())
    first, second = (line.strip().lstrip("\ufeff") for line in islice(chain(lines, ("", "")), 2))
    if not first.startswith(("[", "{")):
        return False
    if _parses(first):
        return not second
    return not second or not _parses(second) or not second.startswith(("[", "{"))


def _parses(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(text: Text, file: SourceFile, reading: Reading, checked: bool) -> Iterator[tuple[int, Any]]:
    """The value of each line, numbered without blank lines; of what kind the first is, all must be."""
    number, kind = 0, None
    for line_number, line in enumerate(text, start=1):
        if line.isspace():
            continue
        number += 1
        try:
            if len(line) > LONGEST:
                raise ValueError(f"it is longer than {LONGEST:,} characters")
            if checked and undecoded(line):
                raise ValueError("it has bytes that are not valid in the file's encoding")
            item = _parsed(line.lstrip("\ufeff"))
            if kind is None and isinstance(item, (dict, list)):
                kind = type(item)
            yield number, _of_kind(item, kind or dict)
        except json.JSONDecodeError as error:
            reading.report.bad(file.name, line_number, f"it is not JSON: {_said(error)} at character {error.colno}")
        except RecursionError:
            reading.report.bad(file.name, line_number, "its values are nested too deeply")
        except ValueError as error:
            reading.report.bad(file.name, line_number, f"it {str(error).removeprefix('it ')}")


def _whole(text: str, file: SourceFile, reading: Reading) -> Iterator[tuple[int, Any]]:
    """The rows of one value, or of objects one after the other."""
    try:
        values = _values(text.lstrip("\ufeff"))
        found = find_rows(values[0], reading.expect) if len(values) == 1 else Found(values, "")
    except json.JSONDecodeError as error:
        said = f"{_said(error)} at character {error.colno}"
        raise DataError(f"{file.name} line {error.lineno} is not JSON: {said}.") from None
    except RecursionError:
        raise DataError(f"{file.name} cannot be read: its values are nested too deeply.") from None
    except ValueError as error:
        raise DataError(f"{file.name} {error}.") from None
    if found.says:
        reading.report.remarks.append(f"{file.name} {found.says}.")
    kind = next((type(item) for item in found.rows if isinstance(item, (dict, list))), dict)
    for number, item in enumerate(found.rows, start=1):
        try:
            yield number, _of_kind(item, kind)
        except ValueError as error:
            reading.report.bad(file.name, number, f"item {number} of the array: {error}")


def _values(text: str) -> list[Any]:
    """The JSON values of a text, one after the other."""
    values, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        value, place = _DECODER.raw_decode(text, place)
        values.append(value)
    return values or [[]]


def _parsed(line: str) -> Any:
    """The one value of a line; raises ValueError for one that is damaged or has a key twice."""
    line = line.strip()
    value, end = _DECODER.raw_decode(line)
    if end < len(line):
        raise json.JSONDecodeError("Extra data", line, end)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys all differ."""
    try:
        return unique_keys(pairs)
    except RepeatedKeyError as error:
        raise ValueError(f"has the key {quoted(error.name)} twice in one object") from None


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _of_kind(item: Any, kind: type) -> Any:
    if isinstance(item, kind):
        return item
    wanted = "an object of columns and values" if kind is dict else "an array of values as other rows are"
    raise ValueError(f"it is not {wanted} but {json.dumps(item)[:40]}")


def _said(error: json.JSONDecodeError) -> str:
    """What is wrong, of what JSON's library does not name."""
    before = error.doc[: error.pos + 1].rstrip()
    comma = max(before.rfind(","), 0)
    if _TRAILING.match(error.doc, comma) and not before[comma + 1 :].strip(" \t\r\n]}"):
        return "a comma stands before a closing bracket"
    return error.msg.removesuffix(" at")


def _objects(rows: Iterable[tuple[int, Any]], file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    for numbers, objects in reading.batches(rows):
        yield Chunk(by_column(objects, file.name), file.name, numbers)


def _arrays(rows: Iterator[tuple[int, list[Any]]], file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """Arrays as rows; their numbers do not count a first one of names."""
    sample = list(islice(rows, _SAMPLE))
    if not sample[0][1]:
        raise DataError(f"{file.name} row {sample[0][0]} is an array without values; a row has one for each column.")
    if reading.options.header is None and not all(isinstance(cell, str) for cell in sample[0][1]):
        top = Top(column_names(None, len(sample[0][1]), file.name))
    else:
        top = find_top(Records(sample, file.name, "row {}"), reading)
    kept = (row for row in chain(sample, rows) if row[0] not in top.lines)
    yield from reading.chunks(file.name, top.names, _as_wide(kept, len(top.names), len(top.lines), file, reading))


def _as_wide(
    rows: Iterable[tuple[int, list[Any]]], width: int, before: int, file: SourceFile, reading: Reading
) -> Iterator[tuple[int, list[Any]]]:
    for number, row in rows:
        if len(row) == width:
            yield number - before, row
        else:
            count = "1 value" if len(row) == 1 else f"{len(row)} values"
            reading.report.bad(file.name, number, f"it has {count} where {width} are expected")
