"""``textgraft.json``: what a model directory holds, as one frozen object."""

from __future__ import annotations

import json
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from textgraft.dataset import WEIGHTS, LabelShape
from textgraft.decision import Abstention, Goal
from textgraft.errors import ArtifactError
from textgraft.hardware import INSTRUCTIONS
from textgraft.json_files import is_number, is_strings, is_whole, read_json
from textgraft.labels import LIKENESSES
from textgraft.unicode import escaped_in_json, quoted, whole
from textgraft.whole import recovered

FILE = "textgraft.json"
CARD = "README.md"
FORMAT = "textgraft-model"
# 5 had no abstention and no goals; 4 no costs and no metric; 3 had all confusions as matrices, and no
# max_features="auto"; 2 no normal form of texts, and no weights of rows; 1 no card, and no needs of exports.
VERSION = 6
MOST_BYTES = 1 << 28  # the figures of 400,000 labels take less
MOST_OF_LABELS = 50_000_000  # bytes of their names, which stand in it four times
MOST_OF_COST = 1e300  # so that sums of them are finite
ENDINGS: dict[str, tuple[str, ...]] = {"onnx": ("onnx",), "openvino": ("xml", "bin")}  # of the files of an export
LIBRARIES = (
    "textgraft", "numpy", "scipy", "scikit-learn", "torch", "transformers", "tokenizers", "safetensors",
    "onnx", "onnxruntime", "openvino", "nncf",
)  # fmt: skip


@dataclass(frozen=True)
class Export:
    """The network of a model in the form that another runtime reads.

    Attributes:
        runtime: ``"onnx"`` or ``"openvino"``.
        precision: of its matrix products.
        recipe: how it was made, for people.
        files: their names in the model directory.
        needs: the instructions without which a processor makes it answer otherwise, see ``hardware.lacking``. An entry
            that does not say is of an earlier release, which made int8 in full range only, so that it needs VNNI.
    """

    runtime: str
    precision: str
    recipe: str
    files: tuple[str, ...]
    needs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.runtime}-{self.precision}"


@dataclass(frozen=True)
class Manifest:
    """The content of ``textgraft.json``.

    Attributes:
        method: which class reads the weights.
        parameters: its hyperparameters, as ``get_params`` gives them.
        task: ``labels`` in order, and ``multi_label``.
        classes: ``values`` and ``dtype`` of the labels as they were given to ``fit``.
        label_form: ``"names"`` or ``"indicator"``.
        thresholds: a probability per label.
        goals: the fields of each ``Goal`` for which thresholds were chosen.
        costs: a row per true label with a cost per predicted one, see ``Decision``; None where there are none.
        abstention: when no answer is given, see ``Abstention``; None where there is always one.
        chosen: what training chose.
        fitted_on: rows, label counts, fingerprint, files, columns and weights of the training data.
        evaluation: the metrics on test data, as ``Evaluation.to_dict``; None if there was none.
        versions: of Python and of the libraries that trained it.
        files: sha256 and size in bytes of every other file, and of safetensors the dtype and shape of each tensor.
        exports: the fields of each ``Export``.
        weights: whether it holds what its method reads without an export; False of a directory made to be shipped.
        card: sha256 of ``README.md`` as textgraft wrote it, by which an edited one is told; None if somebody else did.
        format: always ``"textgraft-model"``.
        format_version: of this layout; a newer one is refused.
    """

    method: str
    parameters: dict[str, Any]
    task: dict[str, Any]
    classes: dict[str, Any]
    label_form: str
    thresholds: list[float]
    chosen: dict[str, Any]
    fitted_on: dict[str, Any]
    evaluation: dict[str, Any] | None
    versions: dict[str, str]
    files: dict[str, dict[str, Any]]
    goals: list[dict[str, Any]] = field(default_factory=list)
    costs: list[list[float]] | None = None
    abstention: dict[str, Any] | None = None
    exports: list[dict[str, Any]] = field(default_factory=list)
    weights: bool = True
    card: str | None = None
    format: str = FORMAT
    format_version: int = VERSION

    def exported(self) -> list[Export]:
        """The exports, checked.

        Raises:
            ArtifactError: one of them is not what an export writes, or names files that the model does not have.
        """
        exports = []
        for entry in self.exports:
            try:
                needs = entry.get("needs", ["vnni"] if entry["precision"] == "int8" else [])
                export = Export(**entry | {"files": tuple(entry["files"]), "needs": tuple(needs)})
                texts = (export.runtime, export.precision, export.recipe, *export.files)
                right = all(isinstance(text, str) for text in texts) and set(export.files) <= self.files.keys()
                right = right and set(export.needs) <= set(INSTRUCTIONS) and _are_of_one(export)
            except (TypeError, KeyError, AttributeError):
                right = False
            if not right:
                raise ArtifactError(f"{FILE} is damaged: {quoted(entry)} is no export of this model.")
            exports.append(export)
        return exports

    def write(self, folder: Path) -> None:
        """Writes it into the folder of its model.

        Raises:
            ArtifactError: it is longer than what is read.
        """
        content = self.to_json().encode()
        if len(content) > MOST_BYTES:
            raise ArtifactError(
                f"The model is not saved: its {FILE} would have {len(content):,} bytes, and at most {MOST_BYTES:,} are "
                "read. Train with fewer labels, or with shorter names."
            )
        (folder / FILE).write_bytes(content)

    def to_json(self) -> str:
        """JSON text with a line per field's inner value, the format first."""
        content = asdict(self) | {"format_version": VERSION}  # of what is written, whatever was read
        first = {name: content.pop(name) for name in ("format", "format_version")}
        text = json.dumps(first | content, indent=2, ensure_ascii=False, allow_nan=False, default=_default)
        return escaped_in_json(text) + "\n"


