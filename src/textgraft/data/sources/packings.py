"""Packed files: gzip, zstd, bz2, xz, and zip with the one table in it; which one a file is, and its bytes unpacked."""

from __future__ import annotations

import io
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from textgraft.errors import DataError, did_you_mean, listed
from textgraft.extras import library
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


def open_packed(path: Path, packed: str, member: str = "") -> BinaryIO:
    """The bytes of a file, unpacked; of a zip those of one member."""
    if packed == "gzip":
        import gzip

        return cast(BinaryIO, gzip.open(path, "rb"))
    if packed == "bz2":
        import bz2

        return cast(BinaryIO, bz2.open(path, "rb"))
    if packed == "xz":
        import lzma

        return cast(BinaryIO, lzma.open(path, "rb"))
    if packed == "zip":
        with _zip(path) as archive:  # an open member keeps the file open
            return cast(BinaryIO, archive.open(member))
    if packed == "zstd":
        decompressor = library("zstandard", "Reading .zst files", "formats").ZstdDecompressor()
        stream = decompressor.stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
        return cast(BinaryIO, io.BufferedReader(stream, 1 << 16))
    return path.open("rb")


def is_workbook(name: str, path: Path) -> bool:
    """Whether a zip is a workbook of Excel or OpenDocument.

    Raises:
        DataError: it is a document of another kind.
    """
    with _zip(path) as archive:
        names = set(archive.namelist())
        kind = archive.read("mimetype").decode("latin-1") if {"mimetype", "content.xml"} <= names else ""
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


def members(path: Path) -> list[str]:
    """The files in a zip, without those that systems leave in it."""
    with _zip(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    return [name for name in names if not any(_is_hidden(part) for part in PurePosixPath(name).parts)]


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
    archive, names = name[: -len(wanted) - 1], members(path)
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
    names = members(path)
    tables = [wanted] if wanted else [each for each in names if len(names) == 1 or not _is_beside(each)]
    if not names or not tables:
        raise DataError(f"{name} is a zip with no table in it{f': it has {listed(names, 12)}' if names else ''}.")
    if len(tables) > 1:
        raise DataError(
            f"{name} is a zip of {len(tables)} files ({listed(tables, 12)}); say which one to read by its path, such "
            f"as '{name}/{tables[0]}', or several by a pattern, '{name}/*'."
        )
    with _zip(path) as archive:
        info = archive.getinfo(tables[0])
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{name} is encrypted; unpack it with its password first.")
    if info.compress_type not in _UNPACKED:
        raise DataError(f"{name} is zipped by a method that is not known here ({info.compress_type}); unpack it first.")
    others = [each for each in names if each != tables[0]]
    beside = f"Of {name} the table {tables[0]} is read; beside it {'is' if len(others) == 1 else 'are'} "
    return tables[0], f"{beside}{listed(others)}." if others and not wanted else ""


def _zip(path: Path) -> ZipFile:
    from zipfile import ZipFile  # takes bz2, lzma and more with it

    return ZipFile(path)


def _is_zip(path: Path) -> bool:
    from zipfile import is_zipfile

    return is_zipfile(path)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _is_beside(name: str) -> bool:
    """Whether a member is a note or a picture rather than a table."""
    path = PurePosixPath(name)
    return path.suffix.lower() in _BESIDE or path.stem.lower() in _DOCUMENTS
