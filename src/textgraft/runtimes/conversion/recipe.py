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
        full_range: int8 whose weights use all 8 bits; else they use 7. Without VNNI, x86 processors sum products of
            two unsigned and two signed bytes in 16 bits: 2 x 255 x 127 does not fit and is cut off, 2 x 255 x 64 does.
            With 7 bits answers are alike on all processors, and were compared with the model for all of them.
    """

    runtime: str
    precision: str
    calibrated: bool = False
    skipped: tuple[str, ...] = ()
    full_range: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """The instructions without which it answers otherwise; see ``hardware.lacking``."""
        return ("vnni",) if self.full_range else ()

    @property
    def name(self) -> str:
        """For people: ``"int8, static, 2 layers left out"``."""
        if self.precision != "int8":
            return self.precision
        parts = ["int8", "static" if self.calibrated else "dynamic"]
        if self.skipped:
            parts.append(f"{len(self.skipped)} layer{'s' * (len(self.skipped) > 1)} left out")
        if self.full_range:
            parts.append("full range")
        return ", ".join(parts)
