"""What every reader takes and gives: one reading, a piece of a table, and what is to be said about the reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, TypeVar

from textgraft.data.sources.options import ReadOptions
from textgraft.errors import BadRow, BadRowsError, DataError, listed
from textgraft.limits import COLUMNS, LACKING_CELLS
from textgraft.unicode import quoted
from textgraft.wording import counted

GIVEN = "the given table"  # the name of what is no file
T = TypeVar("T")
MOST_CHARACTERS = 1 << 23  # after which a chunk ends
_MOST_KEPT = 10_000  # bad rows that are remembered one by one, so that a file of nothing else stays in memory


class Counted(Protocol):
    """What counts the characters or bytes that it gives."""

    given: int


@dataclass(frozen=True)
class Chunk:
    """Some rows of one file, in order.

    Attributes:
        columns: the values of each column; the lists are equally long.
        file: the file's name as it was given.
        numbers: the 1-based number of each row among the data rows of the file; 0 where the file is the row.
    """

    columns: dict[str, list[Any]]
    file: str
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def place(self, i: int) -> str:
        """``"reviews.csv row 12"``, or the file's name alone where the file is the row."""
        return f"{self.file} row {self.numbers[i]}" if self.numbers[i] else self.file

    def of_part(self, part: str) -> Chunk:
        """The same with a column ``split`` that says which part of the data the rows are.

        Raises:
            DataError: it has such a column, and that says something else.
        """
        said = {str(value) for value in self.columns.get("split", ())}
        if said - {part}:
            raise DataError(
                f"{self.file} is the part {quoted(part)} of a table and has a column 'split' of its own, with "
                f"{listed(sorted(map(quoted, said)))}; rename that column."
            )
        return Chunk({**self.columns, "split": [part] * len(self)}, self.file, self.numbers)


def check_size(file: str, columns: int, rows: int = 0, filled: int = 0) -> None:
    """Raises DataError for more columns than are taken, or so many that ``rows`` with ``filled`` cells hardly share."""
    too_many = COLUMNS.exceeded(columns, "columns")
    too_many = too_many or LACKING_CELLS.exceeded(rows * columns - filled, "cells of columns that their rows lack")
    if too_many:
        raise DataError(f"{file} cannot be read as a table: {too_many}")


@dataclass
class Report:
    """What is to be said about a reading; it grows while the chunks are read.

    Attributes:
        remarks: sentences.
        foreign: file, first line that is not UTF-8, and the encoding assumed, for each such file.
        bad_rows: the rows that do not parse (the first 10,000 of them).
        bad_count: how many do not parse.
        twins: names that several columns share, with a clause that says so and what these columns are called.
    """

    remarks: list[str] = field(default_factory=list)
    foreign: list[tuple[str, int, str]] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    bad_count: int = 0
    twins: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def bad(self, file: str, line: int, reason: str) -> None:
        """A row does not parse."""
        self.bad_count += 1
        if len(self.bad_rows) < _MOST_KEPT:
            self.bad_rows.append(BadRow(file, line, reason))

    def again(self, file: str, unit: str, numbers: Sequence[int]) -> None:
        """The names of a file's columns, or what stands around them, stand again below and are left out."""
        if numbers:
            count = "1 row repeats" if len(numbers) == 1 else f"{len(numbers):,} rows repeat"
            where = listed((f"{unit} {number}" for number in numbers), 6)
            self.remarks.append(f"{count} the names of the columns of {file} ({where}), left out.")

    def check(self) -> None:
        """Raises BadRowsError if a row did not parse."""
        if self.bad_count:
            raise BadRowsError(
                f"{self._bad_sentence('cannot be read')} Mend the file, or leave such rows out with "
                f"--skip-bad-rows (skip_bad_rows=True).",
                self.bad_rows,
            )

    def sentences(self) -> tuple[str, ...]:
        """All that is to be said."""
        said = list(dict.fromkeys(self.remarks))
        said += map(self._foreign_sentence, dict.fromkeys(encoding for _, _, encoding in self.foreign))
        if self.bad_count:
            said.append(self._bad_sentence("cannot be read and are left out"))
        return tuple(said)

    def _bad_sentence(self, what: str) -> str:
        if self.bad_count == 1:
            return f"1 row {what.replace(' are ', ' is ')}: {self.bad_rows[0]}."
        shown = "; ".join(str(row) for row in self.bad_rows[:5])
        more = f"; and {self.bad_count - 5:,} more" if self.bad_count > 5 else ""
        return f"{counted(self.bad_count, 'row')} {what}: {shown}{more}."

    def _foreign_sentence(self, encoding: str) -> str:
        files = [(file, line) for file, line, assumed in self.foreign if assumed == encoding]
        where = listed((f"{file} (first at line {line})" for file, line in files), 3)
        verb = "are" if len(files) > 1 else "is"
        return f"{where} {verb} not UTF-8; read as {encoding}. Say --encoding (encoding=) if that is wrong."


@dataclass(frozen=True)
class Reading:
    """One reading of a source, for the readers: the options, the size of a chunk and the report.

    ``expect`` are column names that the caller will ask for; they help to tell a header from a first row.
    """

    options: ReadOptions = field(default_factory=ReadOptions)
    rows_per_chunk: int = 4096
    expect: tuple[str, ...] = ()
    report: Report = field(default_factory=Report)

    def chunks(
        self, file: str, names: Sequence[str], rows: Iterable[tuple[int, Sequence[Any]]], source: Counted | None = None
    ) -> Iterator[Chunk]:
        """Chunks of numbered rows that all have one value per name."""
        for numbers, values in self.batches(rows, source):
            columns = {name: list(column) for name, column in zip(names, zip(*values, strict=True), strict=True)}
            yield Chunk(columns, file, numbers)

    def batches(
        self, rows: Iterable[tuple[int, T]], source: Counted | None = None
    ) -> Iterator[tuple[list[int], list[T]]]:
        """Numbered rows as lists of numbers and of rows, as many as a chunk may have.

        Args:
            rows: each with its number.
            source: where they are from, which counts what it gives: a chunk ends early where its rows are long.
        """
        iterator = iter(rows)
        while part := first_rows(iterator, self.rows_per_chunk, source):
            yield [number for number, _ in part], [row for _, row in part]


def first_rows(rows: Iterator[T], most: int, source: Counted | None = None) -> list[T]:
    """The next rows, at most so many, or as many as ``MOST_CHARACTERS`` of their source have."""
    if source is None:
        return list(islice(rows, most))
    part: list[T] = []
    stop = source.given + MOST_CHARACTERS
    for row in islice(rows, most):
        part.append(row)
        if source.given > stop:
            break
    return part
