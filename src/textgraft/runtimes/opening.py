"""Which runtimes there are, which are installed, and opening one on an exported file."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from textgraft.errors import MissingExtraError, SettingError, did_you_mean
from textgraft.runtimes.running import Runtime
from textgraft.unicode import quoted

RuntimeName = Literal["torch", "onnx", "openvino"]
RUNTIMES: tuple[RuntimeName, ...] = ("torch", "onnx", "openvino")

_MODULES = {"torch": "torch", "onnx": "onnxruntime", "openvino": "openvino"}
_EXTRAS = {"torch": "transformers", "onnx": "runtime", "openvino": "openvino"}
_TITLES = {"torch": "PyTorch", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}


def check_runtime(name: str) -> None:
    """Raises SettingError for an unknown runtime, and MissingExtraError for one that is not installed."""
    if name not in RUNTIMES:
        raise SettingError(
            f"runtime must be 'auto' or one of {', '.join(map(quoted, RUNTIMES))}; got {quoted(name)}."
            f"{did_you_mean(str(name), RUNTIMES)}"
        )
    if not installed(name):
        raise MissingExtraError(f"Running a model with {_TITLES[name]}", _EXTRAS[name])


def installed(name: str) -> bool:
    """Whether the library of a runtime is there; it is not imported."""
    return importlib.util.find_spec(_MODULES[name]) is not None


def open_runtime(name: str, precision: str, folder: Path, files: Sequence[str]) -> Runtime:
    """The runtime of an exported network.

    Args:
        name: ``"onnx"`` or ``"openvino"``.
        precision: of the matrix products: what the file was made for.
        folder: where the files are.
        files: their names: one ``.onnx``, or an ``.xml`` and its ``.bin``.

    Raises:
        SettingError: there is no such runtime.
        MissingExtraError: its library is not installed.
        ArtifactError: the file cannot be read, or needs what this release of the library does not know.
    """
    check_runtime(name)
    if name == "onnx":
        from textgraft.runtimes.onnx_runtime import OnnxRuntime

        return OnnxRuntime(folder / files[0], precision)
    if name == "openvino":
        from textgraft.runtimes.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(folder / next(file for file in files if file.endswith(".xml")), precision)
    raise SettingError("The runtime 'torch' reads a model's own weights; only 'onnx' and 'openvino' read exports.")
