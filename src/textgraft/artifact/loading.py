"""Reading a model, wherever it is: decided once at the door, then straight down. Nothing in it is ever run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.artifact.choosing import Opened, open_export
from textgraft.artifact.locating import is_foreign, locate
from textgraft.dataset import Columns, FittedOn
from textgraft.decision import Abstention
from textgraft.errors import ArtifactError, SettingError, TextgraftError
from textgraft.evaluation.metric import Metric, names_file
from textgraft.methods import TextClassifier
from textgraft.methods.registry import method_of
from textgraft.model_directory.files import check_files, stamp
from textgraft.model_directory.manifest import FILE, Manifest, read_manifest
from textgraft.model_directory.sample import Sample
from textgraft.model_directory.seen import SeenTexts
from textgraft.model_directory.sketch import Sketch
from textgraft.task import Task
from textgraft.unicode import quoted, quoted_path


def load(directory: str | Path, *, runtime: str = "auto", labels: Sequence[str] | None = None) -> TextClassifier:
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
    folder = locate(directory)
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
    method_of(manifest, folder)  # says that it is unknown, before anything is called damaged
    try:
        checked = check_files(folder, manifest)
        try:
            model = unfitted(folder, manifest)
            if runtime not in ("auto", "torch") and not model.has_graph:
                raise ArtifactError(needs_no_export(folder, model))
            _restore(model, folder, manifest, open_export(folder, manifest, runtime))
        except SettingError as error:  # nobody here has set anything
            raise ArtifactError(f"{folder} is damaged: {error}") from error
        if any(stamp(folder / name) != before for name, before in checked.items()):
            raise ArtifactError(f"{folder} was changed while it was read; load it again.")
        return model
    except TextgraftError:
        raise
    except Exception as error:  # whatever a damaged weights file or manifest makes a reader trip over
        raise ArtifactError(f"{folder} is damaged: {type(error).__name__}: {error}") from error


def needs_no_export(folder: Path, model: TextClassifier) -> str:
    """What to say of an export of a model without a network."""
    encoder = getattr(model, "encoder", None)
    reading = "" if encoder is None else f" with the encoder {quoted_path(encoder)}"
    return (
        f"{folder} needs no export: the method {quoted(model.method)}{reading} computes with NumPy alone, and loads "
        "and predicts as it is wherever textgraft is installed, without torch. Leave out the runtime."
    )


def unfitted(folder: Path, manifest: Manifest) -> TextClassifier:
    """A classifier with the hyperparameters of a model, and nothing else of it.

    Raises:
        ArtifactError: this textgraft does not have its method, or its metric is none that a model keeps.
        SettingError: it has hyperparameters that its method does not have, or that cannot be used.
    """
    metric = manifest.parameters.get("metric")
    if metric is not None and not isinstance(metric, dict) and (not isinstance(metric, str) or names_file(metric)):
        raise ArtifactError(f"{folder} is damaged: its metric is {quoted(metric)}; nothing else is read for a model.")
    return method_of(manifest, folder)().set_kept(manifest.parameters)


def _restore(model: TextClassifier, folder: Path, manifest: Manifest, opened: Opened) -> None:
    model.task_ = Task(tuple(manifest.task["labels"]), bool(manifest.task["multi_label"]))
    model.classes_ = _classes(**manifest.classes)
    model.label_form_ = "indicator" if manifest.label_form == "indicator" else "names"
    model.thresholds_ = np.array(manifest.thresholds, np.float32)
    model.costs_ = None if manifest.costs is None else np.array(manifest.costs, np.float64)
    model.abstention_ = Abstention.from_dict(manifest.abstention or {})
    model.metric_ = None if model.metric is None else Metric.read(model.metric, model.task_)
    model.chosen_ = manifest.chosen
    model.notes_ = (opened.note,) if opened.note else ()
    model.runtime_, model.export_ = opened.runtime, opened.name
    model.fitted_on_ = fitted_on(manifest)
    if not len(model.task_) == len(model.classes_) == len(model.thresholds_):
        raise ArtifactError(f"{folder} is damaged: labels, classes and thresholds differ in number.")
    sample = Sample.read(folder, model.task_)
    model.checked_on_ = None if sample is None else sample.data
    model.seen_ = SeenTexts.read(folder)
    model.sketch_ = Sketch.read(folder, model.task_)
    model.read_state(folder, opened.runtime)


def _classes(values: list[Any], dtype: str) -> NDArray[Any]:
    """The labels in the caller's types; a manifest may name numbers, strings and objects, and no sizes of strings."""
    wrong = ArtifactError(f"The labels in {FILE} are of a type that no model has: {quoted(dtype)}.")
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


def fitted_on(manifest: Manifest) -> FittedOn:
    """What the model was trained on."""
    content, columns = manifest.fitted_on, manifest.fitted_on["columns"]
    if columns is not None:
        several: dict[str, Any] = {name: tuple(columns.get(name, ())) for name in ("text", "label", "merged")}
        columns = Columns(**columns | several)
    tuples = {name: tuple(content[name]) for name in ("counts", "files", "weights") if content.get(name) is not None}
    return FittedOn(**content | tuples | {"columns": columns})
