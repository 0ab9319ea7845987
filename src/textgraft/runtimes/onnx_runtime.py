"""ONNX Runtime on a CPU: runs nearly anywhere, and is small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textgraft.errors import ArtifactError
from textgraft.hardware import threads
from textgraft.runtimes.running import FileRuntime, Floats, Ids, whole


class OnnxRuntime(FileRuntime):
    """A network in an ``.onnx`` file.

    Args:
        path: of the file; it is read whole, so it may be replaced afterwards.
        precision: of the matrix products in it.

    Raises:
        ArtifactError: ONNX Runtime cannot read it.
    """

    name = "onnx"

    def __init__(self, path: Path, precision: str) -> None:
        self.precision = precision
        self._model = path.read_bytes()
        self._title = path.name
        super().__init__()

    def _open(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 4  # what goes wrong comes as an exception
        try:
            return onnxruntime.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common base but Exception
            raise ArtifactError(unreadable(self._title, "ONNX Runtime", error)) from error

    def run(self, ids: Ids, mask: Ids | None) -> Floats:  # noqa: D102
        inputs = {"input_ids": ids, "attention_mask": whole(ids) if mask is None else mask}
        output: Floats = self._opened.run(["output"], inputs)[0]
        return output


def unreadable(file: str, library: str, error: Exception) -> str:
    """What to say of a file that a library refuses."""
    reason = str(error).strip().splitlines()
    return (
        f"{library} cannot read {file} ({reason[0] if reason else type(error).__name__}); the file is damaged or made "
        "for a newer release. Export the model again, or take another runtime."
    )
