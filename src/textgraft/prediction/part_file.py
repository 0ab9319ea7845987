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
from textgraft.prediction.origin import Origin

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
        self.file = _open_alone(self.path)
        try:
            self.rows, size = self._resumed()
            self.file.truncate(size)
            self.file.seek(size)
        except BaseException:
            self.file.close()
            raise

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
        _journal_path(self._place).unlink(missing_ok=True)

    def give_up(self) -> None:
        """The file will not become whole now."""
        with suppress(OSError):  # a full disk, as it may be what ended the writing
            self.file.close()
        if self._origin is None or not resumable_rows(self._place):
            self.path.unlink(missing_ok=True)
            _journal_path(self._place).unlink(missing_ok=True)

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
        place = _journal_path(self._place)
        new = place.with_suffix(".new")
        try:
            with new.open("w", encoding="utf-8") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(place)
        finally:
            new.unlink(missing_ok=True)

    def _to_disk(self) -> None:
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


def _open_alone(path: Path) -> BinaryIO:
    """Opens a file, made if need be, that no other process writes meanwhile.

    Raises:
        SettingError: another one does.
    """
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            _lock(file, path)
            # Whoever held the lock may have renamed the file before it let go.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows, which does not replace a file that another process has open
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        name = path.name.removeprefix(".").removesuffix(".part")
        raise SettingError(f"Another process is writing {path.with_name(name)}; wait for it, or end it.") from None
    except OSError:
        return  # a file system without locks
