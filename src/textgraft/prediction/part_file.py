"""The hidden file that an output is written to before it takes its place, and what is needed to go on with it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from textgraft.errors import SettingError
from textgraft.prediction.counting import SpoiledError
from textgraft.prediction.origin import Origin
from textgraft.whole import lock, sync, whole_file
from textgraft.wording import counted

COMMIT_SECONDS = 1.0  # between two moments from which a killed run can go on


@contextmanager
def part_file(place: Path, origin: Origin | None = None) -> Iterator[PartFile]:
    """A file beside ``place`` that takes its place when the block ends well.

    When the block ends otherwise, the file is deleted; with ``origin`` what is whole of it stays, and the next call
    goes on there, unless it is spoiled.

    Raises:
        SettingError: another process writes it; or it was begun with another ``origin``.
    """
    path, journal = _part(place), _journal_path(place)
    handle = _locked(path, place)
    try:
        part = PartFile(place, origin, *_resumed(place, origin))
        try:
            yield part
            part.to_disk()
            part.file.close()
            if part.finish is None:
                path.replace(place)
                sync(place.parent)
            else:
                with whole_file(place) as whole:
                    part.finish(whole)
                path.unlink()
            journal.unlink(missing_ok=True)
        except BaseException as error:
            with suppress(OSError):  # a full disk, as it may be what ended the writing
                part.file.close()
            if origin is None or isinstance(error, SpoiledError) or not resumable_rows(place):
                path.unlink(missing_ok=True)
                journal.unlink(missing_ok=True)
            raise
    finally:
        if handle is not None:
            os.close(handle)


class PartFile:
    """``.NAME.part`` and, for going on with it, ``.NAME.part.json`` beside it.

    Attributes:
        path: the hidden file.
        file: the same, open for writing where it is to go on.
        rows: how many rows of it are written.
        finish: writes what takes the place to a file that is given; None where this file itself does.
    """

    path: Path
    file: BinaryIO
    rows: int
    finish: Callable[[Path], None] | None = None

    def __init__(self, place: Path, origin: Origin | None, rows: int, size: int) -> None:
        self._origin = origin
        self._journal = _journal_path(place)
        self._committed = time.monotonic()
        self.rows = rows
        self.path = _part(place)
        self.file = self.path.open("r+b")
        self.file.truncate(size)
        self.file.seek(size)

    def wrote(self, rows: int, flush: Callable[[], None]) -> None:
        """So many more rows are written; every second or so they are made to outlast a kill.

        Args:
            rows: how many.
            flush: hands on to ``file`` what is held back.
        """
        self.rows += rows
        if self._origin is not None and time.monotonic() - self._committed >= COMMIT_SECONDS:
            flush()
            self.to_disk()
            content = asdict(self._origin) | {"rows": self.rows, "bytes": self.file.tell()}
            with whole_file(self._journal) as new:
                new.write_text(json.dumps(content), "utf-8")
            self._committed = time.monotonic()

    def to_disk(self) -> None:
        """Waits until what ``file`` has is on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())


class _Journal(NamedTuple):
    origin: Origin
    rows: int
    bytes: int


def resumable_rows(place: Path) -> int:
    """How many rows of an interrupted run there are to go on from."""
    journal = _read(place)
    return journal.rows if journal is not None and _part(place).is_file() else 0


def _resumed(place: Path, origin: Origin | None) -> tuple[int, int]:
    """How many rows and bytes there are to go on from."""
    if origin is None or (journal := _read(place)) is None or journal.bytes > _part(place).stat().st_size:
        _journal_path(place).unlink(missing_ok=True)
        return 0, 0
    if differences := origin.differences(journal.origin):
        raise SettingError(
            f"A half-written {place.name} ({counted(journal.rows, 'row')}) was made with "
            f"{' and with '.join(differences)}; run as it was begun, or without --resume to start over."
        )
    return journal.rows, journal.bytes


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
    """The lock on a part, which is made if need be, so that no other process writes it meanwhile."""
    while True:
        part.touch()
        try:
            return lock(part)
        except BlockingIOError:
            raise SettingError(f"Another process is writing {place}; wait for it, or end it.") from None
        except FileNotFoundError:  # another process has just given it its place
            continue
