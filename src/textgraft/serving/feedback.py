"""Corrections of answers, in one SQLite file on this machine, and as a table to train on.

SQLite writes each correction whole or not at all; several processes may write into one file, which then is in WAL mode.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from textgraft.errors import DataError, SettingError, listed
from textgraft.task import Task
from textgraft.unicode import quoted, whole
from textgraft.whole import whole_file
from textgraft.wording import counted

APPLICATION: Final = 0x74676662  # by which SQLite's header says whose file it is
VERSION: Final = 1
PATIENCE: Final = 5.0  # seconds that a writer waits for others
DELIMITERS: Final = "|;,/~^"

Labelled = tuple[str, tuple[str, ...]]
_TABLE = """
CREATE TABLE corrections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    id TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    text TEXT NOT NULL,
    labels TEXT NOT NULL,
    multi_label INTEGER NOT NULL
) STRICT
"""


class FullError(DataError):
    """There is no room for a correction on the disk."""


class BusyError(DataError):
    """Others have been writing for too long."""


@dataclass(frozen=True)
class Correction:
    """What is right of a text.

    Attributes:
        id: of the text in the request that was answered.
        text: the text.
        labels: the right label, or labels.
        model, version: that answered.
    """

    id: str
    text: str
    labels: tuple[str, ...]
    model: str
    version: str


class Feedback:
    """A file of corrections.

    Args:
        path: the file, which is made where it is not there.

    Raises:
        SettingError: there is another file, or it cannot be made.
    """

    path: Path

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            with self._opened() as file:
                self._prepare(file)
        except (sqlite3.Error, OSError) as error:
            raise SettingError(f"The file of feedback {self.path} cannot be used: {error}.") from None

    def add(self, correction: Correction, task: Task) -> int:
        """Keeps a correction; when it returns, it is on the disk.

        Returns:
            Its number in the file.

        Raises:
            DataError: a label is none of the model's, or there is not one label where a text has one.
            FullError, BusyError: it is not kept.
        """
        check_labels(correction.labels, task)
        row = (
            datetime.now(UTC).isoformat(timespec="milliseconds"),
            *map(whole, (correction.id, correction.model, correction.version, correction.text)),
            json.dumps(correction.labels, ensure_ascii=True),
            int(task.multi_label),
        )
        try:
            with self._opened() as file, file:
                added = file.execute(
                    "INSERT INTO corrections (at, id, model, version, text, labels, multi_label) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
                return added.lastrowid or 0
        except (sqlite3.Error, OSError) as error:
            raise _translated(error) from error

    def __iter__(self) -> Iterator[tuple[Correction, bool]]:
        """Corrections in the order in which they came, each with whether a text may have several labels."""
        with self._opened() as file:
            query = "SELECT id, text, labels, model, version, multi_label FROM corrections ORDER BY number"
            for number, text, labels, model, version, several in file.execute(query):
                yield Correction(number, text, tuple(json.loads(labels)), model, version), bool(several)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as file:
            file.execute("PRAGMA synchronous = FULL")
            yield file

    def _prepare(self, file: sqlite3.Connection) -> None:
        """Makes the table, once, whoever comes first."""
        file.execute("PRAGMA journal_mode = WAL")
        with file:
            file.execute("BEGIN IMMEDIATE")
            [tables] = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            [application] = file.execute("PRAGMA application_id").fetchone()
            [version] = file.execute("PRAGMA user_version").fetchone()
            if tables and application != APPLICATION:
                raise SettingError(f"{self.path} is a database of something else; give a new file.")
            if version > VERSION:
                raise SettingError(f"{self.path} is of a newer textgraft; install that, or give a new file.")
            if not tables:
                file.execute(_TABLE)
                file.execute(f"PRAGMA application_id = {APPLICATION}")
                file.execute(f"PRAGMA user_version = {VERSION}")


@dataclass(frozen=True)
class Exported:
    """What was written: rows, and sentences that a user should see."""

    rows: int
    notes: tuple[str, ...]


def check_labels(labels: Sequence[str], task: Task) -> None:
    """Raises DataError where a text of this task cannot carry these labels."""
    if unknown := [label for label in labels if label not in task.labels]:
        raise DataError(f"There is no label {quoted(unknown[0])}; the model has {listed(map(quoted, task.labels))}.")
    if len(set(labels)) < len(labels):
        raise DataError("A label is given twice.")
    if not task.multi_label and len(labels) != 1:
        raise DataError(f"A text has one label here; got {len(labels)}.")


def export_feedback(path: str | Path, output: str | Path, *, model: str | None = None) -> Exported:
    """Writes the corrections as a table that ``read_table`` reads; of one text the last one.

    Args:
        path: the file of feedback.
        output: CSV, TSV or JSON Lines, by its ending, with columns ``text`` and ``label`` or ``labels``.
        model: whose corrections; needed where there are those of several.

    Raises:
        SettingError: there is no such file, or it has no such ending.
        DataError: there are no corrections, or those of several models and none is named.
    """
    path, output = Path(path), Path(output)
    if not path.is_file():
        raise SettingError(f"There is no file {path}; textgraft serve --feedback {path} makes it.")
    kind = output.suffix.lower()
    if kind not in (".csv", ".tsv", ".jsonl"):
        raise SettingError(f"{output} must end with .csv, .tsv or .jsonl.")
    try:
        every = list(Feedback(path))
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise DataError(f"{path} is damaged: {error}.") from None
    names = sorted({each.model for each, _ in every})
    if model is None and len(names) > 1:
        raise DataError(f"{path} has corrections of {listed(map(quoted, names))}; say which with --model (model=).")
    chosen = [(each, several) for each, several in every if model in (None, each.model)]
    if not chosen:
        of = "" if model is None else f" of the model {quoted(model)}; it has those of {listed(map(quoted, names))}"
        raise DataError(f"{path} has no corrections{of}.")
    last = {each.text: each for each, _ in chosen}
    several = any(many for _, many in chosen)
    notes = []
    if (repeats := len(chosen) - len(last)) > 0:
        other = sum(set(each.labels) != set(last[each.text].labels) for each, _ in chosen)
        notes.append(
            f"{counted(repeats, 'correction')} {'is' if repeats == 1 else 'are'} of a text that was corrected again "
            f"later; the last one counts ({other:,} said something else)."
        )
    rows = [(each.text, each.labels) for each in last.values()]
    delimiter = _delimiter(rows) if several and kind != ".jsonl" else ""
    if delimiter:
        mark = quoted(delimiter)
        notes.append(f"Several labels are divided by {mark}: textgraft train TABLE --label-delimiter {mark}.")
    with whole_file(output) as part:
        _write(part, kind, rows, delimiter, several=several)
    return Exported(len(last), tuple(notes))


def _delimiter(rows: list[Labelled]) -> str:
    """What no label holds."""
    used = {character for _, labels in rows for label in labels for character in label}
    found = next((mark for mark in DELIMITERS if mark not in used), None)
    if found is None:
        raise SettingError(f"Names of labels hold all of {DELIMITERS}; write them to a file that ends with .jsonl.")
    return found


def _write(part: Path, kind: str, rows: list[Labelled], delimiter: str, *, several: bool) -> None:
    name = "labels" if several else "label"
    if kind == ".jsonl":
        lines = [
            json.dumps({"text": text, name: list(labels) if several else labels[0]}, ensure_ascii=False)
            for text, labels in rows
        ]
        part.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return
    with part.open("w", encoding="utf-8", newline="") as file:
        table: Any = csv.writer(file, delimiter="\t" if kind == ".tsv" else ",", lineterminator="\n")
        table.writerow(("text", name))
        table.writerows((text, delimiter.join(labels)) for text, labels in rows)


def _translated(error: Exception) -> Exception:
    """The error as one that a client is told of."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) or isinstance(error, OSError):
        return FullError("The correction is not kept: there is no room for it, or the disk cannot be written to.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError("The correction is not kept: others are being written; send it again.")
    return FullError(f"The correction is not kept: the file of feedback cannot be written ({error}).")
