"""Copies, for a while and on this disk, of what can be read only once or is elsewhere: pipes, addresses."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import weakref
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from textgraft.cache import no_room
from textgraft.errors import DataError
from textgraft.progress import track
from textgraft.wording import STANDARD_INPUT

BLOCK = 1 << 20
LOOKED = 1 << 28  # bytes of a copy after which it is looked what is free
LEFT = 1 << 29  # bytes that a copy leaves free: what has no end must not fill the disk


@dataclass(frozen=True)
class Place:
    """A file or folder of this disk that a source names.

    Attributes:
        name: for people, without what is secret.
        path: where it is.
        digest: sha256 of a copy; empty for what stands here itself.
        split: that its rows belong to, where its place says so.
        note: what is to be said about it.
    """

    name: str
    path: Path
    digest: str = ""
    split: str = ""
    note: str = ""


class Spool:
    """A folder of copies that goes when the block ends, or at the latest with the process.

    What a killed process leaves goes with the next one that makes such a folder (see ``whole``).
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._folder: Path | None = None
        self._copies = 0
        self._end = weakref.finalize(self, self._stack.close)  # whoever holds it when the process ends

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def copy(self, name: str, file_name: str, blocks: Iterable[bytes], total: int | None = None) -> Place:
        """Writes all blocks to a file.

        Args:
            name: of the source, for people.
            file_name: what the copy is called; its ending may say the format.
            blocks: the bytes; what this raises is not touched.
            total: how many bytes there will be, if known.

        Raises:
            DataError: the copy cannot be written.
        """
        digest = hashlib.sha256()
        written = 0
        try:
            path = self._new(PurePosixPath(file_name.replace("\\", "/")).name)
            file = path.open("xb")
        except OSError as error:
            raise self._no_room(name, error) from error
        with file:
            for block in track(blocks, f"reading {name}", total, len):
                digest.update(block)
                try:
                    written += file.write(block)
                    file.flush()
                    if written >= LOOKED:
                        written = 0
                        if (full := no_room(path.parent, LEFT)) is not None:
                            raise full
                except OSError as error:
                    raise self._no_room(name, error) from error
        return Place(name, path, digest.hexdigest())

    def _new(self, file_name: str) -> Path:
        if self._folder is None:
            from textgraft.whole import temporary_folder

            self._folder = self._stack.enter_context(temporary_folder())
        self._copies += 1
        folder = self._folder / str(self._copies)
        folder.mkdir()
        ending = "".join(PurePosixPath(file_name).suffixes[-2:])
        return folder / f"table{ending[-40:]}"

    def _no_room(self, name: str, error: OSError) -> DataError:
        return DataError(
            f"{name} is copied before it is read, and the copy cannot be written to {_temporary()} "
            f"({error.strerror or error}); set TMPDIR to a folder that can be written to and has room."
        )


def _temporary() -> str:
    from tempfile import gettempdir

    return gettempdir()


def is_pipe(path: Path) -> bool:
    """Whether a path leads to what can be read once: a named pipe, ``/dev/stdin``, what ``<(...)`` of a shell gives."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def piped(name: str, spool: Spool) -> Place:
    """What a pipe gives, to its end.

    Raises:
        DataError: it is a terminal or another device, or cannot be read.
    """
    try:
        with Path(name).open("rb", buffering=0) as stream:
            if stream.isatty():
                raise DataError(f"{name} is a terminal; give a file, or pipe a table.")
            _check_device(stream, name)
            return spool.copy(name, "", _blocks(stream))
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from error


def standard_input(spool: Spool) -> Place:
    """What standard input gives, to its end.

    Raises:
        DataError: it is a terminal or another device, closed, or cannot be read.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise DataError("Standard input is closed, so no table can be read from it; give a file.")
    if sys.stdin.isatty():
        raise DataError("Standard input is a terminal: pipe a table into it, as in 'cat t.csv | textgraft ...'.")
    try:
        try:
            # A buffer of its own: Python cannot end while another thread holds that of sys.stdin.
            stream: BinaryIO = os.fdopen(sys.stdin.fileno(), "rb", closefd=False)
        except io.UnsupportedOperation:  # replaced, as by a test or a notebook
            buffer = getattr(sys.stdin, "buffer", None)
            stream = buffer if buffer is not None else io.BytesIO(sys.stdin.read().encode())
        else:
            _check_device(stream, "Standard input")
        return spool.copy(STANDARD_INPUT, "", _blocks(stream))
    except OSError as error:
        raise DataError(f"Standard input cannot be read: {error.strerror or error}.") from error


def _check_device(stream: BinaryIO | io.RawIOBase, name: str) -> None:
    """Raises DataError for a device, such as one that gives zeros without end; what gives nothing is an empty table."""
    status = os.fstat(stream.fileno())
    is_device = stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode)
    if is_device and not os.path.samestat(status, os.stat(os.devnull)):  # noqa: PTH116
        raise DataError(f"{name} is a device, which holds no table; give a file, or pipe a table.")


def _blocks(stream: BinaryIO | io.RawIOBase) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block
