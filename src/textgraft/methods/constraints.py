"""What a hyperparameter may be: small objects that accept a value or say in a sentence what is wrong with it.

After scikit-learn's ``utils/_param_validation.py``: the check, the message and the bad values of the tests come from
one declaration.
"""

from __future__ import annotations

import json
import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Any, ClassVar

import numpy as np

from textgraft.errors import SettingError, did_you_mean
from textgraft.unicode import quoted


class Constraint(ABC):
    """What a value may be."""

    allowed: str  # the end of the sentence "epochs must be"
    words: tuple[str, ...] = ()  # the strings that are allowed, where they can be counted

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether a value can be used."""

    def faults(self, name: str, value: object) -> list[str]:
        """Sentences about a value: whose it is, what is allowed, what was given; none if it can be used."""
        if self.accepts(value):
            return []
        near = did_you_mean(value, self.words) if isinstance(value, str) else ""
        return [f"{name} must be {self.allowed}; got {quoted(value)}.{near}"]

    def read(self, text: str) -> Any:
        """The value that ``text`` stands for on the command line."""
        return text


class Choice(Constraint):
    """One of some values."""

    words: tuple[str, ...]
    allowed: str

    def __init__(self, *values: object) -> None:
        self.values = values
        self.words = tuple(value for value in values if isinstance(value, str))
        self.allowed = f"one of {', '.join(map(quoted, values))}"

    def accepts(self, value: Any) -> bool:  # noqa: D102
        return any(value is known or (isinstance(value, str) and value == known) for known in self.values)


class Number(Constraint):
    """A finite number from ``least`` to ``most``, or one of some words; bool is no number."""

    least: float
    most: float
    words: tuple[str, ...]
    types: tuple[type, ...]
    allowed: str

    def __init__(
        self,
        least: float = -inf,
        most: float = inf,
        *,
        whole: bool = False,
        allowed: str = "",
        words: tuple[str, ...] = (),
    ) -> None:
        self.least, self.most, self.words = least, most, words
        self.types = (int, np.integer) if whole else (int, float, np.integer, np.floating)
        bounds = f" of at least {least:g}" if most == inf else f" from {least:g} to {most:g}"
        number = f"a {'whole ' * whole}number{bounds * (least > -inf)}"
        self.allowed = allowed or " or ".join((*map(quoted, words), number))

    def accepts(self, value: Any) -> bool:  # noqa: D102
        if isinstance(value, str):
            return value in self.words
        number = isinstance(value, self.types) and not isinstance(value, bool)
        return number and bool(self.least <= value <= self.most and -inf < value < inf)

    def read(self, text: str) -> Any:
        """A number where there is one; a word as it is."""
        return number_or_word(text)


class SizeRange(Constraint):
    """The shortest and the longest of something, as in ``(1, 2)``; the shortest may have to be ``first``."""

    first: int
    most: int
    words: tuple[str, ...]
    allowed: str

    def __init__(self, most: int, *, first: int = 0, words: tuple[str, ...] = ()) -> None:
        self.most, self.first, self.words = most, first, words
        self.allowed = f"two whole numbers from 1 to {most}, the smaller first"

    def accepts(self, value: Any) -> bool:  # noqa: D102
        if isinstance(value, str):
            return value in self.words
        pair = isinstance(value, (tuple, list)) and [type(size) for size in value] == [int, int]
        return pair and 1 <= value[0] <= value[1] <= self.most

    def faults(self, name: str, value: Any) -> list[str]:  # noqa: D102
        faults = super().faults(name, value)
        if not faults and self.first not in (0, value[0]):
            faults = [f"{name} must start at single words, such as (1, 2); got {quoted(value)}."]
        return faults


class Regularisation(Constraint):
    """The inverse strength of a regularisation: one, several to choose from, or the method's own choice."""

    allowed = "'auto', a number greater than 0, or a list of such numbers"
    words: tuple[str, ...] = ("auto",)

    def accepts(self, value: Any) -> bool:  # noqa: D102
        if isinstance(value, str):
            return value in self.words
        values = list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
        return bool(values) and all(map(Number(math.ulp(0)).accepts, values))


