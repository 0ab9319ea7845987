"""From what the user names (a path, a pattern, an address, several of them) to files, their formats and their bytes."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from textgraft.data.sources import foreign, packings
from textgraft.data.sources.label_tokens import is_fasttext
from textgraft.data.sources.marks import as_text
from textgraft.data.sources.meters import Meter
from textgraft.data.sources.options import ReadOptions
from textgraft.data.sources.places import places
from textgraft.data.sources.spool import Spool
from textgraft.errors import DataError
from textgraft.unicode import quoted, shown_name
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
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "excel",
}
TEXT_FORMATS = ("csv", "json", "fasttext", "folder")
_HEAD = 1 << 16
_DAMAGE = (OSError, EOFError, zlib.error, sqlite3.Error)


@dataclass(frozen=True)
class SourceFile:
    """A file or folder to read: its name as the user gave it, where it is, and its format (see ``FORMATS``).

    The name is for people: bytes that are not UTF-8 and control characters are escaped in it. ``packed`` is the packing
    (see ``packings.MAGIC``) or empty; ``member`` is the file inside a zip; ``suffix`` is that of the name without the
    packing's own. ``digest`` is the sha256 of a copy of what is elsewhere; ``split`` is that of all its rows, where its
    place says so. ``note`` is what a user should be told of where it is from and of its format.
    """

    name: str
    path: Path
    format: str
    packed: str = ""
    member: str = ""
    digest: str = ""
    split: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", shown_name(self.name))

    @property
    def suffix(self) -> str:
        """The lower-case suffix of what is inside."""
        path = Path(self.member) if self.member else self.path
        packing = self.packed and path.suffix.lower() in packings.SUFFIXES
        return (path.with_suffix("") if packing else path).suffix.lower()

    def open(self) -> BinaryIO:
        """The file's bytes, unpacked."""
        if not self.packed:
            return self.path.open("rb")
        return packings.open_packed(self.name, self.path, self.packed, self.member)

    def meter(self) -> Meter:
        """Counts what is kept of the file."""
        return Meter(self.name, self.path.stat().st_size)


Source = str | Path | SourceFile | Sequence[str | Path | SourceFile]


def is_source(source: Any) -> bool:
    """Whether ``source`` names files: a path, or a list of paths."""
    kinds = (str, Path, SourceFile)
    return isinstance(source, kinds) or (
        isinstance(source, (list, tuple)) and all(isinstance(item, kinds) for item in source)
    )


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
            note = " ".join(filter(None, (place.note, file.note)))
            files.append(replace(file, digest=place.digest, split=place.split, note=note))
    return files


def identify(name: str, options: ReadOptions, path: Path | None = None) -> SourceFile:
    """The file or folder ``name``, at ``path`` if that is not its name, with its format.

    Its first bytes tell the format, or else its suffix.
    """
    path = Path(name) if path is None else path
    if path.is_dir():
        saved = any((path / file).is_file() for file in ("state.json", "dataset_dict.json"))
        form = options.format or ("datasets" if saved else "folder")
        if form not in ("datasets", "folder"):
            raise DataError(
                f"{shown_name(name)} is a folder, and --format {form} (format={quoted(form)}) is about files; name "
                f"them with a pattern such as '{shown_name(name.rstrip('/'))}/*'."
            )
        return SourceFile(name, path, form)
    member = ""
    if not path.exists() and (inside := packings.find_archive(name)) is not None:
        path, member = inside
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise DataError(f"{name} cannot be opened: {error.strerror or error}.") from error
    file = SourceFile(name, path, "csv", packings.packing(head, path.suffix.lower()), member)
    if file.packed == "zip":
        file, head = _inside_zip(file)
    elif file.packed:
        head = read_head(file)
    if file.packed and packings.packing(head, file.suffix):
        raise DataError(f"{name} is packed twice; unpack it once first.")
    foreign.check_magic(name, head)
    if options.format is None:
        kind, note = _recognised(file, head)
    else:
        kind, note = options.format, ""
        if ADDRESS.match(name):
            foreign.check_page(name, as_text(head))
    if file.packed and kind not in TEXT_FORMATS:
        raise DataError(f"{name} is a packed {kind} file; unpack it first. Only text files are read packed.")
    return replace(file, format=kind, note=file.note or note)


def _inside_zip(file: SourceFile) -> tuple[SourceFile, bytes]:
    """A workbook as it is, or else the one table of a zip, and its first bytes."""
    with damage_named(file):
        if not file.member and packings.is_workbook(file.name, file.path):
            return replace(file, format="excel", packed=""), b""
        member, note = packings.choose_member(file.name, file.path, file.member)
    file = replace(file, member=member, note=note)
    return file, read_head(file)


def _recognised(file: SourceFile, head: bytes) -> tuple[str, str]:
    """The format of a file: by its first bytes, else by its name, unless it holds text where that says otherwise."""
    if file.format == "excel":
        return "excel", ""
    if (kind := next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)) is not None:
        if kind == "excel" and file.suffix in (".doc", ".ppt", ".msg"):
            raise DataError(f"{file.name} is a file of Microsoft Office's that holds no table; save it as CSV.")
        return kind, ""
    text = as_text(head)
    foreign.check_form(file.name, text, file.suffix)
    named = SUFFIXES.get(file.suffix)
    if named not in (None, *TEXT_FORMATS) and ("\0" in text or "\ufffd" in text or not text):
        return named or "csv", ""
    if is_fasttext(text):
        return "fasttext", ""
    kind = named if named == "json" else _csv_or_json(text, named)
    lies = named not in (None, kind)
    said = {"csv": "delimited text", "json": "JSON"}[kind]
    return kind, f"{file.name} is {said}, whatever its name says; it is read so." if lies else ""


def _csv_or_json(text: str, named: str | None) -> str:
    """Which of the two a text is; under the name of a delimited file it is JSON if its first line is an object."""
    text = text.lstrip("\ufeff \t\r\n")
    if named is None:
        return "json" if text[:1] in ("{", "[") else "csv"
    try:
        return "json" if text[:1] == "{" and isinstance(json.loads(text.partition("\n")[0]), dict) else "csv"
    except (ValueError, RecursionError):
        return "csv"


def read_head(file: SourceFile, size: int = _HEAD) -> bytes:
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
        if isinstance(error, _DAMAGE) or home in ("pyarrow", "zstandard", "_lzma", "zipfile"):
            raise DataError(f"{file.name} cannot be read, it may be damaged: {error}.") from error
        raise
