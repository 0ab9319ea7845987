"""The files of a model directory: where one may stand, and whether it holds what its manifest says and nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from textgraft.digests import file_sha256
from textgraft.errors import ArtifactError, listed
from textgraft.json_files import MOST_BYTES
from textgraft.limits import MODEL_BYTES
from textgraft.model_directory.manifest import CARD, FILE, Manifest, read_manifest
from textgraft.tensors import read_header
from textgraft.unicode import quoted

NAME = re.compile(r"\w[\w.-]{0,199}", re.ASCII)  # of a file in the directory: leads nowhere, on any system
TENSORS = ".safetensors"


def check_place(place: Path) -> None:
    """Raises ArtifactError where a model cannot be saved, so that it is known before hours of training."""
    if place.is_dir() and (others := _others(place)):
        raise ArtifactError(
            f"{place} is a folder with other things in it ({listed(others, 3)}); give a new folder, or that of a model."
        )
    if place.exists() and not place.is_dir():
        raise ArtifactError(f"{place} is a file; give the name of a folder.")
    existing = next(parent for parent in place.absolute().parents if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ArtifactError(f"{place} cannot be made: {existing} cannot be written to.")


def _others(place: Path) -> list[str]:
    """What is in a folder besides a model that textgraft wrote; such a folder is not replaced."""
    names = sorted(path.name for path in place.iterdir())
    if FILE not in names:
        return names
    try:
        return sorted(set(names) - {FILE, CARD, *read_manifest(place).files})
    except ArtifactError:
        return []  # a damaged model may be replaced


def directory_bytes(directory: Path) -> int:
    """The size of all files in a folder."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def check_files(folder: Path, manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """The folder holds the files that the manifest names, as they were written, and no others that could be read.

    Returns:
        What shows by name whether a file is another one by now.
    """
    checked: dict[str, tuple[int, ...]] = {}
    if (folder / FILE).is_symlink():
        raise ArtifactError(f"{folder} is damaged: its {FILE} is a link.")
    if sentence := MODEL_BYTES.exceeded(sum(entry["bytes"] for entry in manifest.files.values()), f"bytes of {folder}"):
        raise ArtifactError(sentence)
    for name, entry in manifest.files.items():
        path = folder / name
        if name == CARD:  # for people, who may edit it
            continue
        if not NAME.fullmatch(name) or name.casefold() == FILE or path.is_symlink():
            raise ArtifactError(f"{folder} is damaged: {quoted(name)} in {FILE} is not the name of a file in it.")
        if not path.is_file():
            raise ArtifactError(f"{folder} is damaged: {name} is missing.")
        checked[name] = stamp(path)
        if path.stat().st_size != entry["bytes"] or not _is_as_told(path, entry):
            raise ArtifactError(
                f"{folder} is damaged: {name} is not the file that was saved (its sha256 differs). Copy it again."
            )
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if others := sorted(present - {FILE, CARD, *manifest.files}):
        raise ArtifactError(
            f"{folder} holds files that are not of the model: {listed(others, 3)}. Move them elsewhere."
        )
    return checked


def stamp(path: Path) -> tuple[int, ...]:
    """Which file this is, and when it was written."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_as_told(path: Path, entry: dict[str, Any]) -> bool:
    """Whether a file is the one described; its tensors first, since reading their header costs nothing."""
    if "tensors" in entry and (path.suffix != TENSORS or _tensors(path) != entry["tensors"]):
        return False
    actual = description(path)
    return {name: actual[name] for name in entry} == entry


def description(path: Path) -> dict[str, Any]:
    """Size and hash of a file and, of safetensors, dtypes and shapes.

    Raises:
        ArtifactError: it holds no tensors, or is too large to be read.
    """
    size = path.stat().st_size
    if path.suffix == ".json" and size > MOST_BYTES:
        raise ArtifactError(f"{path.name} has {size:,} bytes; textgraft reads at most {MOST_BYTES:,}.")
    tensors = {"tensors": _tensors(path)} if path.suffix == TENSORS else {}
    return {"bytes": size, "sha256": file_sha256(path)} | tensors


def _tensors(path: Path) -> dict[str, str]:
    return {name: str(entry) for name, entry in read_header(path).items()}
