"""OpenVINO on a CPU: the fastest of them on x86 and Arm, with bf16 and int8 where the processor has them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.errors import ArtifactError
from textgraft.extras import library
from textgraft.hardware import BELOW_AVX512, onednn_limit, threads
from textgraft.runtimes.openvino_file import MOST_BYTES, MOST_WEIGHTS, check_openvino
from textgraft.runtimes.running import INPUTS, OUTPUT, Batch, FileRuntime, Floats, read_file

_TYPES = {"i64": "int64", "f32": "float32"}
_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


def has_bf16() -> bool:
    """Whether the processor multiplies bf16, and OpenVINO may do so."""
    openvino = library("openvino", "Running a model with OpenVINO", "openvino")
    capable = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    # It knows of no such limit, and finds nothing that computes what it then asks for.
    return capable and onednn_limit() not in (*BELOW_AVX512, "AVX2_VNNI", "AVX2_VNNI_2")


class OpenVinoRuntime(FileRuntime):
    """A network in OpenVINO's own form.

    Args:
        path: of the ``.xml``; the ``.bin`` of the same name holds the weights. Both are read whole.
        precision: of the matrix products. A processor without bf16 computes ``"bf16"`` in fp32.

    Raises:
        ArtifactError: OpenVINO cannot read them, or they ask for more than a network of weights in the ``.bin``.
    """

    name = "openvino"
    library = "OpenVINO"

    def __init__(self, path: Path, precision: str) -> None:
        self._text = read_file(path, MOST_BYTES)
        self._weights = read_file(path.with_suffix(".bin"), MOST_WEIGHTS)
        check_openvino(self._text, self._weights, str(path))
        self._asked = precision
        super().__init__(path)

    @property
    def precision(self) -> str:
        """What it is really computed in."""
        return "fp32" if self._asked == "bf16" and not self._bf16 else self._asked

    @property
    def streams(self) -> int:
        """Batches that are computed at the same time.

        Small batches leave a second thread half idle, so two cores compute two of them: half as many texts again a
        second. Streams of more threads where there are more cores, since a single text is computed by one.
        """
        return min(threads(), max(2, threads() // 4))

    def _open(self) -> Any:
        openvino = library("openvino", "Running a model with OpenVINO", "openvino")

        core = openvino.Core()
        self._bf16 = has_bf16()
        # What an int8 network leaves unquantised is computed in bf16 where the processor has it: with a third of the
        # layers left out, fp32 would cost what int8 brings.
        rest = ("bf16" if self._bf16 else "fp32") if self.precision == "int8" else self.precision
        settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[rest],
            "NUM_STREAMS": self.streams,
            "INFERENCE_NUM_THREADS": threads(),
            "ENABLE_CPU_PINNING": False,  # other threads and processes want these cores too
        }
        try:
            model = core.read_model(self._text, openvino.Tensor(np.frombuffer(self._weights, np.uint8)))
            inputs, outputs = (
                {name: _type(part) for part in parts for name in sorted(part.get_names())[:1]}
                for parts in (model.inputs, model.outputs)
            )
            compiled = core.compile_model(model, "CPU", settings)
        except Exception as error:  # its exceptions have no common base but Exception
            raise ArtifactError(self._unusable("read", error)) from error
        self._check_names(inputs, outputs)
        # Twice as many as are computed at a time, so that no stream waits while an output is taken. Not its queue of
        # requests, which raises the error of one batch for every later one.
        return [compiled.create_infer_request() for _ in range(2 * self.streams)]

    def _run_each(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Floats]]:
        running, idle = deque[tuple[int, Any]](), deque(self._opened)
        try:
            for place, batch in enumerate(batches):
                if not idle:
                    yield _done(running, idle)
                request = idle.popleft()
                running.append((place, request))
                request.start_async(dict(zip(INPUTS, batch, strict=True)))
            while running:
                yield _done(running, idle)
        except Exception:
            _end(running)
            self._opened = self._open()  # a network that failed on one batch may fail on the next
            raise
        finally:
            _end(running)


def _end(running: deque[tuple[int, Any]]) -> None:
    """Of what failed, or is no longer asked for, nothing runs on."""
    for _, request in running:
        with suppress(Exception):
            request.wait()


def _done(running: deque[tuple[int, Any]], idle: deque[Any]) -> tuple[int, Floats]:
    """Waits for the batch that was begun first, and copies its output: a request's memory is the next batch's."""
    place, request = running[0]
    request.wait()
    output: Floats = request.get_tensor(OUTPUT).data.copy()
    running.popleft()
    idle.append(request)
    return place, output


def _type(part: Any) -> str:
    name = str(part.get_element_type().get_type_name())
    return _TYPES.get(name, name)
