"""From an ONNX network in fp32 and a recipe to the files of an export."""

from __future__ import annotations

import shutil
from pathlib import Path

from textgraft.errors import ArtifactError, ExportError
from textgraft.runtimes import open_runtime
from textgraft.runtimes.conversion.openvino_files import quantised, read_graph, save_openvino
from textgraft.runtimes.conversion.quantising import write_int8
from textgraft.runtimes.conversion.recipe import Batches, Recipe
from textgraft.unicode import quoted


def convert(graph: Path, recipe: Recipe, folder: Path, batches: Batches) -> tuple[str, ...]:
    """Writes the files of an export into ``folder``; what is there under their names is replaced.

    The bf16 of OpenVINO is how it computes, so that its files hold fp32 weights.

    Args:
        graph: the network as ``Graph.write_onnx`` writes it.
        recipe: one of ``recipes``.
        folder: must be there.
        batches: padded batches of texts, of which a calibrated recipe needs at least one.

    Returns:
        The files' names: ``onnx-int8.onnx``, or ``openvino-int8.xml`` and ``openvino-int8.bin``.

    Raises:
        ExportError: the runtime cannot read the network, or not in this precision; nothing is left behind then.
        MissingExtraError: a package of the extra ``export`` is missing.
    """
    stem = f"{recipe.runtime}-{recipe.precision}"
    files: tuple[str, ...]
    if recipe.runtime == "onnx":
        files = (f"{stem}.onnx",)
        if recipe.precision == "int8":
            write_int8(graph, recipe, batches, folder / files[0])
        else:
            shutil.copyfile(graph, folder / files[0])
    else:
        files = (f"{stem}.xml", f"{stem}.bin")
        model = read_graph(graph)
        if recipe.precision == "int8":
            model = quantised(model, recipe, batches)
        save_openvino(model, folder / files[0])
    _check_opens(recipe, folder, files)
    return files


def _check_opens(recipe: Recipe, folder: Path, files: tuple[str, ...]) -> None:
    """Raises ExportError, and leaves no file, if the runtime finds an operator that it cannot compute."""
    try:
        open_runtime(recipe.runtime, recipe.precision, folder, files)
    except ArtifactError as error:
        for name in files:
            (folder / name).unlink()
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        other = {"onnx": "openvino", "openvino": "onnx"}[recipe.runtime]
        raise ExportError(
            f"{recipe.runtime} cannot compute this network ({reason}); take the runtime {quoted(other)} or 'torch'."
        ) from error
