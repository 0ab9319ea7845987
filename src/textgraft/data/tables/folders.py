"""Folders of texts: one folder per class with one file per text, or files alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from textgraft.data.tables.chunks import Chunk, Reading
from textgraft.data.tables.encodings import find_decoding, open_text, undecoded
from textgraft.data.tables.keys import part_of
from textgraft.data.tables.sources import SUFFIXES, SourceFile, identify
from textgraft.errors import DataError, listed


def read_folder(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """One row per file, in the order of the names: its ``text``, and as ``label`` the folder that it stands in.

    Folders named as splits (``train``, ``test``) that hold class folders give a column ``split`` as well. A folder
    without folders gives texts without labels. Hidden files are passed over.

    Raises:
        DataError: there is no text file, or the files are tables.
    """
    folders = _folders(file.path)
    if not folders:
        yield from _unlabelled(file, reading)
    elif all(part_of(folder.name) and _folders(folder) for folder in folders):
        for folder in folders:
            yield from _classes(file, folder, {"split": [folder.name]}, reading)
    else:
        yield from _classes(file, file.path, {}, reading)


def _classes(root: SourceFile, folder: Path, more: dict[str, list[str]], reading: Reading) -> Iterator[Chunk]:
    beside = [path.name for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    if beside:
        reading.report.remarks.append(f"Files beside the class folders of {root.name} are not read: {listed(beside)}.")
    for group in _folders(folder):
        for path in _files(group):
            yield from _one(root, path, {"label": [group.name], **more}, reading)


def _unlabelled(root: SourceFile, reading: Reading) -> Iterator[Chunk]:
    files = _files(root.path)
    if not files:
        raise DataError(f"{root.name} is an empty folder.")
    tables = [path for path in files if path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".txt"]
    if tables:
        raise DataError(
            f"{root.name} is a folder of tables, not of one folder per class; name the file, or several with a "
            f"pattern such as '{root.name}/*{tables[0].suffix}'."
        )
    for path in files:
        yield from _one(root, path, {}, reading)


def _one(root: SourceFile, path: Path, more: dict[str, list[str]], reading: Reading) -> Iterator[Chunk]:
    name = f"{root.name.rstrip('/')}/{path.relative_to(root.path).as_posix()}"
    try:
        file = identify(name, replace(reading.options, format="folder"))  # a text, whatever it looks like
        decoding = find_decoding(file, reading)
        with open_text(file, decoding, newline="") as stream:
            text = stream.read().rstrip("\r\n")
    except DataError as error:
        reading.report.bad(name, 1, str(error).removeprefix(f"{name} ").rstrip("."))
        return
    if "\0" in text or (decoding.checked and undecoded(text)):
        reading.report.bad(name, 1, "it is not a text file in the encoding that is expected")
        return
    yield Chunk({"text": [text], **more}, name, (0,))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _files(folder: Path) -> list[Path]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))