def _are_of_one(export: Export) -> bool:
    """Whether these are the files of one export: the library that opens the first finds the second by its name."""
    stems = {file.rpartition(".")[0] for file in export.files}
    endings = tuple(file.rpartition(".")[2] for file in export.files)
    return len(stems) == 1 and endings == ENDINGS.get(export.runtime)


def read_manifest(directory: str | Path) -> Manifest:
    """Reads ``textgraft.json``.

    Raises:
        ArtifactError: the directory or the file is not there, is not what textgraft writes, or is of a newer format.
    """
    folder = Path(directory)
    path = folder / FILE
    if not (folder.is_dir() or recovered(folder)):
        raise ArtifactError(f"There is no model directory {folder}.")
    if not path.is_file():
        raise ArtifactError(f"{folder} is not a model directory: it has no {FILE}. Give one that --out wrote.")
    content = read_json(path, most=MOST_BYTES)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ArtifactError(f"{path} was not written by textgraft: its format is not {quoted(FORMAT)}.")
    version = content.get("format_version")
    if not is_whole(version, 1):
        raise ArtifactError(f"{path} is damaged: format_version is {quoted(version)}.")
    if version > VERSION:
        raise ArtifactError(
            f"{folder} has format version {version}; this textgraft reads up to {VERSION}. Install a newer textgraft."
        )
    return _checked(path, content)


def _checked(path: Path, content: dict[str, Any]) -> Manifest:
    """A Manifest from parsed JSON; every field must be there, be known and be of its type."""
    kinds = {"dict": dict, "list": list, "str": str, "int": int, "bool": bool, "None": type(None)}
    known = {
        field.name: tuple(kinds[kind.partition("[")[0]] for kind in str(field.type).split(" | "))
        for field in fields(Manifest)
    }
    optional = {"goals", "costs", "abstention", "exports", "weights", "card"}  # older models have none
    faults = {
        "missing": known.keys() - content.keys() - optional,
        "unknown": content.keys() - known.keys(),
        "of the wrong type": [name for name in known.keys() & content if not isinstance(content[name], known[name])],
    }
    if sentence := "; ".join(f"{fault} {', '.join(sorted(names))}" for fault, names in faults.items() if names):
        raise ArtifactError(f"{path} is damaged: {sentence}.")
    manifest = Manifest(**content)
    if clause := _what_is_wrong(manifest):
        raise ArtifactError(f"{path} is damaged: {clause}.")
    return manifest


