"""How much more likely the first row of a table is if it holds names than if it is a row like those below it, in bits.

Every column gives evidence (of very many, some), none has a veto. What is counted are properties in which names differ
from values: the probabilities among names are from tables that people publish, those among values are estimated from
the rows below.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from statistics import fmean, pstdev

from textgraft.data.readers.names import is_known, is_shared, is_spelled_as_name

ROWS = 120  # below the first that are looked at
COLUMNS = 400  # that are looked at; of more, some that lie evenly among them
_MOST = 6.0  # bits of one column
_NUMBER = re.compile(r"[-+]?[$€£]?\d[\d .,']*\d?([eE][-+]?\d+)?\s?%?|[-+]?\.\d+")
_YEAR = re.compile(r"(19|20)\d\d")
_MOMENT = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.{0,24}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.{0,24}|\d{1,2}:\d{2}(:\d{2})?.{0,8}"
)
_SENTENCE_ENDS = (".", "!", "…", "。", "!", "।", '."', '!"')
_QUESTION_ENDS = ("?", "?", "؟")
_NOTHING = frozenset(("", "-", "--", "?", "n/a", "na", "nan", "none", "null", "nil", "unknown"))
# Names are short, or questions of a survey: shares, and means and deviations of the logarithm of their length.
_NAMES = ((0.75, 2.0, 0.7), (0.25, 3.7, 0.7))


def bits_for_names(rows: Sequence[Sequence[str]], expect: Collection[str] = ()) -> float:
    """Bits for a first row of names, where what is below it is data; below 0 it is rather data itself.

    Args:
        rows: the first row and some of those below it, cells without blanks at their ends.
        expect: names that the table is expected to have.
    """
    first, below = rows[0], rows[1 : ROWS + 1]
    total = _row_bits(first, below)
    for i in looked_at(first, expect):
        values = [row[i] for row in below if len(row) > i]
        total += column_bits(first[i], values, expect)
    return total


def looked_at(first: Sequence[str], expect: Collection[str] = ()) -> list[int]:
    """The places of the columns that are looked at: all, or of very many some evenly spaced, and the expected ones."""
    if len(first) <= COLUMNS:
        return list(range(len(first)))
    step = -(-len(first) // COLUMNS)
    return [i for i, cell in enumerate(first) if i % step == 0 or cell in expect]


def column_bits(cell: str, values: Sequence[str], expect: Collection[str] = ()) -> float:
    """Bits of one column, whose first cell is ``cell``, for this cell being its name."""
    filled = [value for value in values if value]
    n = len(filled)
    if not cell:
        blank = (len(values) - n + 0.5) / (len(values) + 1)
        return max(0.0, math.log2(0.15 / blank)) if n else 0.0
    expected = 8.0 if cell in expect else 4.0 if is_shared(cell, expect) else 0.0
    if not filled:
        return expected + _spelling(cell, ()) + (min(3.0, math.log2(len(values) + 1)) if values else 0.0)
    counts = Counter(filled)
    novelty = _novelty(cell, counts, n)
    kind = _kind(cell, filled)
    looks = max(-5.0, min(5.0, _length(cell, filled) + _ending(cell, filled) + _case(cell, filled)))
    surprise = max(novelty, kind, 0.0) + min(novelty, 0.0) + min(kind, 0.0)
    if kind > 0:  # numbers and dates have no other looks than theirs
        looks = 0.0
    return expected + max(-_MOST - 2, min(_MOST, surprise + looks + _spelling(cell, filled)))


def kind_of(cell: str) -> str:
    """``"number"``, ``"moment"`` or ``"string"``."""
    if not cell[:1].isdigit() and cell[:1] not in "+-.$€£":
        return "string"
    return "number" if _NUMBER.fullmatch(cell) else "moment" if _MOMENT.fullmatch(cell) else "string"


def _row_bits(first: Sequence[str], below: Sequence[Sequence[str]]) -> float:
    """Names differ from each other, cells of a row often do not; pandas numbers columns that have no names."""
    named = first if first[0] else first[1:]
    if len(named) > 1 and list(named) == [str(i) for i in range(len(named))]:
        return 4.0
    if not _repeats(first):
        return 0.0
    share = (sum(map(_repeats, below)) + 1) / (len(below) + 2)
    return min(0.0, math.log2(0.1 / share))


def _repeats(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    return len(set(filled)) < len(filled)


def _novelty(cell: str, counts: Counter[str], n: int) -> float:
    """A value that stands nowhere else is as rare as such values are below (Good and Turing's estimate)."""
    once = sum(count == 1 for count in counts.values())
    if cell in counts:
        recurring = max(0.3, 1 - once / (n + 1))
        common = counts[cell] > max(1, n / 10)  # a name may well be one of the values, but hardly one of a few
        return math.log2((0.005 if common else 0.02) / recurring)
    return math.log2((n + 1) / (once + 1))


def _kind(cell: str, filled: Sequence[str]) -> float:
    kinds = Counter(kind_of(value) for value in filled if value.lower() not in _NOTHING)
    n = kinds.total()
    if not n:
        return 0.0
    common, count = kinds.most_common(1)[0]
    own = kind_of(cell)
    if _YEAR.fullmatch(cell) and not any(map(_YEAR.fullmatch, filled)):  # a column for each year
        return 1.0
    if common == "string":  # a number or a date above words: "0", "1", "2", as pandas numbers columns, or years
        return 0.0 if own == "string" or count < 0.9 * n else -0.5 + math.log2(0.05 * (n + 1) / (kinds[own] + 0.5))
    if own == common:
        return math.log2(0.08)
    if cell.lower() in _NOTHING:
        return 0.0
    return min(_MOST, math.log2((n + 1) / (n - count + 0.25)))


def _length(cell: str, filled: Sequence[str]) -> float:
    logs = [math.log(len(value)) for value in filled]
    spread = (pstdev(logs) * len(logs) + 0.7 * 4) / (len(logs) + 4)
    x = math.log(len(cell))
    return math.log2(_density(x, _NAMES) / _density(x, ((1.0, fmean(logs), spread),)))


def _density(x: float, parts: Sequence[tuple[float, float, float]]) -> float:
    """Of a mixture of normal distributions, above a floor for what no distribution knows."""
    return 0.005 + sum(share / spread * math.exp(-(((x - mean) / spread) ** 2) / 2) for share, mean, spread in parts)


def _ending(cell: str, filled: Sequence[str]) -> float:
    """Names do not end as sentences do; some end as questions."""

    def ending(value: str) -> int:
        return 2 if value.endswith(_QUESTION_ENDS) else int(value.endswith(_SENTENCE_ENDS))

    own = ending(cell)
    share = (sum(ending(value) == own for value in filled) + (0.9, 0.1, 0.04)[own] * 4) / (len(filled) + 4)
    return max(-3.0, min(3.0, math.log2((0.83, 0.02, 0.15)[own] / share)))


def _case(cell: str, filled: Sequence[str]) -> float:
    """Names begin with a small or a large letter, as their table's author likes it, and not as the values do."""

    def beginning(value: str) -> int:
        start = value[0]
        return 0 if start.islower() else 1 if start.isupper() else 2 if start.isdigit() else 3

    own = beginning(cell)
    among_names = (0.4, 0.4, 0.05, 0.15)[own]
    share = (sum(beginning(value) == own for value in filled) + among_names * 3) / (len(filled) + 3)
    return max(-3.0, min(3.0, math.log2(among_names / share)))


def _spelling(cell: str, filled: Sequence[str]) -> float:
    """Words that tables name their columns by, and joined_words, which are rarely values."""
    total = 0.0
    for has, among_names, before in ((is_known, 0.4, 0.02), (is_spelled_as_name, 0.25, 0.02)):
        share = (sum(map(has, filled)) + 5 * before) / (len(filled) + 5)
        total += math.log2(among_names / share) if has(cell) else math.log2((1 - among_names) / max(0.1, 1 - share))
    return total
