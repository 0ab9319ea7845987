"""One name for one label, at every door: files, lists, arrays and frames all come to the same names.

The normal form of a label: blanks at its ends go; true, True and TRUE are ``"true"``; 1, ``"1"`` and 1.0 are ``"1"``,
while ``"01"`` and ``"+1"`` stay as they are; a day at midnight is the day. What is missing (None, NaN, NaT, pandas' NA,
blank) is None. A name never depends on the other rows. Names that differ in case, in blanks within them or in Unicode
form are different labels; ``look_alike`` finds them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import combinations
from typing import Any, Final

import numpy as np

from textgraft.errors import DataError, SettingError, did_you_mean
from textgraft.unicode import quoted, shortened, whole

LIKENESSES: Final = ("case", "space", "unicode")
"""In what two names of what may be one label can differ."""

NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
"""A cell that is a number, as programs write it."""

_WHOLE_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.0*)?")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?")
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"  # characters without width, which programs leave at the ends of cells
_BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + _INVISIBLE


def is_missing(value: Any) -> bool:
    """True for None, NaN, NaT, pandas' NA and the empty string: a cell with nothing in it."""
    if value is None or (isinstance(value, str) and not value):
        return True
    if isinstance(value, (str, int)) or hasattr(value, "__len__"):
        return False
    try:
        return bool(value != value)  # noqa: PLR0124 (NaN and its kin differ from themselves)
    except (TypeError, ValueError, ArithmeticError):  # pandas' NA and a signalling NaN are neither equal nor unequal
        return type(value).__name__ in ("NAType", "Decimal")


def label_name(value: Any) -> str | None:
    """The name of the label that a cell or an item holds, in normal form; None where it is missing.

    Raises:
        DataError: it is nothing that names a label, such as a list, an object, or bytes that are not UTF-8.
    """
    if isinstance(value, str) and not isinstance(value, Enum):
        return _of_string(value)
    if isinstance(value, Enum):
        return label_name(value.value)
    if isinstance(value, bytes):
        try:
            return _of_string(value.decode())
        except UnicodeDecodeError:
            raise DataError(f"{quoted(value[:20])} is no label: these bytes are not UTF-8.") from None
    if is_missing(value):
        return None
    if type(value).__name__ == "datetime64":  # its item is a number of nanoseconds
        return _of_string(str(value))
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item") and type(value).__name__ != "timedelta64":
        value = _plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, (float, Decimal, Fraction)):
        return _of_number(value)
    if isinstance(value, (date, time)):
        value = value.isoformat()
    if isinstance(value, str):
        return _of_string(value)
    raise DataError(
        f"{_short(value)} of type {type(value).__name__} is no label; a label is a name, a number, true or false, "
        f"or a date."
    )


def label_names(values: Sequence[Any], place: Callable[[int], str]) -> list[str | None]:
    """The name in each cell, None where there is none; ``place`` says where a cell is, for messages.

    Raises:
        DataError: a cell holds nothing that names a label.
    """
    known: dict[tuple[type, Any], str | None] = {}
    names: list[str | None] = []
    for i, value in enumerate(values):
        kind = type(value)
        if kind in (str, int, bool, float):
            if (kind, value) not in known:
                known[kind, value] = label_name(value)
            names.append(known[kind, value])
            continue
        try:
            names.append(label_name(value))
        except DataError as error:
            raise DataError(f"{place(i)}: {error}") from None
    return names


def label_order(names: Iterable[str]) -> tuple[str, ...]:
    """Distinct label names in their order: as numbers where all of them are numbers, else by code point."""
    distinct = sorted(set(names))
    try:
        numbers = all(math.isfinite(float(name)) for name in distinct)  # "nan" and "inf" are names like any other
    except ValueError:
        numbers = False
    return tuple(sorted(distinct, key=float) if numbers else distinct)


