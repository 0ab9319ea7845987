"""What programs write beside the standard of CSV: backslashes before quotes, blanks after delimiters, a NULL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from textgraft.data.readers.dialect import Tally, tally
from textgraft.data.readers.records import NO_DELIMITER, Dialect, Escape, Lines, records

NULL = r"\N"
_DELIMITERS = "\t;|,"
_WINDOW = 1 << 20  # characters that are judged
_SURE = 0.95  # of the rows are good: another delimiter is not looked for
_FEW = 500  # lines that tell a delimiter
_LOOK = 2_000  # lines or records of these that are looked at one by one
_PAIR = re.compile(r"\\(.?)", re.DOTALL)
_MEANING = {
    "doubled": "that makes the quote, delimiter or backslash after it part of the text",
    "quotes": "that makes the quote after it part of the text",
    "letters": r"as MySQL and PostgreSQL write it, in which \t is a tab and \n a line end",
}
_LETTERS = frozenset('\\tnrbfvN.0"')


def find_habits(
    lines: Iterable[str], dialect: Dialect, *, delimiter: str | None = None, quoting: bool | None = None
) -> Dialect:
    """The dialect with what the writer of a file does beside the standard, where more rows are good with it.

    Args:
        lines: of the file.
        dialect: as the standard has it (see ``find_dialect``).
        delimiter, quoting: what the user says; other readings than these are not tried.
    """
    sample, cut = _sample(iter(lines), late=not dialect.quoting)
    marks = [dialect.delimiter]
    slashed = any("\\" in line for line in sample)
    plain = tally(sample, cut, dialect) if slashed else tally(sample[:_FEW], True, dialect)
    if delimiter is None and (plain.width == 1 or plain.share < _SURE):
        marks += [mark for mark in _DELIMITERS if mark != dialect.delimiter and any(mark in line for line in sample)]
    good = dialect.quoting and not plain.bad and plain.width > 1  # no other reading can be better
    if quoting is not False and not good and any(map(_has_escaped_quote, sample)):
        dialect = _escaped_quotes(sample, cut, dialect, marks)
    if quoting is not False:
        dialect = _blanks(sample, cut, dialect, marks)
    nulls = slashed and any(NULL in line for line in sample)
    if quoting is None and not dialect.escape and not dialect.blanks and (nulls or not good):
        dialect = _escaped_delimiters(sample, cut, dialect, marks)
    return dialect


def habit_remarks(dialect: Dialect, file: str) -> list[str]:
    """What is to be said of the habits."""
    said = []
    if dialect.escape:
        option = "--no-quoting (quoting=False)" if dialect.quoting else "--quoting or --no-quoting (quoting=)"
        said.append(
            f"A backslash in {file} is an escape {_MEANING[dialect.escape]}; say {option} if it is a character."
        )
    if dialect.blanks:
        said.append(f"Blanks {dialect.blanks} the delimiters of {file} are not part of its fields.")
    return said


def _sample(lines: Iterator[str], *, late: bool) -> tuple[list[str], bool]:
    """The lines that are judged, and whether there may be more after them.

    With ``late``, those from the first escaped quote on, wherever it stands, if the first ones have none.
    """
    taken = _window(lines)
    if late and not any(map(_has_escaped_quote, taken)):
        first = next(filter(_has_escaped_quote, lines), None)
        if first is not None:
            taken = [first, *_window(lines)]
    return taken, next(lines, None) is not None


def _has_escaped_quote(line: str) -> bool:
    return '\\"' in line and '"' in _PAIR.findall(line)


def _window(lines: Iterator[str]) -> list[str]:
    taken, characters = [], 0
    for line in lines:
        taken.append(line)
        characters += len(line)
        if characters > _WINDOW:
            break
    return taken


def _escaped_quotes(sample: list[str], cut: bool, dialect: Dialect, marks: Sequence[str]) -> Dialect:
    """Quotes enclose fields and a backslash stands before those inside them."""
    before = tally(sample, cut, dialect)
    best, least = dialect, before
    lone = any(pair not in _LETTERS | {*marks, "\r", "\n"} for line in sample for pair in _PAIR.findall(line))
    styles: tuple[Escape, ...] = ("quotes", "doubled") if lone else ("doubled", "quotes")
    for mark in marks:
        for style in styles:
            candidate = Dialect(mark, True, style)
            counted = tally(sample, cut, candidate)
            fair = mark == dialect.delimiter or counted.width > 1
            # Where quotes were taken as characters both readings can be good; quotes may also join lines then.
            same = counted.bad == least.bad and counted.records <= least.records
            alike = best is dialect and not dialect.quoting and mark == dialect.delimiter and same
            if fair and (_better(counted, least) or (alike and _only_escaped(sample, mark))):
                best, least = candidate, counted
    return best


def _escaped_delimiters(sample: list[str], cut: bool, dialect: Dialect, marks: Sequence[str]) -> Dialect:
    """No quotes, and a backslash before delimiters and line ends that are part of a field; or letters for these."""
    pairs = {pair for line in sample if "\\" in line for pair in _PAIR.findall(line)}
    if pairs.isdisjoint(("N", "\n", "\r", *marks)):
        return dialect
    best, least = dialect, tally(sample, cut, dialect)
    for mark in marks:
        nulls = "N" in pairs and any(NULL in line.rstrip("\r\n").split(mark) for line in sample)
        if nulls and pairs - {"N"} and pairs <= _LETTERS | {mark, "\n", "\r"}:
            letters = Dialect(mark, False, "letters")
            if (counted := tally(sample, cut, letters)).bad <= least.bad and counted.width > 1:
                return letters
        if mark in pairs or not pairs.isdisjoint(("\n", "\r")):
            candidate = Dialect(mark, False, "doubled")
            counted = tally(sample, cut, candidate)
            if counted.width > 1 and _better(counted, least):
                best, least = candidate, counted
    return best


def _blanks(sample: list[str], cut: bool, dialect: Dialect, marks: Sequence[str]) -> Dialect:
    """Blanks stand after delimiters: before quotes that enclose fields, or before all fields."""
    cut, sample = cut or len(sample) > _LOOK, sample[:_LOOK]  # a small sample tells blanks as well as a large one
    if not any(f"{mark} " in line for mark in marks for line in sample):
        return dialect
    least = tally(sample, cut, dialect)
    best = dialect
    for mark in marks:
        padded = replace(dialect, delimiter=mark, quoting=True, blanks="after")
        if any(f'{mark} "' in line or f'" {mark}' in line or f"{mark}  " in line for line in sample):
            counted = tally(sample, cut, padded)
            if counted.width > 1 and _better(counted, least):
                best, least = padded, counted
    after, before = _padding(sample, best)
    if after or best.blanks:
        best = replace(best, blanks="around" if before else "after", quoting=True)
        if tally(sample, cut, best).bad > least.bad:
            return dialect
    return best


def _padding(sample: list[str], dialect: Dialect) -> tuple[bool, bool]:
    """Whether all fields but the first begin with a blank, and all but the last end with one."""
    if dialect.delimiter == NO_DELIMITER:
        return False, False
    read = records(Lines(sample), replace(dialect, blanks="", quoting=dialect.quoting))
    rows = [record.fields for record in islice(read, _FEW) if not record.reason and len(record.fields) > 1]
    after = len(rows) > 1 and all(not cell or cell[0] == " " for row in rows for cell in row[1:])
    before = len(rows) > 1 and all(not cell or cell[-1] == " " for row in rows for cell in row[:-1])
    filled = len(rows) > 1 and all(cell for cell in rows[0])
    return after and filled, before and filled


def _better(counted: Tally, least: Tally) -> bool:
    """Whether clearly more rows are good in one reading."""
    return counted.share > 0.5 and (
        counted.bad < least.bad or (counted.bad == least.bad and counted.width > 1 and least.width == 1)
    )


def _only_escaped(sample: list[str], mark: str) -> bool:
    """Whether each quote stands after a backslash or at an end of a field."""
    stray = re.compile(rf'(?<=[^\\{re.escape(mark)}])"(?=[^{re.escape(mark)}])')
    quoted = (line.strip("\r\n") for line in sample if '"' in line)
    return not any(stray.search(line) for line in islice(quoted, _LOOK))
