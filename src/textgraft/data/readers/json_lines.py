"""JSON: one row per line or per item of an array, in flat memory; or one value in another form, read as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from textgraft.data.readers.chunks import GIVEN, Chunk, Reading, check_size, first_rows
from textgraft.data.readers.encodings import LONGEST, Decoding, Held, Text, find_decoding, open_text, undecoded
from textgraft.data.readers.header import column_names
from textgraft.data.readers.json_documents import find_rows, is_series
from textgraft.data.readers.json_stream import (
    DECODER,
    MOST_VALUES,
    JsonText,
    NotJsonError,
    TooLongError,
    count_values,
    has_too_many,
    reason,
)
from textgraft.data.readers.top import Records, Top, find_top
from textgraft.data.sources.files import SourceFile
from textgraft.errors import DataError
from textgraft.limits import DOCUMENT, VALUES

_SAMPLE = 1_000  # rows that tell a header


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
        rows = _document(text, file, decoding, reading) if whole else _lines(text, file, reading, decoding.checked)
        first = next(rows, None)
        if first is None:
            reading.report.remarks.append(f"{file.name} has no rows.")
        elif isinstance(first[1], list):
            yield from _arrays(chain((first,), rows), file, reading, text)
        else:
            for numbers, objects in reading.batches(chain((first,), rows), text):
                yield Chunk(by_column(objects, file.name), file.name, numbers)


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
    if has_too_many(line):
        return False
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
            if has_too_many(line):
                raise ValueError(f"it has more than {MOST_VALUES:,} values")
            if checked and undecoded(line):
                raise ValueError("it has bytes that are not valid in the file's encoding")
            item = _parsed(line.lstrip("\ufeff"))
            if kind is None and isinstance(item, (dict, list)):
                kind = type(item)
            yield number, _of_kind(item, kind or dict)
        except json.JSONDecodeError as error:
            reading.report.bad(file.name, line_number, f"it is not JSON: {reason(error)} at character {error.colno}")
        except RecursionError:
            reading.report.bad(file.name, line_number, "its values are nested too deeply")
        except ValueError as error:
            reading.report.bad(file.name, line_number, f"it {str(error).removeprefix('it ')}")


def _document(text: Text, file: SourceFile, decoding: Decoding, reading: Reading) -> Iterator[tuple[int, Any]]:
    """The rows of an array, or of objects one after the other, one by one; or of one value in another form."""
    try:
        rows = _streamed(text, file)
        if rows is None:
            with open_text(file, decoding) as again:
                found = find_rows(_held(again), reading.expect)
            reading.report.remarks += [f"{file.name} {found.says}."] if found.says else []
            rows = iter(found.rows)
        kind: type | None = None
        for number, item in enumerate(rows, start=1):
            kind = kind or next((each for each in (dict, list) if isinstance(item, each)), None)
            try:
                row = _of_kind(item, kind or dict)
            except ValueError as error:
                reading.report.bad(file.name, number, f"item {number} of the array: {error}")
            else:
                yield number, row
    except NotJsonError as error:
        raise DataError(f"{file.name} {error}.") from None
    except TooLongError:
        raise DataError(
            f"{file.name} has a row of more than {LONGEST:,} characters or {MOST_VALUES:,} values, the most that are "
            f"read, or one that does not end."
        ) from None
    except RecursionError:
        raise DataError(f"{file.name} cannot be read: its values are nested too deeply.") from None
    except ValueError as error:
        raise DataError(f"{file.name} {error}.") from None


def _streamed(text: Text, file: SourceFile) -> Iterator[Any] | None:
    """The objects or arrays of an array, or of a text that holds one after the other; None of all else."""
    values = JsonText(text)
    if values.mark() == "[":
        items = values.items()
        first = next(items, None)
        if isinstance(first, (dict, list)) and not is_series(first):
            return chain((first,), items, _nothing_after(values, file))
        return None
    try:
        first = values.value()
    except TooLongError:
        return None
    return chain((first,), values.values()) if values.mark() else None


def _nothing_after(values: JsonText, file: SourceFile) -> Iterator[Any]:
    if values.mark():
        raise DataError(
            f"{file.name} holds more after its array of rows, from line {values.line} on; write all rows into one "
            f"array, or one object per line."
        )
    yield from ()


def _held(text: Text) -> Any:
    """The one value of a text, or the list of several, that has to be held as a whole."""
    content = text.read(DOCUMENT.most + 1)
    said = "characters of JSON that is neither one object per line nor an array of objects"
    if len(content) > DOCUMENT.most:
        raise ValueError(
            f"cannot be read: more than {DOCUMENT.most:,} {said} are not taken; write one object per line, or say "
            f"{DOCUMENT.variable}=NUMBER to raise that"
        )
    if refusal := VALUES.exceeded(count_values(content), f"values of {said.partition(' of ')[2]}"):
        raise ValueError(f"cannot be read: {refusal.removesuffix('.')}")
    values = list(JsonText(Held(content), len(content), len(content)).values())
    return values[0] if len(values) == 1 else values


def _parsed(line: str) -> Any:
    """The one value of a line; raises ValueError for one that is damaged or has a key twice."""
    line = line.strip()
    value, end = DECODER.raw_decode(line)
    if end < len(line):
        raise json.JSONDecodeError("Extra data", line, end)
    return value


def _of_kind(item: Any, kind: type) -> Any:
    if isinstance(item, kind):
        return item
    wanted = "an object of columns and values" if kind is dict else "an array of values as other rows are"
    raise ValueError(f"it is not {wanted} but {json.dumps(item)[:40]}")


def _arrays(rows: Iterator[tuple[int, list[Any]]], file: SourceFile, reading: Reading, text: Text) -> Iterator[Chunk]:
    """Arrays as rows; their numbers do not count a first one of names."""
    sample = first_rows(rows, _SAMPLE, text)
    if not sample[0][1]:
        raise DataError(f"{file.name} row {sample[0][0]} is an array without values; a row has one for each column.")
    if reading.options.header is None and not all(isinstance(cell, str) for cell in sample[0][1]):
        top = Top(column_names(None, len(sample[0][1]), file.name))
    else:
        top = find_top(Records(sample, file.name, "row {}"), reading)
    kept = (row for row in chain(sample, rows) if row[0] not in top.lines)
    yield from reading.chunks(file.name, top.names, _as_wide(kept, len(top.names), len(top.lines), file, reading), text)


def _as_wide(
    rows: Iterable[tuple[int, list[Any]]], width: int, before: int, file: SourceFile, reading: Reading
) -> Iterator[tuple[int, list[Any]]]:
    for number, row in rows:
        if len(row) == width:
            yield number - before, row
        else:
            count = "1 value" if len(row) == 1 else f"{len(row)} values"
            reading.report.bad(file.name, number, f"it has {count} where {width} are expected")
