"""Which delimiter a text table has and whether its quotes enclose fields: the reading with the fewest bad rows wins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from textgraft.data.readers.records import NO_DELIMITER, Dialect, Lines, records

_WINDOW = 1 << 20  # characters that are judged at a time
_MOST_LINES = 1_000  # of one record of a sample
_ENOUGH = 20  # cleanly quoted fields after which quotes are believed
_SOME = 300  # records whose fields are looked at
_PREFERRED = {".csv": ",\t;|", ".psv": "|\t;,", ".ssv": ";\t|,"}
_SEP = re.compile(r'\s*\ufeff?"?sep=(?P<mark>[^\w\s"]|[\t ])"?[,;|\t ]*(\r?\n|\r|$)', re.IGNORECASE)
_DELIMITERS = "\t;|,"  # in the order of their rarity within texts


@dataclass(frozen=True)
class Tally:
    """How a sample reads in one dialect: fields per good record, records read, bad ones and lines used."""

    width: int
    records: int
    bad: int
    lines: int

    @property
    def share(self) -> float:
        """The share of records that are good."""
        return 1 - self.bad / self.records if self.records else 0.0


def find_dialect(
    lines: Iterable[str], *, suffix: str = "", delimiter: str | None = None, quoting: bool | None = None
) -> Dialect:
    """The dialect of a table's lines; what is given is taken as given.

    The delimiter is chosen on the first megabyte of characters; a file in which none divides most lines into equally
    many fields has one column. Quotes are judged on as much of the file as it takes: they enclose fields unless more
    rows are good when they are read as characters.
    """
    stream = iter(lines)
    sample, cut = _take(stream)
    if delimiter is None:
        delimiter = _find_delimiter(sample, cut, suffix, quoting)
    if quoting is None:
        quoting = _find_quoting(sample, cut, stream, delimiter)
    return Dialect(delimiter, quoting)


def said_delimiter(head: str) -> str | None:
    """The delimiter that a first line such as ``sep=;`` says, as Excel reads and writes it; None if none does."""
    match = _SEP.match(head)
    return match["mark"] if match else None


def tally(sample: list[str], cut: bool, dialect: Dialect, width: int | None = None) -> Tally:
    """Counts the records of a sample that have ``width`` fields, by default the most frequent number.

    A last record that a ``cut`` sample leaves open is not counted.
    """
    lines = Lines(sample, most_lines=_MOST_LINES)
    widths: Counter[int] = Counter()
    bad = used = 0
    for record in records(lines, dialect):
        if record.reason and cut and "never closed" in record.reason:
            break
        used = lines.read
        if record.reason:
            bad += 1
        elif len(record.fields) > 1 or record.fields[0].strip():
            widths[len(record.fields)] += 1
    if width is None:
        width = max(widths, key=lambda w: (widths[w], w), default=1)
    total = widths.total() + bad
    return Tally(width, total, total - widths[width], used)


def _take(lines: Iterator[str]) -> tuple[list[str], bool]:
    """The lines of one window, and whether there may be more after them."""
    taken, characters = [], 0
    for line in lines:
        taken.append(line)
        characters += len(line)
        if characters > _WINDOW:
            return taken, True
    return taken, False


def _find_delimiter(sample: list[str], cut: bool, suffix: str, quoting: bool | None) -> str:
    order = _PREFERRED.get(suffix, _DELIMITERS)
    # A small sample tells a delimiter as well as a large one; only quotes may need more.
    few = sample[:2_000]
    cut = cut or len(few) < len(sample)
    modes = (True, False) if quoting is None else (quoting,)
    least = 0.3 if suffix in (".csv", ".tsv", ".tab", ".psv", ".ssv") else 0.8
    best, best_rank = NO_DELIMITER, None
    for place, delimiter in enumerate(order):
        if not any(delimiter in line for line in few):
            continue
        tallies = [(tally(few, cut, Dialect(delimiter, mode)), mode) for mode in modes]
        counted, mode = max(tallies, key=lambda pair: (round(pair[0].share, 3), pair[0].width))
        if counted.width > 1 and round(counted.share, 3) >= least:
            fits = _fits(few, Dialect(delimiter, mode), counted.width)
            rank = (round(counted.share - 0.1 * (not fits[0]), 3), *fits[1:], counted.width, -place)
            if best_rank is None or rank > best_rank:
                best, best_rank = delimiter, rank
    return best


def _fits(few: list[str], dialect: Dialect, width: int) -> tuple[bool, bool, bool]:
    """Of delimiters that divide lines equally well, the signs of the one that is meant.

    The first record is as wide as the table; fields do not begin with a blank, as parts of sentences do; and the values
    of a column recur.
    """
    found = [record.fields for record in islice(records(Lines(few), dialect), _SOME) if not record.reason]
    rows = [fields for fields in found if len(fields) == width]
    later = [field for fields in rows for field in fields[1:] if field]
    blank = sum(field[0] == " " for field in later)
    recurs = any(2 * len(set(column)) <= len(rows) for column in zip(*rows, strict=True))
    return bool(found) and len(found[0]) == width, 2 * blank <= len(later), recurs


def _find_quoting(sample: list[str], cut: bool, rest: Iterator[str], delimiter: str) -> bool:
    """Judges window after window, each from its first line with a quote on, until one is conclusive."""
    width = _find_width(sample, cut, delimiter)
    wrapped = 0
    while True:
        start = next((i for i, line in enumerate(sample) if '"' in line), None)
        if start is None:
            first = next((line for line in rest if '"' in line), None)
            if first is None:
                return True
            more, cut = _take(rest)
            sample, start = [first, *more], 0
        sample = sample[start:]
        quoted = tally(sample, cut, Dialect(delimiter, True), width)
        plain = tally(sample[: quoted.lines], cut, Dialect(delimiter, False), width)
        wrapped += sum(_is_wrapped(line, delimiter) for line in sample[: quoted.lines])
        if (quoted.records, quoted.bad) != (plain.records, plain.bad):
            return _encloses(quoted, plain, delimiter, wrapped)
        if not cut or wrapped >= _ENOUGH:
            return True
        sample, cut = _take(chain(sample[quoted.lines :], rest))


def _find_width(sample: list[str], cut: bool, delimiter: str) -> int:
    """Fields per record: those of the first record, if at least half of the records agree, else the most frequent."""
    few = sample[:2_000]
    tallies = [tally(few, cut or len(few) < len(sample), Dialect(delimiter, mode)) for mode in (True, False)]
    for mode, counted in zip((True, False), tallies, strict=True):
        first = next((r for r in records(Lines(few), Dialect(delimiter, mode)) if not r.reason), None)
        if first and tally(few, cut, Dialect(delimiter, mode), len(first.fields)).bad * 2 <= counted.records:
            return len(first.fields)
    return max(tallies, key=lambda t: t.share).width


def _encloses(quoted: Tally, plain: Tally, delimiter: str, wrapped: int) -> bool:
    """Whether quotes enclose fields, where it makes a difference."""
    if delimiter == NO_DELIMITER:  # without other fields only the quotes themselves can tell
        return 2 * quoted.bad <= wrapped
    if quoted.bad and plain.bad:
        return quoted.records - 2 * quoted.bad >= plain.records - 2 * plain.bad
    if quoted.bad or plain.bad:
        return not quoted.bad
    # Both read well, but quotes make several lines one row. Texts with commas are not written without quotes; with
    # other delimiters more than one such row means that stray quotes at the ends of texts have swallowed rows.
    return delimiter == "," or plain.records - quoted.records < 2


def _is_wrapped(line: str, delimiter: str) -> bool:
    """Whether a line has a field that begins and one that ends with a quote."""
    bare = line.rstrip("\r\n")
    begins = bare.startswith('"') or delimiter + '"' in bare
    return begins and (bare.endswith('"') or '"' + delimiter in bare)