def _what_is_wrong(manifest: Manifest) -> str | None:
    """What the fields of a manifest must not hold, as a clause; None if all is well."""
    task, classes = manifest.task, manifest.classes
    if task.keys() != {"labels", "multi_label"} or type(task["multi_label"]) is not bool:
        return "its task is not labels and multi_label"
    labels, least = task["labels"], 1 if task["multi_label"] else 2
    if not is_strings(labels) or len(set(labels)) < len(labels) or len(labels) < least:
        return f"its labels are not {least} or more different strings"
    if any(whole(label) != label for label in labels):
        return "a label is not Unicode"
    if classes.keys() != {"values", "dtype"} or not isinstance(classes["values"], list):
        return "its classes are not values and dtype"
    if manifest.label_form not in ("names", "indicator"):
        return f"its label_form is {quoted(manifest.label_form)}"
    if not all(is_number(threshold, 0, 1) for threshold in manifest.thresholds):
        return "its thresholds are not numbers from 0 to 1"
    if not task["multi_label"] and 0 in manifest.thresholds:  # probabilities are divided by them
        return "a threshold is 0"
    if manifest.costs is not None and (task["multi_label"] or not _are_costs(manifest.costs, len(labels))):
        return f"its costs are not {len(labels)} rows of {len(labels)} numbers of 0 or more"
    if not _are_goals(manifest.goals, labels):
        return "its goals are not precisions and recalls of its labels"
    if clause := _what_is_wrong_of(manifest.abstention, len(labels)):
        return clause
    if not is_strings(list(manifest.versions.values())):
        return "its versions are not strings"
    if not _is_fitted_on(manifest.fitted_on, len(labels)):
        return "its fitted_on does not say what it was trained on"
    wrong = [name for name, entry in manifest.files.items() if not _is_described(entry)]
    return f"it does not say what {quoted(wrong[0])} is" if wrong else None


def _what_is_wrong_of(abstention: dict[str, Any] | None, labels: int) -> str | None:
    """What the abstention of a manifest must not hold, as a clause."""
    try:
        sets = Abstention.from_dict(abstention or {}).sets
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return f"its abstention is not as it was written: {error}"
    return None if sets is None or len(sets.floors) == labels else "its abstention has floors of other labels"


def _is_fitted_on(content: dict[str, Any], labels: int) -> bool:
    """Whether these are the fields of a ``FittedOn``."""
    if content.keys() - {"weights"} != {"rows", "counts", "fingerprint", "files", "columns"}:
        return False
    counts, columns, weights = content["counts"], content["columns"], content.get("weights")
    if weights is not None and not (
        isinstance(weights, list) and [is_number(w, 0, WEIGHTS[1]) for w in weights] == [True, True]
    ):
        return False
    counted = isinstance(counts, list) and len(counts) == labels and all(map(is_whole, [content["rows"], *counts]))
    if not counted or not isinstance(content["fingerprint"], str) or not is_strings(content["files"]):
        return False
    if columns is None:
        return True
    return (
        isinstance(columns, dict)
        and {"text", "label"} <= columns.keys() <= {"text", "label", "shape", "delimiter", "merged"}
        and is_strings(columns["text"])
        and is_strings(columns["label"])
        and columns.get("shape", "name") in get_args(LabelShape)
        and isinstance(columns.get("delimiter", ""), str)
        and is_strings(columns.get("merged", []))
        and set(columns.get("merged", [])) <= set(LIKENESSES)
    )


def _are_goals(goals: list[Any], labels: list[str]) -> bool:
    """Whether these are goals of different labels."""
    try:
        named = [Goal.from_dict(goal).label for goal in goals]
    except (TypeError, ValueError, KeyError, AttributeError):
        return False
    return set(named) <= set(labels) and len(set(named)) == len(named)


def _are_costs(costs: list[Any], k: int) -> bool:
    """Whether these are k rows of k costs."""
    rows = len(costs) == k and all(isinstance(row, list) and len(row) == k for row in costs)
    return rows and all(is_number(cost, 0, MOST_OF_COST) for row in costs for cost in row)


def _is_described(entry: dict[str, Any]) -> bool:
    """Whether these are a file's size and hash and, of safetensors, dtypes and shapes; older models have none."""
    if not isinstance(entry, dict) or not {"bytes", "sha256"} <= entry.keys() <= {"bytes", "sha256", "tensors"}:
        return False
    tensors = entry.get("tensors", {})
    right = isinstance(tensors, dict) and is_strings(list(tensors.values()))
    return right and is_whole(entry["bytes"]) and isinstance(entry["sha256"], str)


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """The same in the types that JSON has."""
    result: dict[str, Any] = json.loads(json.dumps(content, default=_default))
    return result


def _default(value: object) -> object:
    """What a hyperparameter may be besides JSON's own types: NumPy's numbers and arrays, and paths."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON holds")


def versions() -> dict[str, str]:
    """The versions of Python and of the installed libraries that shape a result."""
    from importlib import metadata  # slow to import, and of no use to what only reads a model

    installed = {"python": platform.python_version(), "machine": platform.machine()}
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return installed
