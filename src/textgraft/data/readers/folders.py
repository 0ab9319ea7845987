"""Folders of texts: one folder per class with one file per text, or files alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from textgraft.data.readers.chunks import Chunk, Reading
from textgraft.data.readers.encodings import LONGEST, find_decoding, open_text, undecoded
from textgraft.data.sources.files import SUFFIXES, SourceFile, identify
from textgraft.data.sources.part_names import is_unlabelled, part_of
from textgraft.errors import DataError, listed
from textgraft.unicode import shown_name


def read_folder(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """One row per file, in the order of the names: its ``text``, and as ``label`` the folder that it stands in.

    Folders named as splits (``train``, ``test``) that hold class folders give a column ``split`` as well. A folder
    without folders gives texts without labels. Hidden files are passed over. Folders named as texts without labels
    (``unsup``), empty ones and files beside the folders are left out, and said. So are links to what is elsewhere or
    stands in the folder already, and what is neither a file nor a folder: nothing outside is read, and nothing twice.

    Raises:
        DataError: there is no text file, the files are tables, or some folders are splits and others are not.
    """
    if not file.path.is_dir():
        raise DataError(f"{file.name} is a file, not a folder of texts; leave out --format folder (format='folder').")
    _say_passed_over(file, reading)
    if not _folders(file.path):
        yield from _unlabelled(file, reading)
        return
    folders = _labelled(file, file.path, reading)
    parts = [folder for folder in folders if part_of(folder.name)]
    if parts and (any(map(_folders, parts)) or parts == folders or any(part_of(f.name) == "train" for f in parts)):
        _check_parts(file, parts, folders)
        for part in parts:
            yield from _classes(file, part, {"split": [shown_name(part.name)]}, reading)
    else:
        if parts:
            which = "are read as classes, though they are named as splits"
            which = which if len(parts) > 1 else "is read as a class, though it is named as a split"
            reading.report.remarks.append(f"In {file.name} {_named(parts)} {which}.")
        yield from _classes(file, file.path, {}, reading, folders)


def _check_parts(root: SourceFile, parts: list[Path], folders: list[Path]) -> None:
    """Raises DataError unless all folders are splits and hold a folder per class."""
    if others := [folder for folder in folders if folder not in parts]:
        raise DataError(
            f"In {root.name} {_named(parts)} {'are splits' if len(parts) > 1 else 'is a split'} by name, and "
            f"{_named(others)} {'are not' if len(others) > 1 else 'is not'}. Move away what is none, or "
            f"call it train, valid or test; or give one of the folders alone, such as {_inside(root, parts[0])}."
        )
    if bare := [folder for folder in parts if not _folders(folder)]:
        raise DataError(
            f"In {root.name} {_named(bare)} {'hold' if len(bare) > 1 else 'holds'} no folder per class, so that "
            f"{'their' if len(bare) > 1 else 'its'} texts have no labels. Sort them into a folder per class, or move "
            f"{'them' if len(bare) > 1 else 'it'} away; texts to predict are given as that folder alone."
        )


def _classes(
    root: SourceFile,
    folder: Path,
    more: dict[str, list[str]],
    reading: Reading,
    groups: Sequence[Path] | None = None,
) -> Iterator[Chunk]:
    """The texts in the class folders of a folder; ``groups`` are these, where they are known."""
    deeper: list[Path] = []
    for group in _labelled(root, folder, reading) if groups is None else groups:
        deeper += _folders(group)
        for path in _files(group):
            yield from _one(root, path, {"label": [shown_name(group.name)], **more}, reading)
    if deeper:
        names = listed(dict.fromkeys(shown_name(inner.name) for inner in deeper))
        reading.report.remarks.append(
            f"Folders within the class folders of {_inside(root, folder)} are no classes; the texts in them are of the "
            f"class around them: {names}."
        )


def _labelled(root: SourceFile, folder: Path, reading: Reading) -> list[Path]:
    """The folders in a folder that hold labelled texts; says what else there is."""
    say, kept = reading.report.remarks.append, []
    beside = [shown_name(entry.name) for entry in _entries(folder) if _is_plain(entry)]
    if beside:
        say(f"Files beside the class folders of {_inside(root, folder)} are not read: {listed(beside)}.")
    for inner in _folders(folder):
        if is_unlabelled(inner.name):
            say(f"{_inside(root, inner)} holds texts without labels, as its name says; it is left out.")
        elif next(_files(inner), None) is None:
            say(f"{_inside(root, inner)} {'holds no files' if _entries(inner) else 'is empty'}; it is left out.")
        else:
            kept.append(inner)
    return kept


def _unlabelled(root: SourceFile, reading: Reading) -> Iterator[Chunk]:
    if next(_files(root.path), None) is None:
        raise DataError(f"{root.name} is an empty folder.")
    if table := next(filter(_is_table, _files(root.path)), None):
        raise DataError(
            f"{root.name} is a folder of tables, not of one folder per class; name the file, or several with a "
            f"pattern such as '{root.name}/*{table.suffix}'."
        )
    for path in _files(root.path):
        yield from _one(root, path, {}, reading)


def _one(root: SourceFile, path: Path, more: dict[str, list[str]], reading: Reading) -> Iterator[Chunk]:
    name = _inside(root, path)
    if _is_table(path):
        reading.report.bad(name, 1, "it is a table by its name, and a folder of texts holds one text in each file")
        return
    try:
        # a text, whatever it looks like
        file = replace(identify(str(path), replace(reading.options, format="csv")), name=name)
        decoding = find_decoding(file, reading)
        with open_text(file, decoding, newline="") as stream:
            text = stream.read(LONGEST + 1).rstrip("\r\n")
    except DataError as error:
        said = str(error).rstrip(".")
        for start in (name, shown_name(str(path))):
            said = f"it {said.removeprefix(start).lstrip()}" if said.startswith(f"{start} ") else said
        reading.report.bad(name, 1, said)
        return
    if len(text) > LONGEST:
        reading.report.bad(name, 1, f"it is longer than {LONGEST:,} characters")
        return
    if "\0" in text or (decoding.checked and undecoded(text)):
        reading.report.bad(name, 1, "it is not a text file in the encoding that is expected")
        return
    yield Chunk({"text": [text], **more}, file.name, (0,))


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".txt"


def _inside(root: SourceFile, path: Path) -> str:
    """A file or folder in the one that is read, as a message names it."""
    inner = path.relative_to(root.path).as_posix()
    return root.name if inner == "." else shown_name(f"{root.name.rstrip('/')}/{inner}")


def _named(folders: Iterable[Path]) -> str:
    return listed(shown_name(folder.name) for folder in folders)


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if _is_folder(entry) and not entry.name.startswith("__")]


def _files(folder: Path) -> Iterator[Path]:
    """The plain files in a folder and in those within it, in the order of their names."""
    return (Path(entry.path) for entry in _below(folder) if _is_plain(entry))


def _below(folder: Path) -> Iterator[os.DirEntry[str]]:
    """All that is in a folder and in those within it, in the order of their names; links are not followed.

    However deep and many they are: the folders around one are held, and no others.

    Raises:
        DataError: a folder cannot be read.
    """
    around = [iter(_entries(folder))]
    while around:
        entry = next(around[-1], None)
        if entry is None:
            around.pop()
            continue
        yield entry
        if _is_folder(entry):
            around.append(iter(_entries(entry.path)))


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """What is in a folder and not hidden, in the order of the names."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"The folder {shown_name(os.fsdecode(folder))} cannot be read: {error.strerror or error}."
        ) from None


def _say_passed_over(root: SourceFile, reading: Reading) -> None:
    """Says which links there are, and what is neither a file nor a folder.

    Raises:
        DataError: there are links and no files.
    """
    links, others, files = list[str](), list[str](), 0
    for entry in _below(root.path):
        if entry.is_symlink():
            links.append(entry.path)
        elif _is_plain(entry):
            files += 1
        elif not _is_folder(entry):
            others.append(entry.path)
    if links and not files:
        raise DataError(
            f"{root.name} holds links and no files, as git-annex and DVC leave it, such as "
            f"{_inside(root, Path(links[0]))}. No link is followed, so that nothing outside of the folder is read: "
            "copy it with what they lead to, as cp -rL does, and read the copy."
        )
    say = reading.report.remarks.append
    if links:
        kind = "are links" if len(links) > 1 else "is a link"
        say(
            f"{listed(_inside(root, Path(path)) for path in links)} {kind} and left out; nothing outside of the folder "
            "is read, and nothing in it twice: copy what is meant."
        )
    if others:
        are = "are" if len(others) > 1 else "is"
        say(f"{listed(_inside(root, Path(path)) for path in others)} {are} neither a file nor a folder and left out.")


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)
