"""Packed files: gzip, zstd, bz2, xz, and zip with the one table in it; which one a file is, and its bytes unpacked."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from textgraft.errors import DataError, did_you_mean, listed
from textgraft.extras import library
from textgraft.limits import DIRECTORY, WINDOW
from textgraft.unicode import quoted_path

if TYPE_CHECKING:
    from zipfile import ZipFile

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # an empty one
}
SUFFIXES = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".lzma")
_BZ2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # of texts, or of none: no text that begins with "BZh" goes on so
_BLOCK = 1 << 16
_MOST_ZEROS = 1 << 20  # that fill up the end of a file, as tapes need it
_UNPACKED = (0, 8, 12, 14)  # methods of zip: stored, deflated, bzip2, LZMA
_ENCRYPTED = 1  # the bit of a member's flags
_BESIDE = frozenset((".md", ".rst", ".pdf", ".html", ".htm", ".png", ".jpg", ".svg", ".py", ".ipynb", ".r", ".sh"))
_DOCUMENTS = frozenset(("readme", "license", "licence", "copying", "notice", "changelog", "citation"))
_WORKBOOKS = ("xl/workbook.xml", "xl/workbook.bin")
_ZIPPED = {  # a file that only this format has, and what the format is
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint file",
    "Index/Document.iwa": "a Numbers, Pages or Keynote file",
    "Index.zip": "a Numbers, Pages or Keynote file",
    "META-INF/MANIFEST.MF": "a Java archive",
}


def packing(head: bytes, suffix: str) -> str:
    """How a file is packed, by its first bytes; lzma's old form has none of its own, so that its suffix must agree."""
    if suffix == ".lzma" and head[:3] == b"\x5d\0\0":
        return "xz"
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")
    return "" if kind == "bz2" and head[4:10] not in _BZ2_BLOCKS else kind


def open_packed(name: str, path: Path, packed: str, member: str = "") -> BinaryIO:
    """The bytes of a file, unpacked; of a zip those of one member.

    Args:
        name: of the file, for people.
        path: where it is.
        packed: how (see ``MAGIC``).
        member: of a zip.

    Raises:
        DataError: the packing looks back over more than ``WINDOW`` bytes, which unpacking holds in memory.
    """
    if packed == "gzip":
        return cast(BinaryIO, io.BufferedReader(_Unpacked(name, path, partial(Inflater, 31)), _BLOCK))
    if packed == "bz2":
        import bz2

        return cast(BinaryIO, bz2.open(path, "rb"))
    if packed == "xz":
        return cast(BinaryIO, io.BufferedReader(_xz(name, path), _BLOCK))
    if packed == "zip":
        with _zip(name, path) as archive:  # an open member keeps the file open
            return _opened(name, archive, member)
    return _zstd(name, path)


def _zstd(name: str, path: Path) -> BinaryIO:
    zstandard = library("zstandard", "Reading .zst files", "formats")
    with path.open("rb") as file:
        head = file.read(18)  # the longest header of a frame
    with suppress(zstandard.ZstdError):  # which reading will say
        _check_window(name, zstandard.get_frame_parameters(head).window_size)
    decompressor = zstandard.ZstdDecompressor(max_window_size=max(1 << 10, WINDOW.most))
    stream = decompressor.stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
    return cast(BinaryIO, io.BufferedReader(stream, _BLOCK))


def _check_window(name: str, window: int) -> None:
    if said := WINDOW.exceeded(window, "bytes that its packing looks back over"):
        raise DataError(f"{name} cannot be unpacked: {said}")


