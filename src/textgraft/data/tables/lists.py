"""Lists that programs write into a cell: those of JSON, Python, NumPy, pandas and polars, as text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

_TOKEN = re.compile(
    r"""(\s*)(?:
      (?P<string>[bBuU]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
    | (?P<number>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    | (?P<short>\.\.\.|…)
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*|<NA>)
    | (?P<mark>[][(){},:=])
    )""",
    re.VERBOSE | re.DOTALL,
)
_BEGINS = re.compile(r"[\[({]|(?:np\.|numpy\.)?(?:array|list|tuple|set|frozenset|Index|dict)\s*\(")
_CLOSED: Final = {"[": "]", "(": ")", "{": "}"}
_WORDS: Final = {
    **dict.fromkeys(("True", "true", "True_"), True),
    **dict.fromkeys(("False", "false", "False_"), False),
    **dict.fromkeys(("None", "null", "nan", "NaN", "NaT", "NA", "<NA>"), None),
}
_AROUND: Final = frozenset(("array", "list", "tuple", "set", "frozenset", "Index", "dict"))
_SCALAR: Final = re.compile(r"(?:np|numpy)\.(?:str_|bytes_|bool_?|u?int[0-9]*|float[0-9]*)")


class NotAListError(ValueError):
    """A text is no list; the message is the reason as a clause, if there is one to say."""


def is_list(cell: Any) -> bool:
    """Whether a cell is a list, a tuple, a set, a one-dimensional array, or a dictionary."""
    if cell is None or isinstance(cell, (str, int, float)):
        return False
    return isinstance(cell, (list, tuple, set, frozenset, Mapping)) or (
        hasattr(cell, "__array__") and np.ndim(cell) == 1
    )


def looks_like_list(text: str) -> bool:
    """Whether a text is enclosed as a list is, whatever stands within."""
    return _BEGINS.match(text) is not None and text[-1:] in ("]", ")", "}")


def parse_list(text: str) -> list[Any] | dict[Any, Any]:
    """The items of a list that is written as a text; a dictionary for one of names and values.

    What is written without commas, as NumPy does, is divided at blanks; nothing is ever joined.

    Raises:
        NotAListError: it is none, or it is shortened.
    """
    if text[:1] in ("[", "{"):
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            pass
        else:
            return _flat(value)
    try:
        tokens = _Tokens(text)
        value = _value(tokens)
        tokens.expect("")
    except RecursionError:
        raise NotAListError from None
    if not isinstance(value, (list, dict)):
        raise NotAListError
    return _flat(value)


class _Tokens:
    """The tokens of a text, each with its kind and whether a blank stands before it."""

    def __init__(self, text: str) -> None:
        self._rest = self._split(text)
        self.kind = self.text = ""
        self.spaced = False
        self.step()

    @staticmethod
    def _split(text: str) -> Iterator[tuple[str, str, bool]]:
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise NotAListError
            yield str(match.lastgroup), match[0].lstrip(), bool(match[1])
            at = match.end()

    def step(self) -> str:
        """Goes on to the next token and gives the current one."""
        left = self.text
        self.kind, self.text, self.spaced = next(self._rest, ("", "", False))
        if self.kind == "short":
            raise NotAListError("it is shortened ('...'); write all of it, with json.dumps for instance")
        return left

    def expect(self, mark: str) -> None:
        """Passes over a mark; the end is no mark."""
        if self.text != mark or (mark and self.kind != "mark"):
            raise NotAListError
        self.step()


def _value(tokens: _Tokens) -> Any:
    if tokens.kind == "mark" and tokens.text in _CLOSED:
        return _enclosed(tokens, tokens.step())
    if tokens.kind == "string":
        return _string(tokens.step())
    if tokens.kind == "number":
        text = tokens.step()
        return float(text) if re.search(r"[.eE]", text) else int(text) if str(int(text)) == text else text
    if tokens.kind != "word":
        raise NotAListError
    word = tokens.step()
    if tokens.text == "(" and tokens.kind == "mark" and (word.split(".")[-1] in _AROUND or _SCALAR.fullmatch(word)):
        return _called(tokens, scalar=_SCALAR.fullmatch(word) is not None)
    if (name := word.removeprefix("np.")) in _WORDS:
        return _WORDS[name]
    raise NotAListError("its names stand without quotes")


def _enclosed(tokens: _Tokens, opening: str) -> Any:
    """What stands between two brackets; in round ones, as in Python, a lone item without a comma is itself."""
    closing = _CLOSED[opening]
    items: list[Any] = []
    named: dict[Any, Any] = {}
    commas = blanks = 0
    while tokens.text != closing or tokens.kind != "mark":
        item = _value(tokens)
        if opening == "{" and tokens.text == ":" and not isinstance(item, (list, dict)):
            tokens.step()
            named[item] = _value(tokens)
        items.append(item)
        if tokens.text == "," and tokens.kind == "mark":
            tokens.step()
            commas += 1
        elif tokens.text != closing or tokens.kind != "mark":
            blanks += 1
            if not tokens.spaced:
                raise NotAListError
    tokens.step()
    if blanks and (commas or opening != "["):
        raise NotAListError("a comma is missing in it")
    if named:
        if len(named) < len(items):
            raise NotAListError
        return named
    return items[0] if opening == "(" and items and not commas else items


def _called(tokens: _Tokens, *, scalar: bool) -> Any:
    """The value within ``array(...)`` and its like; what kind of array it is says nothing of labels."""
    tokens.expect("(")
    value: Any = [] if tokens.text == ")" else _value(tokens)
    while tokens.text == "," and tokens.kind == "mark":
        tokens.step()
        if tokens.text == ")":
            break
        if tokens.step() not in ("dtype", "name"):
            raise NotAListError
        tokens.expect("=")
        tokens.step()
    tokens.expect(")")
    if isinstance(value, (list, dict)) == scalar:
        raise NotAListError
    return value


def _string(literal: str) -> Any:
    """The string that a literal of JSON or of Python stands for."""
    if literal[0] == '"':
        try:
            return json.loads(literal, strict=False)
        except ValueError:
            pass
    try:
        value = ast.literal_eval(literal.replace("\r", "\\r").replace("\n", "\\n"))
    except (ValueError, SyntaxError):
        raise NotAListError from None
    return value


def _flat(value: Any) -> list[Any] | dict[Any, Any]:
    items = value.values() if isinstance(value, dict) else value
    if any(isinstance(item, (list, dict)) for item in items):
        raise NotAListError("a list stands within it")
    return value  # type: ignore[no-any-return]
