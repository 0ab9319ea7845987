"""JSON read from files that may be damaged or made to do harm: bounded, strict, and with our own error.

Python's reader takes more than JSON (RFC 8259): ``NaN``, a key twice, numbers of any length. What textgraft writes
holds none of these.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

from textgraft.errors import ArtifactError, listed
from textgraft.unicode import quoted

MOST_BYTES = 1 << 30  # ten million n-grams take less
MOST_DIGITS = 20  # of a whole number: 64 bits and a sign


def read_json(path: Path, *, most: int = MOST_BYTES, errors: str = "strict", digits: int = MOST_DIGITS) -> Any:
    """The content of a JSON file.

    Args:
        path: a regular file; others could be read without end.
        most: bytes that it may have; nothing is read of a larger one.
        errors: how what is not UTF-8 is decoded, as in ``bytes.decode``.
        digits: that a whole number may have.

    Raises:
        ArtifactError: it is not there, too large, or not JSON.
    """
    if not path.is_file():
        raise ArtifactError(f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise ArtifactError(f"{path} has {size:,} bytes; textgraft reads and writes at most {most:,}.")
            content = file.read(size)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None
    return parse_json(content, path, errors=errors, digits=digits)


def read_object(path: Path, keys: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
    """The content of a JSON file that holds one object with just these keys.

    Raises:
        ArtifactError: see ``read_json``; or it holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise ArtifactError(f"{path} is damaged: it does not hold an object.")
    wrong = set(keys) - content.keys() or content.keys() - {*keys, *optional}
    if wrong:
        raise ArtifactError(f"{path} is damaged: {listed(sorted(wrong))} is missing there, or should not be there.")
    return content


def parse_json(content: bytes, source: Path | str, *, errors: str = "strict", digits: int = MOST_DIGITS) -> Any:
    """Parsed JSON; ``source`` is named where it is none.

    Raises:
        ArtifactError: it is not UTF-8 or not JSON, is nested too deeply, names a key twice, or holds a number that is
            not finite or has more than ``digits`` digits.
    """
    try:
        return json.loads(
            content.decode("utf-8", errors),
            object_pairs_hook=unique_keys,
            parse_int=partial(_whole, most=digits),
            parse_float=_finite,
            parse_constant=_finite,
        )
    except RecursionError:
        raise ArtifactError(f"{source} is damaged: it is nested too deeply.") from None
    except ValueError as error:
        raise ArtifactError(f"{source} is damaged: {error}.") from None


def is_whole(value: object, least: int = 0, most: int = 1 << 63) -> TypeGuard[int]:
    """Whether a value of JSON is a whole number from ``least`` to below ``most``; true and false are none."""
    return type(value) is int and least <= value < most


def is_number(value: object, least: float, most: float) -> TypeGuard[float]:
    """Whether a value of JSON is a number from ``least`` to ``most``."""
    return type(value) in (int, float) and least <= value <= most  # type: ignore[operator]


def is_strings(value: object) -> TypeGuard[list[str]]:
    """Whether a value of JSON is a list of strings."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of some pairs; raises RepeatedKeyError for a key that is there twice, of which ``json`` keeps one."""
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        raise RepeatedKeyError(next(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    return content


class RepeatedKeyError(ValueError):
    """An object has the key ``name`` twice."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the key {quoted(name)} is there twice")
        self.name = name


def _whole(digits: str, most: int) -> int:
    if len(digits) > most:
        raise ValueError(f"the number {digits[:MOST_DIGITS]}... has {len(digits):,} digits")
    return int(digits)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:MOST_DIGITS]} is no finite number")
    return value
