"""The top of a table: lines above the names, the names, further lines of names, and where they stand again below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from textgraft.data.tables.chunks import Reading
from textgraft.data.tables.evidence import column_bits
from textgraft.data.tables.header import CLEAR, bits_of, clean, column_names, first_row
from textgraft.data.tables.names import is_known, normal
from textgraft.errors import DataError, listed

Place = Callable[[int], str]
Rows = Sequence[Sequence[str]]

_MOST_ABOVE = 12  # lines above the names
_SECOND = {"response", "open-ended response", "other (please specify)"}  # what SurveyMonkey writes under its questions
_SURE = 10.0  # bits: a second row of names


@dataclass(frozen=True)
class Top:
    """What stands above the rows of a table, and is looked for among them.

    Attributes:
        names: of the columns.
        lines: the numbers of the records that are no rows.
        above: what stood there, as it is compared; the names themselves first, if there are any.
    """

    names: list[str]
    lines: frozenset[int] = frozenset()
    above: tuple[tuple[str, ...], ...] = ()
    _starts: frozenset[str] = field(init=False)
    _longest: int = field(init=False)

    def __post_init__(self) -> None:
        starts = {row[0] for row in self.above} | set(self.above[0] if self.above else ())
        object.__setattr__(self, "_starts", frozenset(starts))
        object.__setattr__(self, "_longest", max(map(len, starts), default=-3) + 3)

    def stands_again(self, fields: Sequence[object], place: str) -> bool:
        """Whether a record repeats the names or what stands around them, as files do that were joined.

        Raises:
            DataError: it holds the names in another order.
        """
        start = fields[0] if fields else ""
        if not isinstance(start, str) or len(start) > self._longest or normal(start) not in self._starts:
            return False
        row = tuple(normal(clean(cell)) for cell in fields)
        if not any(row):
            return False
        if row in self.above:
            return True
        if self.above and len(row) > 1 and row != self.above[0] and sorted(row) == sorted(self.above[0]):
            raise DataError(
                f"{place} holds the names of the columns in another order ({listed(map(repr, fields), 12)}) than the "
                f"table ({listed(map(repr, self.names), 12)}): two tables stand in one file. Give them as two files."
            )
        return False


def find_top(
    records: Sequence[tuple[int, Sequence[object]]], file: str, reading: Reading, place: Place, *, listing: bool, marked: bool
) -> Top:
    """The top of a table whose first records these are.

    Args:
        records: their numbers and cells.
        file: the file's name.
        reading: the options, what is expected, and the report of what was decided.
        place: the words for a number of a record.
        listing: as for ``first_row``.
        marked: the first record says the delimiter and is no row.

    Raises:
        DataError: it is not clear whether the first row holds names, or which one does.
    """
    told, remarks = reading.options.header, reading.report.remarks
    rows = [[clean(cell) for cell in cells] for _, cells in records]
    width = _width(rows[int(marked) :])
    start = int(marked)
    if start == len(rows):
        return Top([], frozenset({records[0][0]}))
    if told is not False:
        start += _above(rows[start:], width, reading.expect, CLEAR if told is None else 0.0)
    above = range(start)
    if titles := [records[i][0] for i in above[int(marked) :]]:
        shown = repr(_short(next(filter(None, rows[start - 1]), "")))
        remarks.append(
            f"{file} has its names in {_line(place, records[start][0], file)}; what stands above them is no row "
            f"({shown})."
            if len(titles) == 1
            else f"{file} has its names in {_line(place, records[start][0], file)}; the {len(titles)} lines above them "
            f"are no rows (the last one: {shown})."
        )
    table = rows[start:]
    fitted = _fitted(table, width)
    if told is None:
        verdict = first_row([fitted, *table[1:]], reading.expect, listing=listing)
        if verdict == "unclear":
            raise DataError(_unclear(table, file, _line(place, records[start][0], file)))
    else:
        verdict = "names" if told else "row"
    if verdict == "row":
        if told is None:
            _check_below(table, reading.expect, [place(number) for number, _ in records[start:]])
            if len(fitted) > 1 or is_known(fitted[0]) or not listing:
                remarks.append(_is_row(table[0], file, _line(place, records[start][0], file)))
        lines = frozenset(records[i][0] for i in above)
        return Top(column_names(None, width, file, reading.report), lines, tuple(map(_key, rows[:start])))
    more = _more_names(table, fitted)
    if more:
        which = listed((_line(place, number, file) for number, _ in records[start + 1 : start + 1 + more]), 3)
        remarks.append(f"{file} is a survey's export: {which} {'are' if more > 1 else 'is'} no data and left out.")
    elif told is None:
        _check_below(table, reading.expect, [place(number) for number, _ in records[start:]])
        _say_one_name(fitted, table, file, _line(place, records[start][0], file), reading)
    if len(fitted) != len(table[0]):
        said = "first" if len(fitted) > len(table[0]) and not fitted[0] else "last"
        remarks.append(f"{file} has {len(table[0])} names for {len(fitted)} columns; the {said} one has none.")
    named = [name or (table[1][i] if more == 1 else "") for i, name in enumerate(fitted)]
    top = [records[i][0] for i in range(start + 1 + more)]
    around = [*rows[:start], *table[1 : 1 + more]]
    return Top(
        column_names(named, width, file, reading.report), frozenset(top), (_key(table[0]), *map(_key, filter(any, around)))
    )


def _width(rows: Rows) -> int:
    widths = Counter(map(len, rows))
    return max(widths, key=lambda width: (widths[width], width), default=1)


def _key(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(normal, row))


def _above(rows: Rows, width: int, expect: Sequence[str], clear: float) -> int:
    """How many lines stand above the names: titles and comments, narrower than the table that begins below them."""
    usual = sorted(sum(map(bool, row)) for row in rows)[len(rows) // 2]
    count = 0
    for row in rows[:_MOST_ABOVE]:
        narrow = width > 1 and (len(row) != width or (sum(map(bool, row)) == 1 and usual > 1))
        if not (narrow or row[0].startswith("#")):
            break
        count += 1
    if not 0 < count < len(rows) - 1:
        return 0
    table = rows[count:]
    if width == 1:
        return count if first_row(table, expect) == "names" else 0
    return count if len(table[0]) == width and bits_of(table, expect) >= clear else 0


def _fitted(table: Rows, width: int) -> Sequence[str]:
    """The first row as names: one for each column, where row names or a last delimiter have none; no comment sign."""
    first, below = table[0], [row for row in table[1:] if len(row) == width]
    if first[0].startswith("#") and below and not any(row[0].startswith("#") for row in below):
        bare = [first[0].lstrip("# "), *first[1:]]
        first = bare if bits_of([bare, *below]) >= CLEAR else first
    if len(first) == width - 1 and below and len(first) > 0 and width > 1:
        if not any(row[-1] for row in below):
            return [*first, ""]
        if len({row[0] for row in below}) == len(below) > 1 and bits_of([["", *first], *below]) >= CLEAR:
            return ["", *first]
    if len(first) == width + 1 and not first[-1]:
        return first[:-1]
    return first


def _more_names(table: Rows, fitted: Sequence[str]) -> int:
    """How many rows under the names hold more of them, as the exports of Qualtrics and SurveyMonkey have."""
    for i, row in enumerate(table[1:4], start=1):
        filled = [cell for cell in row if cell]
        if filled and all(cell.startswith("{") and "ImportId" in cell for cell in filled):
            return i
    if len(table) < 3:
        return 0
    second = {cell.lower() for cell in table[1] if cell}
    blank = [i for i, cell in enumerate(table[1]) if not cell and any(len(row) > i and row[i] for row in table[2:])]
    if second & _SECOND and (second <= _SECOND or blank):
        return 1
    return 0


def _check_below(table: Rows, expect: Sequence[str], places: Sequence[str]) -> None:
    """Refuses a table in which a row under the first reads as names more clearly than any row of data can."""
    key = _key(table[0])
    for i, row in enumerate(table[1:4], start=1):
        rest = table[i:]
        if len(row) < 2 or len(rest) < 4 or _key(row) == key or bits_of(rest, expect) < _SURE:
            continue
        columns = zip(row, zip(*[r for r in rest[1:] if len(r) == len(row)], strict=True), strict=False)
        named = [cell for cell, values in columns if cell and column_bits(cell, values, expect) > 3]
        if len(named) > 1:
            raise DataError(
                f"{places[i]} ({_shown(row)}) reads as names of columns, below {places[0]} ({_shown(table[0])}). Take "
                f"out the lines that are neither the names nor rows; or, if the first line holds the names and all "
                f"others are rows, say --header (header=True), or --no-header (header=False) if none holds names."
            )


def _say_one_name(fitted: Sequence[str], table: Rows, file: str, line: str, reading: Reading) -> None:
    """What is said of names that could be a row."""
    plain = len(fitted) > 1 and bits_of([fitted, *table[1:]], reading.expect) > 2 * CLEAR
    if not plain and fitted[0] not in reading.expect:
        what = "the name of the column, not as a text" if len(fitted) == 1 else "the names of the columns"
        reading.report.remarks.append(
            f"{line} of {file} ({_shown(fitted)}) is read as {what}; say --no-header (header=False) if it is a row."
        )


def _is_row(first: Sequence[str], file: str, line: str) -> str:
    what = f"{line} ({_shown(first)}) is a text" if len(first) == 1 else f"{line} reads as the rows below it"
    name = "the name of the column" if len(first) == 1 else "the names of the columns"
    return f"{file} has no header, for {what}; say --header (header=True) if it holds {name}."


def _unclear(table: Rows, file: str, line: str) -> str:
    below = f", with the first row {_shown(table[1])}" if len(table) > 1 else ""
    columns = "column" if len(table[0]) == 1 else "columns"
    return (
        f"It is not clear whether {line} of {file} holds the names of the columns or is a row. With --header "
        f"(header=True): {columns} {_shown(table[0])}{below}. With --no-header (header=False): {columns} "
        f"{listed((repr(f'column{i}') for i in range(1, len(table[0]) + 1)), 4)}, with the first row "
        f"{_shown(table[0])}."
    )


def _line(place: Place, number: int, file: str) -> str:
    """The words for a record without its file."""
    return place(number).removeprefix(file).strip(" ,")


def _shown(row: Sequence[str]) -> str:
    return listed((repr(_short(cell)) for cell in row), 4)


def _short(cell: str) -> str:
    cell = " ".join(cell.split())
    return cell if len(cell) <= 40 else f"{cell[:37]}..."