def _xz(name: str, path: Path) -> _Unpacked:
    import lzma

    class Decoder:
        """Of xz and lzma files; the standard library's own reader takes any window that a file asks for."""

        def __init__(self) -> None:
            self._inner = lzma.LZMADecompressor(memlimit=WINDOW.most + (1 << 20))  # what liblzma needs besides

        def __getattr__(self, attribute: str) -> Any:
            return getattr(self._inner, attribute)

        def decompress(self, block: bytes, most: int) -> bytes:
            try:
                return self._inner.decompress(block, most)
            except lzma.LZMAError as error:
                if "Memory usage" in str(error):
                    raise DataError(
                        f"{name} cannot be unpacked: its packing looks back over more bytes than the {WINDOW.most:,} "
                        f"that are taken; {WINDOW.variable}=NUMBER raises that."
                    ) from None
                raise

    return _Unpacked(name, path, Decoder)


class _Unpacked(io.RawIOBase):
    """The bytes of a file of one packed stream after the other, with zeros between them and at the end.

    Args:
        name: of the file, for people.
        path: where it is.
        new: makes what unpacks a stream, such as ``bz2.BZ2Decompressor``.
    """

    def __init__(self, name: str, path: Path, new: Callable[[], Any]) -> None:
        self._name, self._file, self._new = name, path.open("rb"), new
        self._decoder, self._rest = new(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = cast(bytearray, buffer)
        while True:
            if self._decoder.eof and not self._next():
                return 0
            if self._decoder.needs_input and not self._rest:
                self._rest = self._file.read(_BLOCK)
                if not self._rest:
                    raise EOFError("it ends before its packing does")
            given = self._decoder.decompress(self._rest, len(view))
            self._rest = b""
            if given:
                view[: len(given)] = given
                return len(given)

    def _next(self) -> bool:
        """Goes on with what stands behind the end of a stream, if there is more than zeros."""
        zeros, block = 0, self._decoder.unused_data
        while not (rest := block.lstrip(b"\0")):
            zeros += len(block)
            if zeros > _MOST_ZEROS:
                raise DataError(f"{self._name} has more than {_MOST_ZEROS:,} null bytes after its end: it is damaged.")
            block = self._file.read(_BLOCK)
            if not block:
                return False
        self._decoder, self._rest = self._new(), rest
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


class Inflater:
    """What unpacks deflate, with the manners of ``bz2.BZ2Decompressor``.

    Args:
        bits: 31 for gzip, -15 for a stream alone, as in a zip.
    """

    def __init__(self, bits: int) -> None:
        self._inner, self._full = zlib.decompressobj(bits), False

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether all that was given is unpacked; it holds some of it back when it has given the most."""
        return not self._full and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """What was given behind the end."""
        return self._inner.unused_data

    def decompress(self, block: bytes, most: int) -> bytes:
        """The next bytes, at most ``most``, with more of the stream."""
        given = self._inner.decompress(self._inner.unconsumed_tail + block, most)
        self._full = len(given) == most
        return given


def is_workbook(name: str, path: Path) -> bool:
    """Whether a zip is a workbook of Excel or OpenDocument.

    Raises:
        DataError: it is a document of another kind.
    """
    with _zip(name, path) as archive:
        names, kind = set(archive.namelist()), ""
        if {"mimetype", "content.xml"} <= names:
            with _opened(name, archive, "mimetype") as said:
                kind = said.read(200).decode("latin-1")
    if not names.isdisjoint(_WORKBOOKS) or "spreadsheet" in kind:
        return True
    what = next((what for part, what in _ZIPPED.items() if part in names), "")
    if kind:
        what = "an OpenDocument file without tables"
    elif any(part.endswith("/data.pkl") for part in names):
        what = "a file of PyTorch's, which holds Python objects"
    elif names and all(part.endswith(".npy") for part in names):
        what = "a file of NumPy arrays"
    if what:
        raise DataError(f"{name} is {what}; save its table as CSV, as a workbook or as Parquet.")
    return False


def members(name: str, path: Path) -> list[str]:
    """The files in a zip, without those that systems leave in it."""
    with _zip(name, path) as archive:
        names = [info.filename for info in archive.infolist() if info.filename and not info.is_dir()]
    return [each for each in names if not any(_is_hidden(part) for part in PurePosixPath(each).parts)]


def find_archive(name: str) -> tuple[Path, str] | None:
    """The zip and the member (or pattern of members) that a path such as ``"archive.zip/train.csv"`` names."""
    path = Path(name)
    for folder in path.parents:
        if folder.is_file():
            return (folder, path.relative_to(folder).as_posix()) if _is_zip(folder) else None
    return None


def expand_archive(name: str) -> list[str]:
    """The names of the members that ``"archive.zip/*.csv"`` names, each with the archive's; none if it names no zip.

    Raises:
        DataError: the archive has no such member.
    """
    found = find_archive(name)
    if found is None:
        return []
    path, wanted = found
    archive = name[: -len(wanted) - 1]
    names = members(archive, path)
    chosen = [wanted] if wanted in names else sorted(each for each in names if fnmatchcase(each, wanted))
    if not chosen:
        raise DataError(
            f"{archive} has no file {quoted_path(wanted)}.{did_you_mean(wanted, names)} It has {listed(names, 12)}."
        )
    return [f"{archive}/{each}" for each in chosen]


def choose_member(name: str, path: Path, wanted: str) -> tuple[str, str]:
    """The member of a zip to read, and what is to be said about others beside it.

    Raises:
        DataError: there is no file in it, there are several tables and none is named, or it cannot be unpacked.
    """
    names = members(name, path)
    tables = [wanted] if wanted else [each for each in names if len(names) == 1 or not _is_beside(each)]
    if not names or not tables:
        raise DataError(f"{name} is a zip with no table in it{f': it has {listed(names, 12)}' if names else ''}.")
    if len(tables) > 1:
        raise DataError(
            f"{name} is a zip of {len(tables)} files ({listed(tables, 12)}); say which one to read by its path, such "
            f"as '{name}/{tables[0]}', or several by a pattern, '{name}/*'."
        )
    with _zip(name, path) as archive:
        info = archive.getinfo(tables[0])
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{name} is encrypted; unpack it with its password first.")
    if info.compress_type not in _UNPACKED:
        raise DataError(f"{name} is zipped by a method that is not known here ({info.compress_type}); unpack it first.")
    others = [each for each in names if each != tables[0]]
    beside = f"Of {name} the table {tables[0]} is read; beside it {'is' if len(others) == 1 else 'are'} "
    return tables[0], f"{beside}{listed(others)}." if others and not wanted else ""


def _zip(name: str, path: Path) -> ZipFile:
    """A zip; its list of members, which is read as a whole, is not too long.

    Raises:
        DataError: it is too long or damaged, or the zip is of a kind that is not read.
    """
    import struct
    from zipfile import BadZipFile, ZipFile  # takes bz2, lzma and more with it

    class Listed(io.BufferedReader):
        """A file of which nothing longer than the longest list is read at once."""

        def read(self, size: int | None = -1) -> bytes:
            if said := DIRECTORY.exceeded(size or 0, "bytes of its list of members"):
                raise DataError(f"{name} cannot be unpacked: {said}")
            return super().read(size)

    try:
        with Listed(io.FileIO(path)) as file, ZipFile(file):
            pass
        return ZipFile(path)
    except (BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error, OverflowError) as error:
        raise DataError(f"{name} cannot be read, it may be damaged: {error}.") from None


def _opened(name: str, archive: ZipFile, member: str) -> BinaryIO:
    try:
        return cast(BinaryIO, archive.open(member))
    except (NotImplementedError, RuntimeError, KeyError) as error:  # what it does not unpack, and what is encrypted
        raise DataError(f"{name} cannot be unpacked: {error}; unpack it first.") from None


def _is_zip(path: Path) -> bool:
    from zipfile import is_zipfile

    return is_zipfile(path)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _is_beside(name: str) -> bool:
    """Whether a member is a note or a picture rather than a table."""
    path = PurePosixPath(name)
    return path.suffix.lower() in _BESIDE or path.stem.lower() in _DOCUMENTS