def check_likenesses(within: str | Sequence[str] | None) -> tuple[str, ...]:
    """What of ``LIKENESSES`` is given, as a list or with commas between, each once and in their order.

    Raises:
        SettingError: another word is given.
    """
    given = [word.strip() for word in within.split(",")] if isinstance(within, str) else list(within or ())
    for word in given:
        if word not in LIKENESSES:
            raise SettingError(
                f"--merge-labels (merge_labels=) must be some of {', '.join(LIKENESSES)}; got {quoted(word)}."
                f"{did_you_mean(str(word), LIKENESSES)}"
            )
    return tuple(word for word in LIKENESSES if word in given)


def look_alike(names: Iterable[str], within: Collection[str] = LIKENESSES) -> list[tuple[str, ...]]:
    """Names that differ from each other in nothing but ``within`` (see ``LIKENESSES``), together."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        alike[_key(name, within)].append(name)
    return [tuple(group) for group in alike.values() if len(group) > 1]


def spellings(counts: Mapping[str, int], within: Collection[str]) -> dict[str, str]:
    """The one name of each of the names that look alike: the most frequent, and of those the first by code point."""
    chosen: dict[str, str] = {}
    for group in look_alike(counts, within):
        best = min(group, key=lambda name: (-counts[name], name))
        chosen |= dict.fromkeys(group, best)
    return chosen


def told_apart(name: str, others: Iterable[str]) -> str:
    """A name in quotes; written out in ASCII where it would look the same as one of the others."""
    form = unicodedata.normalize("NFKC", name)
    twins = any(other != name and unicodedata.normalize("NFKC", other) == form for other in others)
    return ascii(shortened(name)) if twins and name != form else quoted(name)


def likeness(names: Sequence[str]) -> tuple[str, ...]:
    """In how little names differ that look alike: the fewest of ``LIKENESSES`` that make them one."""
    tried = (within for size in (1, 2) for within in combinations(LIKENESSES, size))
    return next((within for within in tried if len({_key(name, within) for name in names}) == 1), LIKENESSES)


def alike(name: str, names: Iterable[str], within: Collection[str]) -> str | None:
    """The only one of ``names`` that ``name`` is: itself, its normal form, or one that differs in ``within`` alone."""
    known = list(names)
    if name in known:
        return name
    keys: list[Callable[[str], object]] = [label_name]
    if within:
        keys.append(lambda each: _key(label_name(each) or each, within))
    for key in keys:
        same = [each for each in known if key(each) == key(name)]
        if len(same) == 1:
            return same[0]
    return None


def _plain(scalar: Any) -> Any:
    """A scalar of NumPy or torch as Python's own; a float of few bits has no more digits than it needs."""
    value = scalar.item()
    if isinstance(value, float) and math.isfinite(value):
        try:
            return float(str(np.asarray(scalar)[()]))
        except TypeError:  # of a type that NumPy does not have
            return value
    return value


def _of_string(text: str) -> str | None:
    name = whole(str(text)).strip(_BLANK)
    if name.lower() in ("true", "false"):
        return name.lower()
    if match := _WHOLE_NUMBER.fullmatch(name):
        return match[2] if match[2] == "0" else match[1] + match[2]
    if match := _MOMENT.fullmatch(name):
        return _of_moment(*match.groups(default=""))
    return name or None


def _of_moment(day: str, hour: str, seconds: str, part: str) -> str:
    """A day at midnight, as workbooks and frames hold it, is the day."""
    clock = f"{hour}:{seconds or '00'}{'.' if part.strip('0') else ''}{part.rstrip('0')}"
    return day if clock == "00:00:00" else f"{day}T{clock}"


def _of_number(value: float | Decimal | Fraction) -> str | None:
    if value == int(value) if math.isfinite(value) else False:
        return str(int(value))
    return _of_string(repr(float(value)))  # which may be whole where the value is not


def _key(name: str, within: Collection[str]) -> str:
    key = unicodedata.normalize("NFKC", name) if "unicode" in within else name
    if "case" in within:
        key = key.casefold()
    if "space" in within:
        key = "".join(key.split()).translate(dict.fromkeys(map(ord, _INVISIBLE)))
    return unicodedata.normalize("NFKC", key) if "unicode" in within else key


def _short(value: Any) -> str:
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
