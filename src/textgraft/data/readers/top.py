"""The top of a table: lines above the names, the names, further lines of names, and where they stand again below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from textgraft.data.readers.chunks import Reading, check_size
from textgraft.data.readers.evidence import ROWS, column_bits, looked_at
from textgraft.data.readers.header import CLEAR, Verdict, bits_of, clean, column_names, first_row
from textgraft.data.readers.names import are_same, is_known, normal
from textgraft.errors import DataError, listed
from textgraft.unicode import quoted

Rows = Sequence[Sequence[str]]

_LOOK = 2 * ROWS  # records that tell the top of a table
_MOST_ABOVE = 12  # lines above the names
_CELLS = 1_000_000  # of the records that tell it; of very wide ones there are fewer, but always some below the names
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
                f"{place} holds the names of the columns in another order ({listed(map(quoted, fields), 12)}) than the "
                f"table ({listed(map(quoted, self.names), 12)}): two tables stand in one file. Give them as two files."
            )
        return False


@dataclass(frozen=True)
class Records:
    """The first records of a table, each with its number, and the words for a place among them.

    Attributes:
        numbered: the records' numbers in the file and their cells.
        file: the file's name.
        unit: what such a number counts, as ``"line {}"``.
        listing: the file may be a plain list of texts (see ``first_row``).
    """

    numbered: Sequence[tuple[int, Sequence[object]]]
    file: str
    unit: str
    listing: bool = False

    def line(self, i: int) -> str:
        """The words for the place of record ``i`` within its file."""
        return self.unit.format(self.numbered[i][0])

    def numbers(self, stop: int) -> list[int]:
        """The numbers of the first records."""
        return [number for number, _ in self.numbered[:stop]]


def find_top(records: Records, reading: Reading, *, marked: bool = False) -> Top:
    """The top of a table whose first records these are.

    Args:
        records: at least one.
        reading: the options, what is expected, and the report, which is told what was decided.
        marked: the first record says the delimiter and is no row.

    Raises:
        DataError: it is not clear whether the first row holds names, or which one does.
    """
    told = reading.options.header
    widest = max(len(cells) for _, cells in records.numbered[: 2 * _MOST_ABOVE])
    check_size(records.file, widest)
    look = min(_LOOK, max(2 * _MOST_ABOVE, _CELLS // max(1, widest)))
    rows = [[clean(cell) for cell in cells] for _, cells in records.numbered[:look]]
    start = int(marked)
    if start == len(rows):
        return Top(["column1"], frozenset(records.numbers(1)))
    width = _width([cells for _, cells in records.numbered[start:]])
    if told is not False:
        titles = _above(rows[start:], width, reading.expect, 1.0 if told is None else -CLEAR)
        start += titles
        _say_titles(titles, rows, start, records, reading)
    table = rows[start:]
    fitted = _fitted(table, width)
    if told is None and not _more_names(table):
        verdict = "names" if titles else first_row([fitted, *table[1:]], reading.expect, listing=records.listing)
        if verdict == "names" and len(table[0]) == width and _is_narrow(table[0], width, _usual(table)):
            verdict = "unclear"  # a title, and below it may be names
        _check_below(table, start, records, reading)
        _check_clear(verdict, table, start, records)
        _say_verdict(verdict, fitted, table, start, records, reading)
    else:
        verdict = "row" if told is False else "names"
    if verdict == "row":
        names = column_names(None, width, records.file, reading.report)
        return Top(names, frozenset(records.numbers(start)), tuple(map(_key, rows[:start])))
    return _named(fitted, rows, start, records, reading)


def _named(fitted: Sequence[str], rows: Rows, start: int, records: Records, reading: Reading) -> Top:
    """The top of a table whose row ``start`` holds the names."""
    table, remarks = rows[start:], reading.report.remarks
    if more := _more_names(table):
        which = listed((records.line(start + 1 + i) for i in range(more)), 3)
        what = f"{which} {'are' if more > 1 else 'is'} no data"
        remarks.append(f"{records.file} is a survey's export, with more names under the first: {what} and left out.")
    if len(fitted) > len(table[0]):
        count = "1 name" if len(table[0]) == 1 else f"{len(table[0])} names"
        nameless = "last" if fitted[0] else "first"
        remarks.append(f"{records.file} has {count} for {len(fitted)} columns; the {nameless} one has none.")
    cells = [name or (table[1][i] if more == 1 and i < len(table[1]) else "") for i, name in enumerate(fitted)]
    around = [*rows[:start], *table[1 : 1 + more]]
    return Top(
        column_names(cells, len(cells), records.file, reading.report),
        frozenset(records.numbers(start + 1 + more)),
        (_key(table[0]), *map(_key, filter(any, around))),
    )


def _width(rows: Sequence[Sequence[object]]) -> int:
    widths = Counter(map(len, rows))
    return max(widths, key=lambda width: (widths[width], width), default=1)


def _key(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(normal, row))


def _above(rows: Rows, width: int, expect: Sequence[str], clear: float) -> int:
    """How many lines stand above the names: titles and comments, narrower than the table that begins below them."""
    count = 0
    usual = _usual(rows)
    while count < min(len(rows), _MOST_ABOVE) and (
        _is_narrow(rows[count], width, usual) or rows[count][0].startswith("#")
    ):
        count += 1
    if not 0 < count < len(rows) - 1:
        return 0
    table = rows[count:]
    if width == 1:
        return count if first_row(table, expect) == "names" else 0
    return count if len(table[0]) == width and bits_of(table, expect) >= clear else 0


def _usual(rows: Rows) -> int:
    """How many cells of a row are filled."""
    return sorted(sum(map(bool, row)) for row in rows)[len(rows) // 2]


def _is_narrow(row: Sequence[str], width: int, usual: int) -> bool:
    """Whether a row has fewer cells than the table, or but one that is filled; one of two may be a name beside none."""
    if width == 1:
        return False
    return not any(row) or len(row) != width or (sum(map(bool, row)) == 1 < usual and (width > 2 or bool(row[0])))


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


def _more_names(table: Rows) -> int:
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


def _check_below(table: Rows, start: int, records: Records, reading: Reading) -> None:
    """Refuses a table in which a row under the first reads as names more clearly than any row of data can."""
    for i, row in enumerate(table[1:4], start=1):
        rest = [other for other in table[i:] if not are_same(other, table[0])]
        if (
            len(row) < 2
            or len(rest) < 4
            or rest[0] is not row
            or not _is_new(rest)
            or bits_of(rest, reading.expect) < _SURE
        ):
            continue
        below = [other for other in rest[1:] if len(other) == len(row)]
        columns = ((row[at], [other[at] for other in below]) for at in looked_at(row, reading.expect))
        if sum(column_bits(cell, values, reading.expect) > 3 for cell, values in columns if cell) > 1:
            raise DataError(
                f"{records.file} {records.line(start + i)} ({_shown(row)}) reads as names of columns, and so may "
                f"{records.line(start)} ({_shown(table[0])}) above it. Take out the lines that are neither the names "
                f"nor rows; or, if the first line holds the names and all others are rows, say --header (header=True), "
                f"or --no-header (header=False) if none holds names."
            )


def _is_new(rows: Rows) -> bool:
    """Whether most of the cells of the first row stand nowhere below them, as those of names."""
    cells = ((at, rows[0][at]) for at in looked_at(rows[0]) if rows[0][at])
    new = [all(cell != row[at] for row in rows[1:] if len(row) > at) for at, cell in cells]
    return 2 * sum(new) > len(new)


def _check_clear(verdict: Verdict, table: Rows, start: int, records: Records) -> None:
    if verdict == "unclear":
        first = _shown(table[0])
        below = f", and the first row is {_shown(table[1])}" if len(table) > 1 else ""
        columns = "the column is" if len(table[0]) == 1 else "the columns are"
        places = listed((quoted(f"column{i}") for i in range(1, len(table[0]) + 1)), 4)
        raise DataError(
            f"It is not clear whether {records.line(start)} of {records.file} holds names of columns or is a row. "
            f"With --header (header=True) {columns} {first}{below}. With --no-header (header=False) {columns} "
            f"{places}, and the first row is {first}."
        )


def _say_verdict(
    verdict: Verdict, fitted: Sequence[str], table: Rows, start: int, records: Records, reading: Reading
) -> None:
    """What is said where it is not plain: names that could be a row, and a row where names are missing."""
    line, file, alone = records.line(start), records.file, len(fitted) == 1
    names = "the name of the column" if alone else "the names of the columns"
    if verdict == "row" and not (alone and records.listing and not is_known(fitted[0])):
        why = f"{line} ({_shown(fitted)}) is a text" if alone else f"{line} reads as the rows below it"
        reading.report.remarks.append(
            f"{file} has no header, for {why}; say --header (header=True) if it holds {names}."
        )
    if verdict == "names" and (alone or bits_of([fitted, *table[1:]], reading.expect) < 2 * CLEAR):
        if alone and fitted[0] in reading.expect:
            return
        what = f"{names}, not as a text" if alone else names
        reading.report.remarks.append(
            f"In {file}, {line} ({_shown(fitted)}) is read as {what}; say --no-header (header=False) if it is a row."
        )


def _say_titles(titles: int, rows: Rows, start: int, records: Records, reading: Reading) -> None:
    if titles:
        above = "the line above them is" if titles == 1 else f"the {titles} lines above them are"
        last = quoted(_short(next((cell for row in reversed(rows[:start]) for cell in row if cell), "")))
        reading.report.remarks.append(
            f"{records.file} has the names of its columns in {records.line(start)}; {above} no row ({last})."
        )


def _shown(row: Sequence[str]) -> str:
    return listed((quoted(_short(cell)) for cell in row), 4)


def _short(cell: str) -> str:
    cell = " ".join(cell.split())
    return cell if len(cell) <= 40 else f"{cell[:37]}..."
