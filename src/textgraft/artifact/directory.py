"""Writing and reading model directories: whole or not at all, and nothing from outside them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from textgraft.artifact.manifest import FILE, Manifest, read_manifest, versions
from textgraft.errors import ArtifactError, TextgraftError, listed
from textgraft.methods import METHODS, TextClassifier
from textgraft.methods.base import FittedOn
from textgraft.task import Columns, Task
from textgraft.training import processes


def save(model: TextClassifier, directory: str | Path, *, evaluation: dict[str, Any] | None = None) -> Path:
    """Writes a fitted classifier as a directory of ``textgraft.json`` and weights.

    It is written beside its place and renamed, so a directory is there whole or not at all; an earlier model of the
    same name is replaced. Of several processes that train together the first one writes.

    Args:
        model: a fitted classifier.
        directory: where to; parent folders are made.
        evaluation: metrics on test data to keep with it, as ``Evaluation.to_dict`` gives them.

    Raises:
        ArtifactError: the place is taken by something that is not a model, or cannot be written to.
    """
    place = Path(directory)
    check_place(place)
    if processes.rank() > 0:
        return place
    with _beside(place) as folder:
        model._write(folder)
        manifest = Manifest(
            method=model.method,
            parameters={k: v for k, v in model.get_params(deep=False).items() if k not in model.unsaved},
            task=asdict(model.task_),
            classes={"values": model.classes_.tolist(), "dtype": model.classes_.dtype.str},
            label_form=model.label_form_,
            thresholds=[float(t) for t in model.thresholds_],
            chosen=model.chosen_,
            fitted_on=asdict(model.fitted_on_),
            evaluation=evaluation,
            versions=versions(),
            files={path.name: _description(path) for path in sorted(folder.iterdir())},
        )
        (folder / FILE).write_text(manifest.to_json(), "utf-8")
    model._saved()
    return place


def load(directory: str | Path) -> TextClassifier:
    """Reads a model directory; the method need not be known. Nothing in it is ever run.

    Raises:
        ArtifactError: it is not there, damaged, of a newer format, or a file's hash is wrong.
    """
    folder = Path(directory)
    manifest = read_manifest(folder)
    if manifest.method not in METHODS:
        raise ArtifactError(
            f"{folder} was written by the method {manifest.method!r}; this textgraft knows {', '.join(METHODS)}. "
            "Install a newer textgraft."
        )
    try:
        _check_files(folder, manifest)
        return _restore(folder, manifest)
    except TextgraftError:
        raise
    except Exception as error:  # whatever a damaged weights file or manifest makes a reader trip over
        raise ArtifactError(f"{folder} is damaged: {type(error).__name__}: {error}") from error


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
        return sorted(set(names) - {FILE, *read_manifest(place).files})
    except ArtifactError:
        return []  # a damaged model may be replaced


def directory_bytes(directory: Path) -> int:
    """The size of all files in a folder."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _restore(folder: Path, manifest: Manifest) -> TextClassifier:
    model = METHODS[manifest.method]()
    # JSON has lists only; a hyperparameter is a number, a name or a tuple.
    parameters = {name: tuple(v) if isinstance(v, list) else v for name, v in manifest.parameters.items()}
    model.set_params(**parameters)
    model.task_ = Task(tuple(manifest.task["labels"]), bool(manifest.task["multi_label"]))
    model.classes_ = _classes(**manifest.classes)
    model.label_form_ = "indicator" if manifest.label_form == "indicator" else "names"
    model.thresholds_ = np.array(manifest.thresholds, np.float32)
    model.chosen_ = manifest.chosen
    model.notes_ = ()
    model.fitted_on_ = _fitted_on(manifest.fitted_on)
    if not len(model.task_) == len(model.classes_) == len(model.thresholds_):
        raise ArtifactError(f"{folder} is damaged: labels, classes and thresholds differ in number.")
    model._read(folder)
    return model


def _classes(values: list[Any], dtype: str) -> NDArray[Any]:
    """The labels in the caller's types; a manifest may name numbers, strings and objects, and no sizes of strings."""
    if re.fullmatch(r"[<>|=]?U\d*", dtype):
        return np.array(list(map(str, values)))
    if np.dtype(dtype).kind not in "biufO" or not all(isinstance(value, (str, int, float)) for value in values):
        raise ArtifactError(f"The labels in {FILE} are of a type that no model has: {dtype!r}.")
    return np.array(values, dtype=np.dtype(dtype))


def _fitted_on(content: dict[str, Any]) -> FittedOn:
    columns = content["columns"]
    if columns is not None:
        columns = Columns(**columns | {name: tuple(columns[name]) for name in ("text", "label")})
    return FittedOn(
        rows=content["rows"],
        counts=tuple(content["counts"]),
        fingerprint=content["fingerprint"],
        files=tuple(content["files"]),
        columns=columns,
    )


def _check_files(folder: Path, manifest: Manifest) -> None:
    """The folder holds the files that the manifest names, as they were written, and no others that could be read."""
    for name, told in manifest.files.items():
        path = folder / name
        if Path(name).name != name or name in {"", ".", ".."} or path.is_symlink():
            raise ArtifactError(f"{folder} is damaged: {name!r} in {FILE} is not the name of a file in it.")
        if not path.is_file():
            raise ArtifactError(f"{folder} is damaged: {name} is missing.")
        if not isinstance(told, dict) or path.stat().st_size != told.get("bytes") or _description(path) != told:
            raise ArtifactError(
                f"{folder} is damaged: {name} is not the file that was saved (its sha256 differs). Copy it again."
            )
    there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if others := sorted(there - {FILE, *manifest.files}):
        raise ArtifactError(
            f"{folder} holds files that are not of the model: {listed(others, 3)}. Move them elsewhere."
        )


def _description(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A new folder beside ``place`` that takes its place when the block ends well, and is deleted if not."""
    place = place.absolute()
    folder = place.parent / f".{place.name}.{os.getpid()}.part"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
        _replace(folder, place)
    except SafetensorError as error:
        raise ArtifactError(f"The model could not be saved in {place}: {error}.") from error
    except OSError as error:
        raise ArtifactError(f"The model could not be saved in {place}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace(folder: Path, place: Path) -> None:
    earlier = place.parent / f".{place.name}.{os.getpid()}.old"
    for path in folder.iterdir():
        with path.open("rb") as file, suppress(OSError):
            os.fsync(file.fileno())
    if place.exists():
        place.rename(earlier)
    try:
        folder.rename(place)
    except OSError:
        if earlier.exists():
            earlier.rename(place)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
