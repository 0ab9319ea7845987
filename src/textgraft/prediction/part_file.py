"""The hidden file that an output is written to before it takes its place, and what is needed to go on with it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from textgraft.errors import SettingError
from textgraft.prediction.origin import Origin
from textgraft.whole import lock, sync, whole_file

COMMIT_SECONDS = 1.0  # between two moments from which a killed run can go on


@contextmanager
def part_file(place: Path, origin: Origin | None = None) -> Iterator[PartFile]:
    """A file beside ``place`` that takes its place when the block ends well.

    When the block ends otherwise, the file is deleted; with ``origin`` what is whole of it stays, and the next call
    goes on there.

    Raises:
        SettingError: another process writes it; or it was begun with another ``origin``.
    """
    part = PartFile(place, origin)
    try:
        yield part
        part.finish()
    except BaseException:
        part.give_up()
        raise


class PartFile:
    """``.NAME.part`` and, for going on with it, ``.NAME.part.json`` beside it.

    Attributes:
        path: the hidden file.
        file: the same, open for writing where it is to go on.
        rows: how many rows of it are written.
    """

    def __init__(self, place: Path, origin: Origin | None) -> None:
        self._place = place
        self._origin = origin
        self._committed = time.monotonic()
        self.path = _part(place)
        self._lock = _locked(self.path, place)
        with ExitStack() as stack:
            stack.callback(self._unlock)
            self.file = stack.enter_context(self.path.open("r+b"))
            self.rows, size = self._resumed()
            self.file.truncate(size)
            self.file.seek(size)
            stack.pop_all()

    def wrote(self, rows: int, flush: Callable[[], None]) -> None:
        """So many more rows are written; every second or so they are made to outlast a kill.

        Args:
            rows: how many.
            flush: hands on to ``file`` what is held back.
        """
        self.rows += rows
        if self._origin is not None and time.monotonic() - self._committed >= COMMIT_SECONDS:
            flush()
            self._commit(self._origin)
            self._committed = time.monotonic()

    def finish(self) -> None:
        """The file is whole and takes its place."""
        self._to_disk()
        self.file.close()
        self.path.replace(self._place)
        sync(self._place.parent)
        _journal_path(self._place).unlink(missing_ok=True)
        self._unlock()

    def give_up(self) -> None:
        """The file will not become whole now."""
        with suppress(OSError):  # a full disk, as it may be what ended the writing
            self.file.close()
        if self._origin is None or not resumable_rows(self._place):
            self.path.unlink(missing_ok=True)
            _journal_path(self._place).unlink(missing_ok=True)
        self._unlock()

    def _resumed(self) -> tuple[int, int]:
        """How many rows and bytes there are to go on from."""
        journal = None if self._origin is None else _read(self._place)
        if journal is None or journal.bytes > self.path.stat().st_size:
            _journal_path(self._place).unlink(missing_ok=True)
            return 0, 0
        assert self._origin is not None
        if differences := self._origin.differences(journal.origin):
            raise SettingError(
                f"The {journal.rows:,} rows of a half-written {self._place.name} were made with "
                f"{' and with '.join(differences)}; run as it was begun, or without --resume to start over."
            )
        return journal.rows, journal.bytes

    def _commit(self, origin: Origin) -> None:
        self._to_disk()
        content = asdict(origin) | {"rows": self.rows, "bytes": self.file.tell()}
        with whole_file(_journal_path(self._place)) as new:
            new.write_text(json.dumps(content), "utf-8")

    def _to_disk(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class _Journal(NamedTuple):
    origin: Origin
    rows: int
    bytes: int


def resumable_rows(place: Path) -> int:
    """How many rows of an interrupted run there are to go on from."""
    journal = _read(place)
    return journal.rows if journal is not None and _part(place).is_file() else 0


def _read(place: Path) -> _Journal | None:
    """What the journal says; None where there is none that can be read, which is to start over."""
    try:
        content: dict[str, Any] = json.loads(_journal_path(place).read_text("utf-8"))
        origin = Origin(str(content["model"]), str(content["input"]), dict(content["options"]))
        return _Journal(origin, int(content["rows"]), int(content["bytes"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _part(place: Path) -> Path:
    return place.with_name(f".{place.name}.part")


def _journal_path(place: Path) -> Path:
    return place.with_name(f".{place.name}.part.json")


def _locked(part: Path, place: Path) -> int | None:
    """The lock on a part, made if need be, that no other process writes meanwhile.

    Raises:
        SettingError: another one does.
    """
    while True:
        part.touch()
        try:
            return lock(part)
        except BlockingIOError:
            raise SettingError(f"Another process is writing {place}; wait for it, or end it.") from None
        except FileNotFoundError:  # another process has just given it its place
            continue
