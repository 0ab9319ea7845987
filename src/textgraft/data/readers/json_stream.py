"""JSON read value by value: of a text of any length no more is kept than the value at hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from textgraft.data.readers.encodings import LONGEST, Text
from textgraft.json_files import RepeatedKeyError, unique_keys
from textgraft.unicode import quoted

_BLOCK = 1 << 20
MOST_VALUES = 1_000_000  # in one that is read as a row; of a few characters each, they take much more memory
_BLANK = re.compile(r"[ \t\r\n]*")
_CLOSING = {"{": "}", "[": "]"}
_TRIES = 3
_TRAILING = re.compile(r",\s*[]}]")
_COMMA = "a comma stands before a closing bracket"


class NotJsonError(ValueError):
    """A text is not JSON; the message says where and why, as the end of a sentence that begins with its name."""


class TooLongError(ValueError):
    """A value has more than ``LONGEST`` characters or ``MOST_VALUES`` values."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys all differ."""
    try:
        return unique_keys(pairs)
    except RepeatedKeyError as error:
        raise ValueError(f"has the key {quoted(error.name)} twice in one object") from None


DECODER = json.JSONDecoder(object_pairs_hook=_once)


class JsonText:
    """The JSON values of a text, one after the other, and the items of its arrays.

    Args:
        text: not read yet.
        longest: characters of a value.
        most: values in one.
    """

    def __init__(self, text: Text, longest: int = LONGEST, most: int = MOST_VALUES) -> None:
        self._text, self._longest, self._most = text, longest, most
        self._buffer, self._at = text.read(_BLOCK).lstrip("\ufeff"), 0
        self._lines, self._columns = 1, 1  # where the buffer begins
        self._tried = False  # see ``_near_items``

    def mark(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            found = _BLANK.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read_on():
                return ""

    def value(self) -> Any:
        """The next value.

        Raises:
            NotJsonError: there is none.
            TooLongError: it is too long.
            RecursionError: it is nested too deeply.
            ValueError: an object in it has a key twice.
        """
        while True:
            start = self._at
            try:
                value, end = DECODER.raw_decode(self._buffer, start)
            except json.JSONDecodeError as error:
                if len(self._buffer) - start > self._longest or has_too_many(self._buffer, self._most):
                    raise TooLongError from None
                if self._read_on():
                    continue
                said = json.JSONDecodeError(error.msg, self._buffer, error.pos - start)
                raise self._fault(reason(said), error.pos - start) from None
            if end < len(self._buffer) or not self._read_on():
                self._at += end - start
                return value  # else a number may go on behind the buffer

    def items(self) -> Iterator[Any]:
        """The items of the array that begins here; raises as ``value``."""
        self._at += 1
        if self.mark() == "]":
            self._at += 1
            return
        while True:
            yield from self._near_items()
            yield self.value()
            mark = self.mark()
            if mark == "]":
                self._at += 1
                return
            if mark != ",":
                raise self._fault("Expecting ',' delimiter", self._at)
            self._at += 1
            if self.mark() == "]":
                raise self._fault(_COMMA, self._at)

    def _near_items(self) -> list[Any]:
        """Items that stand in the buffer as a whole and are not the last, read at once, which is faster; or none.

        This is tried once for each buffer.
        They end before a comma. Where that is one within an item, what is before it is no list of items, for JSON reads
        the same whatever follows.
        """
        closing = None if self._tried else _CLOSING.get(self._buffer[self._at : self._at + 1])
        self._tried = True
        comma = len(self._buffer)
        for _ in range(_TRIES if closing else 0):
            comma = self._buffer.rfind(f"{closing},", self._at, comma) + 1
            if not comma or comma + 1 >= len(self._buffer):
                continue
            try:
                items: list[Any] = DECODER.decode(f"[{self._buffer[self._at : comma]}]")
            except json.JSONDecodeError:
                continue
            found = _BLANK.match(self._buffer, comma + 1)
            if found is not None and self._buffer[found.end() : found.end() + 1] not in ("", "]"):
                self._at = found.end()
                return items
        return []

    def values(self) -> Iterator[Any]:
        """The values from here to the end; raises as ``value``."""
        while self.mark():
            yield self.value()

    @property
    def line(self) -> int:
        """The number of the line at hand."""
        return self._lines + self._buffer.count("\n", 0, self._at)

    def _read_on(self) -> bool:
        """Lets go of what is done and reads as much again as is kept; False at the end of the text."""
        ends = self._buffer.count("\n", 0, self._at)
        self._lines += ends
        self._columns = self._at - self._buffer.rfind("\n", 0, self._at) if ends else self._columns + self._at
        kept, self._at = self._buffer[self._at :], 0
        block = self._text.read(max(_BLOCK, len(kept)))
        self._buffer, self._tried = kept + block, False
        return bool(block)

    def _fault(self, said: str, at: int) -> NotJsonError:
        ends = self._buffer.count("\n", 0, at)
        column = at - self._buffer.rfind("\n", 0, at) if ends else self._columns + at
        return NotJsonError(f"line {self._lines + ends} is not JSON: {said} at character {column}")


def count_values(text: str) -> int:
    """How many values a text has at most, and nearly so: by its commas and opening brackets."""
    return sum(map(text.count, ",[{"))


def has_too_many(text: str, most: int = MOST_VALUES) -> bool:
    """Whether a text may have more values than ``most``."""
    return len(text) > most and count_values(text) > most


def reason(error: json.JSONDecodeError) -> str:
    """What is wrong, of what JSON's library does not name."""
    before = error.doc[: error.pos + 1].rstrip()
    comma = max(before.rfind(","), 0)
    if _TRAILING.match(error.doc, comma) and not before[comma + 1 :].strip(" \t\r\n]}"):
        return _COMMA
    return error.msg.removesuffix(" at")
