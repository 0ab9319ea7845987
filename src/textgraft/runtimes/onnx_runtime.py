"""ONNX Runtime on a CPU: runs nearly anywhere, and is small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from textgraft.errors import ArtifactError
from textgraft.hardware import threads
from textgraft.runtimes.onnx_file import MOST_BYTES, check_onnx
from textgraft.runtimes.running import INPUTS, OUTPUT, Batch, FileRuntime, Floats, read_file

_TYPES = {"tensor(int64)": "int64", "tensor(float)": "float32"}


class OnnxRuntime(FileRuntime):
    """A network in an ``.onnx`` file.

    Args:
        path: of the file; it is read whole, so it may be replaced afterwards.
        precision: of the matrix products in it.

    Raises:
        ArtifactError: ONNX Runtime cannot read it, or it asks for more than a network of weights in the file.
    """

    name = "onnx"
    library = "ONNX Runtime"

    def __init__(self, path: Path, precision: str) -> None:
        self.precision = precision
        self._model = read_file(path, MOST_BYTES)
        check_onnx(self._model, str(path))
        super().__init__(path)

    def _open(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 4  # what goes wrong comes as an exception
        options.add_session_config_entry("session.load_model_format", "ONNX")  # whatever it looks like
        try:
            session = onnxruntime.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common base but Exception
            raise ArtifactError(self._unusable("read", error)) from error
        inputs, outputs = (
            {part.name: _TYPES.get(part.type, part.type) for part in parts}
            for parts in (session.get_inputs(), session.get_outputs())
        )
        self._check_names(inputs, outputs)
        return session

    def _run_each(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Floats]]:
        for place, batch in enumerate(batches):
            yield place, self._opened.run([OUTPUT], dict(zip(INPUTS, batch, strict=True)))[0]
