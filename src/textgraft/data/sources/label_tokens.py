"""fastText's ``__label__`` tokens: where they stand in the lines of a file, and a line as its labels and its text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PREFIX = "__label__"
_LOOK = 1_000  # lines
_DIVIDERS = ",;|\t"
_BEFORE = re.compile(rf"\s*((?:{PREFIX}\S+(?:\s+|$))+)")
_CELL = {
    mark: re.compile(rf'(?:^|{re.escape(mark)})"?{PREFIX}[^\s{mark}"]+"?(?:{re.escape(mark)}|$)') for mark in _DIVIDERS
}


@dataclass(frozen=True)
class LabelForm:
    """How the labels of a file stand in its lines.

    Attributes:
        divider: the character between a label and the text; empty for the blanks of fastText.
        table: whether the lines are rows of a delimited table, of which one column holds the tokens.
    """

    divider: str = ""
    table: bool = False


def label_form(text: str) -> LabelForm | None:
    """The form of the first lines of a file; None if fewer than half begin or end with a label, or hold one as a cell.

    With a delimiter between label and text the lines are a table if they have a header or quotes, or all as many
    columns of which there are more than two; else all that stands after the first delimiter is the text.
    """
    if PREFIX not in text:
        return None
    lines = [line for line in text.lstrip("\ufeff").splitlines()[:_LOOK] if line.strip()]
    for mark in _DIVIDERS:
        held = [mark in line and _CELL[mark].search(line.strip()) is not None for line in lines]
        if sum(held) * 2 >= len(lines):
            return LabelForm(mark, _is_table(lines, mark, header=not held[0]))
    tokens = sum(_BEFORE.match(line) is not None or bool(_labels_after(line)) for line in lines)
    return LabelForm() if tokens * 2 >= len(lines) else None


def is_fasttext(text: str) -> bool:
    """Whether the first lines of a file hold fastText's labels."""
    return label_form(text) is not None


def parted(line: str, divider: str = "") -> tuple[list[str], str]:
    """The labels at the start and at the end of a line, and the text between them."""
    line = line.strip()
    if divider:
        first, _, rest = line.partition(divider)
        if first.startswith(PREFIX):
            return [first.strip().removeprefix(PREFIX)], rest.strip()
        rest, _, last = line.rpartition(divider)
        return ([last.strip().removeprefix(PREFIX)], rest.strip()) if last.startswith(PREFIX) else ([], line)
    before = _BEFORE.match(line)
    text = line[before.end() :] if before else line
    after = _labels_after(text)
    if after:
        text = text.rsplit(None, len(after))[0] if len(after) < len(text.split()) else ""
    found = [*(before.group(1).split() if before else ()), *after]
    return [token.removeprefix(PREFIX) for token in found], text.strip()


def _labels_after(text: str) -> list[str]:
    """The labels at the end of a text."""
    words = text.split()
    first = len(words)
    while first and words[first - 1].startswith(PREFIX) and words[first - 1] != PREFIX:
        first -= 1
    return words[first:]


def bare(cell: str) -> str:
    """A cell without the prefix."""
    return cell.strip().removeprefix(PREFIX)


def _is_table(lines: Sequence[str], mark: str, *, header: bool) -> bool:
    quoted = any(line.startswith('"') or f'{mark}"' in line or f'"{mark}' in line for line in lines)
    widths = {line.count(mark) + 1 for line in lines}
    return header or quoted or (len(widths) == 1 and max(widths) > 2)
