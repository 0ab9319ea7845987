"""From what the user names (a path, a glob, a folder, several of them) to files, their formats and their bytes."""

from __future__ import annotations

import glob
import gzip
import io
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from textgraft.data.tables.chunks import ReadOptions
from textgraft.errors import DataError, did_you_mean
from textgraft.extras import library
from textgraft.unicode import shown_name

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


@dataclass(frozen=True)
class SourceFile:
    """A file or folder to read: its name as the user gave it, where it is, and its format (see ``FORMATS``).

    ``packed`` is ``"gzip"``, ``"zstd"`` or empty; ``suffix`` is that of the name without the packing's own. The name is
    for people: bytes that are not UTF-8 and control characters are escaped in it.
    """

    name: str
    path: Path
    format: str
    packed: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", shown_name(self.name))

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


def resolve(source: str | Path | Sequence[str | Path], options: ReadOptions) -> list[SourceFile]:
    """The files of a path, a glob or several of them; each glob's in the order of their names.

    Raises:
        DataError: there is no such file (the message names the nearest), or a file whose format cannot be read.
    """
    sources = [source] if isinstance(source, (str, Path)) else list(source)
    if not sources:
        raise DataError("There is nothing to read: the list of files is empty.")
    return [identify(name, options) for pattern in sources for name in _expand(str(pattern))]


def identify(name: str, options: ReadOptions) -> SourceFile:
    """The file or folder ``name`` with its format, which its first bytes or else its suffix tell."""
    path = Path(name)
    if path.is_dir():
        saved = any((path / file).is_file() for file in ("state.json", "dataset_dict.json"))
        form = options.format or ("datasets" if saved else "folder")
        if form not in ("datasets", "folder"):
            raise DataError(
                f"{shown_name(name)} is a folder, and --format {form} (format={form!r}) is about files; name them with "
                f"a pattern such as '{shown_name(name.rstrip('/'))}/*'."
            )
        return SourceFile(name, path, form)
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


def _expand(name: str) -> list[str]:
    if Path(name).exists():
        return [name]
    if glob.has_magic(name):
        # Path.glob takes no absolute patterns.
        paths = sorted(path for path in glob.glob(name, recursive=True) if Path(path).is_file())  # noqa: PTH207
        if not paths:
            raise DataError(f"No file matches {name!r}.")
        return paths
    folder = Path(name).parent
    beside = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    raise DataError(f"There is no file {name!r}.{did_you_mean(Path(name).name, beside)}")
