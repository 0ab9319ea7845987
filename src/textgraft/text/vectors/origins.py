"""Where the bytes of vectors come from: a file, or what is packed in a gzip file or in a zip archive."""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from textgraft.digests import known_sha256
from textgraft.errors import VectorsError, did_you_mean, listed
from textgraft.unicode import quoted_path

UNPACKED_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Origin:
    """The bytes of vectors.

    Attributes:
        path: the file.
        packing: ``"gzip"``, ``"zip"`` or empty.
        member: the file inside of a zip archive.
        index: the file of words beside a NumPy matrix, where it is known.
    """

    path: Path
    packing: str = ""
    member: str = ""
    index: Path | None = None

    @classmethod
    def at(cls, path: Path, member: str = "") -> Origin:
        """Looks how the file is packed.

        Raises:
            VectorsError: an archive has several files and ``member`` names none of them, or it is damaged.
        """
        with path.open("rb") as file:
            magic = file.read(4)
        if magic[:2] == b"\x1f\x8b":
            return cls(path, "gzip")
        if magic == b"PK\x03\x04":
            return cls(path, "zip", _member(path, member))
        if member:
            raise VectorsError(
                f"{path} is no zip archive, so there is no {quoted_path(member)} in it; leave out '!{member}'."
            )
        return cls(path)

    def __str__(self) -> str:
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes, unpacked.

        Raises:
            VectorsError: what is packed is cut off or damaged; also while it is read inside the block.
        """
        try:
            if self.packing == "zip":
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as inner:
                    yield cast(BinaryIO, inner)
            else:
                with gzip.open(self.path, "rb") if self.packing else self.path.open("rb") as file:
                    yield cast(BinaryIO, file)
        except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
            raise VectorsError(f"{self} is cut off or damaged: {str(error).rstrip('.')}. Get the file again.") from None
        except RuntimeError as error:  # zipfile's word for passwords and for packings that it does not know
            if self.packing != "zip":
                raise
            raise VectorsError(f"{self} cannot be unpacked: {error}. Unpack it first.") from None

    def head(self, size: int) -> bytes:
        """The first bytes, unpacked."""
        with self.open() as file:
            return file.read(size)

    def size(self) -> int:
        """Bytes, unpacked. Of gzip its own record, which holds 32 bits only: at least the size of the packed file."""
        packed = self.path.stat().st_size
        if self.packing == "zip":
            with zipfile.ZipFile(self.path) as archive:
                return archive.getinfo(self.member).file_size
        if self.packing == "gzip":
            with self.path.open("rb") as file:
                file.seek(max(0, packed - 4))
                return max(packed, int.from_bytes(file.read(4), "little"))
        return packed

    def unpack(self, path: Path) -> Origin:
        """Writes the unpacked bytes to ``path``."""
        with self.open() as packed, path.open("wb") as out:
            shutil.copyfileobj(packed, out, UNPACKED_AT_ONCE)
        return Origin(path)


def _member(path: Path, wanted: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise VectorsError(f"{path} is cut off or damaged: {error}. Get the file again.") from None
    names = [name for name in names if not name.startswith("__MACOSX/")]
    if wanted in names:
        return wanted
    if wanted:
        raise VectorsError(f"{path} has no {quoted_path(wanted)}; it has {listed(names)}.{did_you_mean(wanted, names)}")
    if len(names) != 1:
        example = f"; say which, as in '{path}!{names[0]}'" if names else ""
        raise VectorsError(f"{path} has {len(names)} files ({listed(names)}){example}.")
    return names[0]


def check_sha256(path: Path, expected: str) -> None:
    """Compares a file's checksum.

    Raises:
        VectorsError: it is another one.
    """
    actual = known_sha256(path)
    if actual != expected:
        raise VectorsError(
            f"{path} is not the file that was asked for: its sha256 is {actual}, expected {expected}. Get it again, or "
            "correct the checksum."
        )
