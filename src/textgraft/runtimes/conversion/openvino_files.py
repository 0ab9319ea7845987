"""OpenVINO's own files: reading ONNX, int8 through NNCF, writing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textgraft import progress
from textgraft.errors import ExportError
from textgraft.runtimes.conversion.libraries import library, quiet
from textgraft.runtimes.conversion.recipe import Batches, Recipe
from textgraft.runtimes.conversion.smoothing import STRENGTH
from textgraft.whole import scratch_folder


def read_graph(graph: Path) -> Any:
    """An ONNX network as OpenVINO's model.

    Raises:
        ExportError: it has an operator that OpenVINO does not know.
    """
    openvino = library("openvino", "Exporting to OpenVINO")
    try:
        return openvino.Core().read_model(graph)
    except Exception as error:  # its exceptions have no common base but Exception
        raise ExportError(
            f"OpenVINO cannot read this network ({_reason(str(error))}); take the runtime 'onnx' or 'torch'."
        ) from error


def _reason(message: str) -> str:
    """The operator at fault, or the first line that says something."""
    if match := re.search(r"(?:no translator found|unsupported operation|operation)[^:]*: *([\w.]+)", message, re.I):
        return f"it does not know {match[1]}"
    lines = [line.strip() for line in message.splitlines()]
    reasons = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return reasons[0].rstrip(".:") if reasons else "it gives no reason"


def quantised(model: Any, recipe: Recipe, batches: Batches) -> Any:
    """The model in int8, calibrated on the batches with outliers smoothed; skipped modules are left as they are.

    Unless the recipe wants the full range, weights use 7 bits, and products of queries with keys are left as they are:
    both sides of those use 8.

    Raises:
        ExportError: NNCF cannot quantise it.
        MissingExtraError: NNCF is not installed.
    """
    nncf = library("nncf", "Exporting in int8")
    patterns = [rf"{re.escape(module)}[./].*" for module in recipe.skipped]
    fix = nncf.OverflowFix.DISABLE if recipe.full_range else nncf.OverflowFix.ENABLE
    try:
        with quiet():
            return nncf.quantize(
                model,
                nncf.Dataset(_Samples(batches)),
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=len(batches),
                ignored_scope=nncf.IgnoredScope(
                    names=[] if recipe.full_range else unweighted_products(model), patterns=patterns
                ),
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    overflow_fix=fix, smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=STRENGTH)
                ),
            )
    except Exception as error:  # its exceptions have no common base but Exception
        raise ExportError(
            f"OpenVINO's quantiser cannot make an int8 network of this one ({_reason(str(error))}); take the runtime "
            "'onnx', or the precision 'bf16' or 'fp32'."
        ) from error


def unweighted_products(model: Any) -> list[str]:
    """The names of the matrix products neither of whose sides is a matrix of weights."""
    return [
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() == "MatMul"
        and all(side.get_node().get_type_name() != "Constant" for side in node.input_values())
    ]


class _Samples:
    """Batches as NNCF reads them: again and again, for smoothing, ranges and biases."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for ids, mask in progress.track(self._batches, "calibrating", len(self._batches)):
            yield {"input_ids": ids, "attention_mask": mask}

    def __len__(self) -> int:
        return len(self._batches)


def save_openvino(model: Any, path: Path) -> None:
    """Writes ``path``, an ``.xml``, and the ``.bin`` beside it, weights as they are; both are renamed when complete.

    The same model gives the same bytes: OpenVINO numbers nameless nodes by what the process did before.
    """
    openvino = library("openvino", "Exporting to OpenVINO")
    for i, node in enumerate(model.get_ordered_ops()):
        if node.get_type_name() not in ("Parameter", "Result"):
            node.set_friendly_name(f"{node.get_type_name()}_{i}")
    with scratch_folder(path) as folder:
        openvino.save_model(model, folder / path.name, compress_to_fp16=False)
        for name in (path.with_suffix(".bin").name, path.name):
            (folder / name).replace(path.with_name(name))
