"""Ways to make an export, from what was asked for to ones that lose less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from textgraft.errors import ExportError, SettingError, did_you_mean
from textgraft.runtimes.conversion.libraries import library
from textgraft.runtimes.conversion.recipe import Batches, Recipe
from textgraft.runtimes.openvino_runtime import has_bf16
from textgraft.unicode import quoted

RUNTIMES = ("onnx", "openvino")
PRECISIONS = ("fp32", "bf16", "int8")


def recipes(
    runtime: str, precision: str, graph: Path, batches: Batches, *, full_range: bool = False
) -> Iterator[Recipe]:
    """The recipes to try one after the other until one is good enough; the last one is fp32.

    Which layers int8 hurts most is measured when the first recipe that leaves some of them out is asked for.

    Args:
        runtime: ``"onnx"`` or ``"openvino"``.
        precision: what is wished for.
        graph: the network as ``Graph.write_onnx`` writes it.
        batches: padded batches of texts as the network takes them, to calibrate on.
        full_range: whether int8 weights use all 8 bits, see ``Recipe``.

    Raises:
        SettingError: there is no such runtime or precision.
        ExportError: the runtime cannot compute this network in this precision on this processor.
        MissingExtraError: a package of the extra ``export`` is missing.
    """
    for name, value, allowed in (("runtime", runtime, RUNTIMES), ("precision", precision, PRECISIONS)):
        if value not in allowed:
            raise SettingError(
                f"{name} of an export must be one of {', '.join(map(quoted, allowed))}; got {quoted(value)}."
                f"{did_you_mean(str(value), allowed)}"
            )
    if precision == "bf16" and runtime == "onnx":
        raise ExportError(
            "ONNX Runtime has no bf16 on CPUs; take the runtime 'openvino' for bf16, or the precision 'int8' or 'fp32'."
        )
    if precision == "bf16" and not has_bf16():
        raise ExportError("This processor has no instructions for bf16; take the precision 'int8' or 'fp32'.")
    if precision != "int8":
        return iter([Recipe(runtime, name) for name in dict.fromkeys((precision, "fp32"))])
    return _int8(runtime, graph, batches, _recurrent(runtime, graph, batches), full_range)


def _recurrent(runtime: str, graph: Path, batches: Batches) -> bool:
    """Whether the network is a recurrent one; see ``recipes`` for what is refused."""
    onnx = library("onnx", "Exporting in int8")
    kinds = {node.op_type for node in onnx.load(graph, load_external_data=False).graph.node}
    cell = next((kind for kind in ("GRU", "LSTM") if kind in kinds), None)
    if cell is not None and (runtime, cell) != ("onnx", "LSTM"):
        title, other = {"onnx": ("ONNX Runtime", "openvino"), "openvino": ("OpenVINO", "onnx")}[runtime]
        instead = "the runtime 'onnx', or " if (other, cell) == ("onnx", "LSTM") else ""
        raise ExportError(f"{title} computes no {cell} in int8; take {instead}the precision 'fp32'.")
    if cell is None and runtime == "openvino" and not batches:
        raise ExportError("int8 with OpenVINO is calibrated on texts, and there are none; give some.")
    return cell is not None


def _int8(runtime: str, graph: Path, batches: Batches, recurrent: bool, full_range: bool) -> Iterator[Recipe]:
    if runtime == "onnx":
        yield Recipe(runtime, "int8", full_range=full_range)
    if batches and not recurrent:
        static = Recipe(runtime, "int8", calibrated=True, full_range=full_range)
        yield static
        from textgraft.runtimes.conversion.sensitivity import most_sensitive

        ranked = most_sensitive(graph, batches)
        for count in sorted({round(len(ranked) / 4), round(len(ranked) / 2)} - {0}):
            yield replace(static, skipped=tuple(sorted(ranked[:count], key=_by_number)))
    if runtime == "openvino" and has_bf16():
        yield Recipe(runtime, "bf16")
    yield Recipe(runtime, "fp32")


def _by_number(layer: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", layer)]
