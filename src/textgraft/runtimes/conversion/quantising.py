"""ONNX files in int8: matrix products with weights, and embedding tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textgraft.errors import ExportError
from textgraft.runtimes.conversion.libraries import library, quiet
from textgraft.runtimes.conversion.onnx_files import clean, save, weighted_products
from textgraft.runtimes.conversion.recipe import Batches, Recipe
from textgraft.runtimes.conversion.shrinking import shrink_tables
from textgraft.runtimes.conversion.smoothing import channel_maxima, smooth
from textgraft.whole import temporary_folder


def write_int8(graph: Path, recipe: Recipe, batches: Batches, path: Path) -> None:
    """Writes an ONNX network in int8.

    Weights have a scale for each column, what they are multiplied with has one in all: that of the batch (dynamic), or
    one that was measured on ``batches`` after outliers were tamed (static). Products of queries with keys and of
    attention with values stay in fp32; they are few, and converting to and from int8 costs what they would save.
    Weights use 7 bits unless the recipe wants the full range.

    Raises:
        ExportError: there is nothing to quantise.
    """
    onnx = library("onnx", "Exporting in int8")
    model = onnx.load(graph)
    products = _products(model, recipe.skipped)
    if not products:
        raise ExportError("The network has no matrix product that int8 could make faster; take the precision 'fp32'.")
    if recipe.calibrated:
        smoothed = smooth(model, products, channel_maxima(model, products, batches))
        static(smoothed, products, batches, path, recipe.full_range)
    else:
        dynamic(model, products, path, recipe.full_range)
    save(clean(shrink_tables(onnx.load(path))), path)


def _products(model: Any, skipped: Sequence[str]) -> list[str]:
    """The names of the nodes that int8 makes faster: those of heads, Gemm, read one row per text and do not count."""
    kinds = {node.name: node.op_type for node in model.graph.node}
    chosen = [name for name in weighted_products(model) if kinds[name] == "MatMul"]
    chosen += [name for name, kind in kinds.items() if kind == "LSTM"]
    return [name for name in chosen if not any(name.startswith((f"{layer}.", f"{layer}/")) for layer in skipped)]


def dynamic(model: Any, products: Sequence[str], path: Path, full_range: bool) -> None:
    """Writes the model with the products in int8, the range of what they read taken from each batch."""
    quantization = library("onnxruntime.quantization", "Exporting in int8")
    with quiet():
        quantization.quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul", "LSTM"],
            nodes_to_quantize=list(products),
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            reduce_range=not full_range,
        )


def static(model: Any, products: Sequence[str], batches: Batches, path: Path, full_range: bool) -> None:
    """Writes the model with the products in int8, the range of what they read measured on the batches.

    What a product gives is left in fp32: quantising that as well costs accuracy (on all-MiniLM-L6-v2 a cosine of 0.93
    in place of 0.99) and brings no speed.
    """
    quantization = library("onnxruntime.quantization", "Exporting in int8")

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc,name-defined]
        """The batches, in the form that ONNX Runtime reads them."""

        def __init__(self) -> None:
            self._left = iter(batches)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self._left, None)
            return None if batch is None else {"input_ids": batch[0], "attention_mask": batch[1]}

    with temporary_folder() as folder, quiet():
        whole = folder / "model.onnx"
        save(model, whole)
        quantization.quantize_static(
            whole,
            path,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=list(products),
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            activation_type=quantization.QuantType.QUInt8,
            reduce_range=not full_range,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )
