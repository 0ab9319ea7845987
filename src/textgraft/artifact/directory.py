"""Writing and reading model directories: whole or not at all, and nothing from outside them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from textgraft.artifact.choosing import Opened, open_export
from textgraft.artifact.foreign import is_foreign
from textgraft.artifact.manifest import CARD, FILE, Manifest, read_manifest, versions
from textgraft.artifact.sample import Sample
from textgraft.errors import ArtifactError, SettingError, TextgraftError, listed
from textgraft.json_files import MOST_BYTES
from textgraft.methods import METHODS, TextClassifier
from textgraft.methods.base import FittedOn
from textgraft.task import Columns, Task
from textgraft.tensors import read_header
from textgraft.training import processes

NAME = re.compile(r"\w[\w.-]{0,199}", re.ASCII)  # of a file in the directory: leads nowhere, on any system
TENSORS = ".safetensors"


def save(
    model: TextClassifier,
    directory: str | Path,
    *,
    evaluation: dict[str, Any] | None = None,
    keep_sample: bool = True,
) -> Path:
    """Writes a fitted classifier as a directory of ``textgraft.json`` and weights.

    It is written beside its place and renamed, so a directory is there whole or not at all; an earlier model of the
    same name is replaced. Of several processes that train together the first one writes.

    Args:
        model: a fitted classifier.
        directory: where to; parent folders are made.
        evaluation: metrics on test data to keep with it, as ``Evaluation.to_dict`` gives them.
        keep_sample: whether to keep up to 512 validation texts with it, on which an export can be checked.

    Raises:
        ArtifactError: the place is taken by something that is not a model, or cannot be written to; or the model was
            loaded from an export, which does not hold its weights.
    """
    from textgraft.artifact.card import write_card  # it loads the evaluation, which a model that predicts does without

    place = Path(directory)
    check_place(place)
    if model.runtime_ is not None:
        raise ArtifactError(
            f"This model runs an export ({model.export_ or model.runtime_.name}) and does not hold its "
            "weights; copy its directory, or load it with runtime='torch' and save that."
        )
    if processes.rank() > 0:
        return place
    with beside(place) as folder:
        model._write(folder)
        if keep_sample and model.checked_on_ is not None:
            Sample.of(model.checked_on_).write(folder)
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
            files={path.name: description(path) for path in sorted(folder.iterdir())},
        )
        write_card(manifest, folder, place.absolute().name)
        (folder / FILE).write_text(manifest.to_json(), "utf-8")
    model._saved()
    return place


def load(
    directory: str | Path,
    *,
    runtime: str = "auto",
    labels: Sequence[str] | None = None,
) -> TextClassifier:
    """Reads a model directory; the method need not be known. Nothing in it is ever run.

    Args:
        directory: of the model; or its name on the Hugging Face Hub, ``"owner/model"``, where there is no such folder.
            A sequence classifier that ``transformers`` saved is a model too.
        runtime: what computes its network: ``"torch"`` on its own weights, ``"onnx"`` or ``"openvino"`` on an export,
            or one export by its name, such as ``"openvino-int8"``. ``"auto"`` takes the fastest export on this machine,
            and torch where there is none, or a GPU.
        labels: names of the labels, in order, for a model of ``transformers`` that does not name them itself.

    Raises:
        ArtifactError: it is not there, damaged, of a newer format, a file's hash is wrong, or it has no such export.
        MissingExtraError: what it needs is not installed.
    """
    folder = _found(directory)
    if is_foreign(folder):
        from textgraft.artifact.foreign import load_foreign

        if runtime not in ("auto", "torch"):
            raise ArtifactError(
                f"{folder} was saved by transformers and has no export for {runtime}. Save what load gives as a model "
                "of textgraft, and export that."
            )
        return load_foreign(folder, labels=labels)
    if labels is not None:
        raise SettingError(f"{folder} names its labels; labels= is for models of transformers that do not.")
    manifest = read_manifest(folder)
    if manifest.method not in METHODS:
        raise ArtifactError(
            f"{folder} was written by the method {manifest.method!r}; this textgraft knows {', '.join(METHODS)}. "
            "Install a newer textgraft."
        )
    try:
        checked = check_files(folder, manifest)
        opened = open_export(folder, manifest, runtime)
        try:
            model = _restore(folder, manifest, opened)
        except SettingError as error:  # nobody here has set anything
            raise ArtifactError(f"{folder} is damaged: {error}") from error
        if any(_stamp(folder / name) != stamp for name, stamp in checked.items()):
            raise ArtifactError(f"{folder} was changed while it was read; load it again.")
        return model
    except TextgraftError:
        raise
    except Exception as error:  # whatever a damaged weights file or manifest makes a reader trip over
        raise ArtifactError(f"{folder} is damaged: {type(error).__name__}: {error}") from error


def _found(directory: str | Path) -> Path:
    """The folder of a model, downloaded where it is a name on the Hub."""
    if Path(directory).exists():
        return Path(directory)
    from textgraft.artifact.hub import fetch, is_name

    return fetch(Path(directory).as_posix()) if is_name(directory) else Path(directory)


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


def _restore(folder: Path, manifest: Manifest, opened: Opened) -> TextClassifier:
    model = METHODS[manifest.method]()
    # JSON has lists only; a hyperparameter is a number, a name or a tuple.
    parameters = {name: tuple(v) if isinstance(v, list) else v for name, v in manifest.parameters.items()}
    model.set_params(**{name: value for name, value in parameters.items() if name not in model.unsaved})
    model.check_settings()
    model.task_ = Task(tuple(manifest.task["labels"]), bool(manifest.task["multi_label"]))
    model.classes_ = _classes(**manifest.classes)
    model.label_form_ = "indicator" if manifest.label_form == "indicator" else "names"
    model.thresholds_ = np.array(manifest.thresholds, np.float32)
    model.chosen_ = manifest.chosen
    model.notes_ = (opened.note,) if opened.note else ()
    model.runtime_, model.export_ = opened.runtime, opened.name
    model.fitted_on_ = _fitted_on(manifest.fitted_on)
    if not len(model.task_) == len(model.classes_) == len(model.thresholds_):
        raise ArtifactError(f"{folder} is damaged: labels, classes and thresholds differ in number.")
    sample = Sample.read(folder, model.task_)
    model.checked_on_ = None if sample is None else sample.data
    model._read(folder, opened.runtime)
    return model


def _classes(values: list[Any], dtype: str) -> NDArray[Any]:
    """The labels in the caller's types; a manifest may name numbers, strings and objects, and no sizes of strings."""
    wrong = ArtifactError(f"The labels in {FILE} are of a type that no model has: {dtype!r}.")
    if not isinstance(dtype, str) or not all(isinstance(value, (str, int, float)) for value in values):
        raise wrong
    if re.fullmatch(r"[<>|=]?U\d*", dtype):
        return np.array(list(map(str, values)))
    try:
        if re.fullmatch(r"[<>|=]?([biuf]\d{1,2}|O\d?)", dtype):
            return np.array(values, dtype=np.dtype(dtype))
    except (TypeError, ValueError, OverflowError):  # no dtype, or no values of it
        pass
    raise wrong


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


def check_files(folder: Path, manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """The folder holds the files that the manifest names, as they were written, and no others that could be read.

    Returns:
        What shows by name whether a file is another one by now.
    """
    checked: dict[str, tuple[int, ...]] = {}
    if (folder / FILE).is_symlink():
        raise ArtifactError(f"{folder} is damaged: its {FILE} is a link.")
    for name, told in manifest.files.items():
        path = folder / name
        if name == CARD:  # for people, who may edit it
            continue
        if not NAME.fullmatch(name) or name.casefold() == FILE or path.is_symlink():
            raise ArtifactError(f"{folder} is damaged: {name!r} in {FILE} is not the name of a file in it.")
        if not path.is_file():
            raise ArtifactError(f"{folder} is damaged: {name} is missing.")
        checked[name] = _stamp(path)
        if path.stat().st_size != told["bytes"] or not _is_as_told(path, told):
            raise ArtifactError(
                f"{folder} is damaged: {name} is not the file that was saved (its sha256 differs). Copy it again."
            )
    there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if others := sorted(there - {FILE, CARD, *manifest.files}):
        raise ArtifactError(
            f"{folder} holds files that are not of the model: {listed(others, 3)}. Move them elsewhere."
        )
    return checked


def _stamp(path: Path) -> tuple[int, ...]:
    """Which file this is, and when it was written."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_as_told(path: Path, told: dict[str, Any]) -> bool:
    """Whether a file is the one described; its tensors first, since reading their header costs nothing."""
    if "tensors" in told and (path.suffix != TENSORS or _tensors(path) != told["tensors"]):
        return False
    found = description(path)
    return {name: found[name] for name in told} == told


def description(path: Path) -> dict[str, Any]:
    """Size and hash of a file and, of safetensors, dtypes and shapes.

    Raises:
        ArtifactError: it holds no tensors, or is too large to be read.
    """
    size = path.stat().st_size
    if path.suffix == ".json" and size > MOST_BYTES:
        raise ArtifactError(f"{path.name} has {size:,} bytes; textgraft reads at most {MOST_BYTES:,}.")
    tensors = {"tensors": _tensors(path)} if path.suffix == TENSORS else {}
    with path.open("rb") as file:
        return {"bytes": size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()} | tensors


def _tensors(path: Path) -> dict[str, str]:
    return {name: str(entry) for name, entry in read_header(path).items()}


@contextmanager
def beside(place: Path) -> Iterator[Path]:
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
