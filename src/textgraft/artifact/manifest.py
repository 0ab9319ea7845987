"""``textgraft.json``: what a model directory holds, as one frozen object."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from textgraft.errors import ArtifactError

FILE = "textgraft.json"
FORMAT = "textgraft-model"
VERSION = 1
LIBRARIES = ("textgraft", "numpy", "scipy", "scikit-learn", "torch", "transformers", "tokenizers", "safetensors")


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
        chosen: what training chose.
        fitted_on: rows, label counts, fingerprint, files and columns of the training data.
        evaluation: the metrics on test data, as ``Evaluation.to_dict``; None if there was none.
        versions: of Python and of the libraries that trained it.
        files: sha256 and size in bytes of every other file.
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
    format: str = FORMAT
    format_version: int = VERSION

    def to_json(self) -> str:
        """JSON text with a line per field's inner value, the format first."""
        content = asdict(self)
        first = {name: content.pop(name) for name in ("format", "format_version")}
        return json.dumps(first | content, indent=2, ensure_ascii=False, allow_nan=False, default=_default) + "\n"


def read_manifest(directory: str | Path) -> Manifest:
    """Reads ``textgraft.json``.

    Raises:
        ArtifactError: the directory or the file is not there, is not what textgraft writes, or is of a newer format.
    """
    folder = Path(directory)
    path = folder / FILE
    if not folder.is_dir():
        raise ArtifactError(f"There is no model directory {folder}.")
    if not path.is_file():
        raise ArtifactError(f"{folder} is not a model directory: it has no {FILE}. Give one that --out wrote.")
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: {error}.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ArtifactError(f"{path} was not written by textgraft: its format is not {FORMAT!r}.")
    version = content.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise ArtifactError(f"{path} is damaged: format_version is {version!r}.")
    if version > VERSION:
        raise ArtifactError(
            f"{folder} has format version {version}; this textgraft reads up to {VERSION}. Install a newer textgraft."
        )
    return _checked(path, content)


def _checked(path: Path, content: dict[str, Any]) -> Manifest:
    """A Manifest from parsed JSON; every field must be there, be known and be of its type."""
    types: dict[str, type | tuple[type, ...]] = {
        "dict[str, Any]": dict,
        "dict[str, dict[str, Any]]": dict,
        "dict[str, str]": dict,
        "dict[str, Any] | None": (dict, type(None)),
        "list[float]": list,
        "str": str,
        "int": int,
    }
    known = {field.name: types[str(field.type)] for field in fields(Manifest)}
    missing = known.keys() - content.keys()
    foreign = content.keys() - known.keys()
    wrong = [name for name, kind in known.items() if name in content and not isinstance(content[name], kind)]
    if missing or foreign or wrong:
        told = [
            f"{what} {', '.join(sorted(names))}"
            for what, names in (("missing", missing), ("unknown", foreign), ("of the wrong type", wrong))
            if names
        ]
        raise ArtifactError(f"{path} is damaged: {'; '.join(told)}.")
    return Manifest(**content)


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
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