class LabelWeights(Choice):
    """How much each label counts: all alike, all together alike, or by a mapping."""

    _PART: ClassVar = re.compile(r"(.+?)=\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?:,|$)", re.DOTALL)

    def __init__(self) -> None:
        super().__init__(None, "balanced")

    def faults(self, name: str, value: object) -> list[str]:
        """One sentence for each weight that cannot be used."""
        if not isinstance(value, Mapping):
            return super().faults(name, value)
        return [
            fault for label, part in value.items() for fault in Number(1e-6).faults(f"{name} of {quoted(label)}", part)
        ]

    def read(self, text: str) -> Any:
        """A mapping from ``joy=2,anger=0.5`` or a JSON object; a word as it is.

        A weight ends at a comma or at the end, and all before it is the label's name, also ``a=b,c`` in ``a=b,c=2``.

        Raises:
            SettingError: a weight is no number, or a label is named twice.
        """
        if "=" not in text and not text.startswith("{"):
            return text
        pairs: list[tuple[str, Any]] = [(match[1].strip(), float(match[2])) for match in self._PART.finditer(text)]
        whole = "".join(match[0] for match in self._PART.finditer(text)) == text
        if text.startswith("{"):
            with suppress(ValueError):
                pairs, whole = json.loads(text, object_pairs_hook=list), True
        if not whole or not all(isinstance(pair, tuple) for pair in pairs):
            raise SettingError(
                f'--class-weight must be like joy=2,anger=0.5, or a JSON object like {{"a=1,b": 2}} for names with '
                f"such signs, or balanced; got {quoted(text)}."
            )
        if len(dict(pairs)) < len(pairs):
            raise SettingError(f"--class-weight names a label twice; got {quoted(text)}.")
        return dict(pairs)


class Share(Constraint):
    """A number above 0 and below 1."""

    allowed: str

    def __init__(self, example: str = "0.97") -> None:
        self.allowed = f"a number above 0 and below 1, such as {example}"

    def accepts(self, value: Any) -> bool:  # noqa: D102
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        return number and bool(0 < value < 1)

    def read(self, text: str) -> Any:  # noqa: D102
        return number_or_word(text)


class TimeSpan(Constraint):
    """A number of seconds, or ``"90s"``, ``"10m"``, ``"1.5h"``."""

    allowed = "a time above zero, such as 90s, 10m or 1h"

    def accepts(self, value: Any) -> bool:  # noqa: D102
        return not isinstance(value, bool) and 0 < seconds(value) < inf


class Text(Constraint):
    """A name or a path."""

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed

    def accepts(self, value: Any) -> bool:  # noqa: D102
        return isinstance(value, (str, os.PathLike))


class Checked(Constraint):
    """What a function takes that raises SettingError, with a sentence of its own, for anything else."""

    def __init__(self, check: Callable[[Any], object], read: Callable[[str], Any] = str) -> None:
        self._check, self._read = check, read

    def accepts(self, value: Any) -> bool:  # noqa: D102
        return not self.faults("", value)

    def faults(self, name: str, value: object) -> list[str]:  # noqa: ARG002, D102 - the sentence has the name
        try:
            self._check(value)
        except SettingError as error:
            return [str(error)]
        return []

    def read(self, text: str) -> Any:  # noqa: D102
        return self._read(text)


COUNT = Number(1, whole=True)
SEED = Number(0, 2**32 - 1, whole=True, allowed="a whole number from 0 to 2^32 - 1")
YES_OR_NO = Choice(True, False)
ENCODER = Text("an embedded encoder, a folder, a name on the Hub, or 'auto', which goes by the language of the texts")


def refuse(faults: list[str]) -> None:
    """Raises SettingError with all of some sentences, one a line, if there are any."""
    if faults:
        count = f"{len(faults)} settings cannot be used.\n" if len(faults) > 1 else ""
        raise SettingError(count + "\n".join(faults))


def seconds(span: float | str) -> float:
    """The seconds in a number, or in ``"90s"``, ``"10m"`` or ``"1.5h"``; NaN if it is none of these."""
    number, unit = span, "s"
    if isinstance(span, str):
        text = span.strip().lower()
        number, unit = (text[:-1], text[-1]) if text[-1:] in {"s", "m", "h"} else (text, "s")
    try:
        return float(number) * {"s": 1, "m": 60, "h": 3600}[unit]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def number_or_word(text: str) -> Any:
    """``"4"`` as 4, ``"0.5"`` as 0.5, any other word as it is."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text
