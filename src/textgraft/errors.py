"""The errors that a user can meet.

Every message is a sentence that names the value at fault, what is allowed and what to do::

    TextgraftError
    ├── SettingError        a parameter or option has a value that cannot be used (also a ValueError)
    ├── DataError           a table, its rows or its labels cannot be used (also a ValueError)
    │   └── BadRowsError    rows of a file that do not parse; carries them
    ├── EncoderError        a pretrained encoder is not there or is not what it should be
    ├── VectorsError        word vectors are not there or not what they should be
    ├── TrainingError       training could not go on
    ├── NotFittedError      a classifier is used before ``fit`` (in ``methods.estimator``; also a ValueError and an
    │                       AttributeError)
    ├── ArtifactError       a model directory is damaged, foreign or too new
    ├── ExportError         a model cannot be exported, or its export does not answer as the model does
    └── MissingExtraError   an optional dependency is not installed (also an ImportError)

The command line prints the message on one line and exits with 1.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from textgraft.unicode import MOST_QUOTED, quoted, said, shortened

MOST_LISTED = 1_000  # characters of a list in a sentence
MOST_LIKENED = 5_000  # names among which the nearest is looked for
_TWO_PERIODS = re.compile(r"(?<=[^\s./\\'\"(])\.\.(?=\s|$)")  # no folder above, and no three


class TextgraftError(Exception):
    """Base of all errors that textgraft raises on purpose."""

    def __str__(self) -> str:
        # It may name what holds anything, of any length, and quote a sentence of a library with its period.
        return _TWO_PERIODS.sub(".", said(super().__str__()))


class SettingError(TextgraftError, ValueError):
    """A parameter or option has a value that cannot be used."""


class DataError(TextgraftError, ValueError):
    """A table, its rows or its labels cannot be used."""


@dataclass(frozen=True)
class BadRow:
    """A row of a file that does not parse: where it is (1-based line) and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{shortened(self.file, 300)} line {self.line}: {shortened(self.reason, 300)}"


class BadRowsError(DataError):
    """Rows of a file do not parse; ``rows`` holds those seen."""

    rows: tuple[BadRow, ...]

    def __init__(self, message: str, rows: Sequence[BadRow]) -> None:
        super().__init__(message)
        self.rows = tuple(rows)


class EncoderError(TextgraftError):
    """A pretrained encoder is not there, or its files are not what they should be."""


class VectorsError(TextgraftError):
    """Word vectors are not there, or their file is not what it should be."""


class TrainingError(TextgraftError):
    """Training could not go on."""


class ArtifactError(TextgraftError):
    """A model directory is damaged, foreign or of a newer format."""


class ExportError(TextgraftError):
    """A model cannot be exported, or what was exported does not answer as the model does."""


class MissingExtraError(TextgraftError, ImportError):
    """An optional dependency is not installed; the message is the install line."""

    extra: str
    wish: str

    def __init__(self, wish: str, extra: str) -> None:
        super().__init__(f'{wish} needs more packages: pip install "textgraft[{extra}]"')
        self.wish, self.extra = wish, extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        # One of several processes sends it to the others.
        return MissingExtraError, (self.wish, self.extra)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A clause that names the nearest of ``known``, whatever their case: ``" Did you mean 'text'?"``, or nothing."""
    folded: dict[str, str] = {}
    for candidate in islice(known, MOST_LIKENED):
        folded.setdefault(str(candidate)[:MOST_QUOTED].casefold(), str(candidate))
    if len(name) > MOST_QUOTED:
        return ""
    near = [folded[key] for key in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    return f" Did you mean {' or '.join(map(quoted, near))}?" if near else ""


def listed(items: Iterable[object], most: int = 5) -> str:
    """The first ``most`` items separated by commas, or as many as are read at a glance, and how many more there are.

    An item that is long is shortened.
    """
    iterator = iter(items)
    # Twice as long as what is quoted, since an item may quote and count besides.
    names = [shortened(str(item), 2 * MOST_QUOTED) for item in islice(iterator, most)]
    fit = sum(length <= MOST_LISTED for length in accumulate(map(len, names)))
    others = len(names) - fit + sum(1 for _ in iterator)
    return ", ".join(names[:fit]) + (f" and {others:,} more" if others else "")
