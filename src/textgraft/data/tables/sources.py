"""From what the user names (a path, a pattern, an address, several of them) to files, their formats and their bytes."""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from textgraft.data.tables.chunks import ReadOptions
from textgraft.data.tables.places import places
from textgraft.data.tables.spool import Spool
from textgraft.errors import DataError
from textgraft.extras import library
from textgraft.wording import ADDRESS

SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv", ".txt", ".ssv"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"), "excel"),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db", ".db3"), "sqlite"),
}
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream, as `datasets` writes it
    b"SQLite format 3\0": "sqlite",
    b"PK\x03\x04": "excel",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "excel",
}
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
TEXT_FORMATS = ("csv", "json", "folder")

_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S)


@dataclass(frozen=True)
class SourceFile:
    """A file or folder to read: its name as the user gave it, where it is, and its format (see ``FORMATS``).

    ``packed`` is ``"gzip"``, ``"zstd"`` or empty; ``suffix`` is that of the name without the packing's own.
    ``digest`` is the sha256 of a copy of what is elsewhere; ``split`` is that of all its rows, where its place says so;
    ``note`` is a sentence about where it is from.
    """

    name: str
    path: Path
    format: str
    packed: str = ""
    digest: str = ""
    split: str = ""
    note: str = ""

    @property
    def suffix(self) -> str:
        """The lower-case suffix of what is inside."""
        packing = self.packed and self.path.suffix.lower() in (".gz", ".gzip", ".zst", ".zstd")
        return (self.path.with_suffix("") if packing else self.path).suffix.lower()

    def open(self) -> BinaryIO:
        """The file's bytes, unpacked."""
        if self.packed == "gzip":
            return cast(BinaryIO, gzip.open(self.path, "rb"))
        if self.packed == "zstd":
            decompressor = library("zstandard", "Reading .zst files", "formats").ZstdDecompressor()
            stream = decompressor.stream_reader(self.path.open("rb"), read_across_frames=True, closefd=True)
            return cast(BinaryIO, io.BufferedReader(stream, 1 << 16))
        return self.path.open("rb")


Source = str | Path | SourceFile | Sequence[str | Path | SourceFile]


@contextmanager
def files_of(source: Source, options: ReadOptions) -> Iterator[list[SourceFile]]:
    """The files of a source (see ``resolve``), until the block ends; copies of what is elsewhere go then."""
    with Spool() as spool:
        yield resolve(source, options, spool)


def resolve(source: Source, options: ReadOptions, spool: Spool) -> list[SourceFile]:
    """The files of a path, a pattern, an address, standard input or several of them; a pattern's in order of names.

    Raises:
        DataError: there is no such file (the message names the nearest), it cannot be copied here, or it is a file
            whose format cannot be read.
    """
    sources = [source] if isinstance(source, (str, Path, SourceFile)) else list(source)
    if not sources:
        raise DataError("There is nothing to read: the list of files is empty.")
    if sources.count("-") > 1:
        raise DataError("Standard input can be read once; '-' is given more often.")
    files: list[SourceFile] = []
    for each in sources:
        if isinstance(each, SourceFile):
            files.append(each)
            continue
        for place in places(each, spool, SUFFIXES):
            file = identify(place.name, options, place.path)
            _check_no_page(file, options)
            files.append(replace(file, digest=place.digest, split=place.split, note=place.note))
    return files


def identify(name: str, options: ReadOptions, path: Path | None = None) -> SourceFile:
    """The file or folder ``name``, at ``path`` if that is not its name, with its format.

    Its first bytes tell the format, or else its suffix.
    """
    path = Path(name) if path is None else path
    if path.is_dir():
        saved = any((path / file).is_file() for file in ("state.json", "dataset_dict.json"))
        return SourceFile(name, path, "datasets" if saved else "folder")
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise DataError(f"{name} cannot be opened: {error.strerror or error}.") from error
    packed = next((kind for magic, kind in PACKED.items() if head.startswith(magic)), "")
    file = SourceFile(name, path, "csv", packed)
    if packed:
        head = read_head(file)
    kind = options.format or next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
    kind = kind or SUFFIXES.get(file.suffix) or ("json" if head.lstrip()[:1] in (b"{", b"[") else "csv")
    if packed and kind not in TEXT_FORMATS:
        raise DataError(f"{name} is a packed {kind} file; unpack it first. Only text files are read packed.")
    return SourceFile(name, path, kind, packed)


def read_head(file: SourceFile, size: int = 1 << 16) -> bytes:
    """The first bytes of a file, unpacked."""
    with damage_named(file), file.open() as stream:
        return stream.read(size)


@contextmanager
def damage_named(file: SourceFile) -> Iterator[None]:
    """Raises DataError where a library says inside the block that it cannot read the file."""
    try:
        yield
    except Exception as error:
        home = type(error).__module__.split(".")[0]
        if isinstance(error, (OSError, EOFError, zlib.error, sqlite3.Error)) or home in ("pyarrow", "zstandard"):
            raise DataError(f"{file.name} cannot be read, it may be damaged: {error}.") from error
        raise


def _check_no_page(file: SourceFile, options: ReadOptions) -> None:
    """Raises DataError for a web page: what a server sends that wants a login, or that shows a file."""
    copied = bool(ADDRESS.match(file.name))
    if file.format not in ("csv", "json", "excel") or (options.format is not None and not copied):
        return
    if _PAGE.match(read_head(file, 1 << 12)):
        do = (
            "the address may want a login, or be that of a page that shows the file. Give the file's own address."
            if copied
            else 'get the file itself, or say --format csv (format="csv") to read it as it is.'
        )
        raise DataError(f"{file.name} is a web page (HTML), not a table; {do}")
