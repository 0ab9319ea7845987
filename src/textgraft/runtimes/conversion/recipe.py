"""One way to make an export, and the texts that it is calibrated on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textgraft.runtimes.running import Batch

Batches = Sequence[Batch]


@dataclass(frozen=True)
class Recipe:
    """One way to make an export.

    Attributes:
        runtime: ``"onnx"`` or ``"openvino"``.
        precision: of the matrix products: ``"fp32"``, ``"bf16"`` or ``"int8"``.
        calibrated: int8 whose ranges are measured beforehand, on texts (static), not batch by batch (dynamic). Then the
            texts beside one do not change its answer.
        skipped: the modules that an int8 network leaves unquantised, such as ``encoder.layer.3``. ONNX Runtime computes
            them in fp32, OpenVINO in bf16 where the processor has it.
    """

    runtime: str
    precision: str
    calibrated: bool = False
    skipped: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people: ``"int8, static, 2 layers left out"``."""
        if self.precision != "int8":
            return self.precision
        parts = ["int8", "static" if self.calibrated else "dynamic"]
        if self.skipped:
            parts.append(f"{len(self.skipped)} layer{'s' * (len(self.skipped) > 1)} left out")
        return ", ".join(parts)
