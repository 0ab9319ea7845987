"""A zip archive that lies in several files: read as one, without joining them on the disk first."""

from __future__ import annotations

import io
import shutil
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath

from textgraft.cache import no_room
from textgraft.errors import EncoderError, listed
from textgraft.limits import MODEL_BYTES

BYTES_AT_ONCE = 1 << 20


class Joined(io.RawIOBase):
    """Files, one behind the other, as one that can be read and sought in."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._starts = [0, *accumulate(path.stat().st_size for path in paths)]
        self._at = 0

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:  # noqa: D102
        self._at = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence], 0)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer as far as the file that the place is in goes; 0 at the end of the last."""
        i = bisect_right(self._starts, self._at) - 1
        if i >= len(self._paths):
            return 0
        with self._paths[i].open("rb", buffering=0) as file:
            file.seek(self._at - self._starts[i])
            n = file.readinto(buffer) or 0
        self._at += n
        return n


def unpack(pieces: Sequence[Path], folder: Path, names: Collection[str]) -> None:
    """Unpacks an encoder from a zip archive in pieces.

    Args:
        pieces: the files, in their order.
        folder: takes the files; it exists.
        names: of the files that are wanted, which lie in the one folder of the archive; others are left.

    Raises:
        EncoderError: the archive is damaged, lacks a file, or gives more than a model may have.
        OSError: there is no room.
    """
    try:
        with io.BufferedReader(Joined(pieces), BYTES_AT_ONCE) as whole, zipfile.ZipFile(whole) as archive:
            parts = {member: PurePosixPath(member.filename).parts for member in archive.infolist()}
            wanted = {path[1]: member for member, path in parts.items() if len(path) == 2 and path[1] in names}
            if lacking := sorted(set(names) - wanted.keys()):
                raise EncoderError(f"The archive in {pieces[0]} and what follows it lacks {listed(lacking)}.")
            size = sum(member.file_size for member in wanted.values())
            if sentence := MODEL_BYTES.exceeded(size, f"bytes in the archive in {pieces[0]}"):
                raise EncoderError(sentence)
            if error := no_room(folder, size):
                raise error
            for name, member in wanted.items():  # zipfile gives no more of each than the size that was added up
                with archive.open(member) as packed, (folder / name).open("wb") as file:
                    shutil.copyfileobj(packed, file, BYTES_AT_ONCE)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise EncoderError(f"The archive in {pieces[0]} and what follows it is damaged: {error}.") from error
