"""Trying one recipe after the other until one makes an export that answers as the model does."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.dataset import Dataset
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import ArtifactError, DataError, ExportError
from textgraft.evaluation.parity import Attempt, Tolerance, measure, tolerance_for
from textgraft.methods import GraphClassifier, TextClassifier
from textgraft.model_directory.sample import Sample
from textgraft.runtimes import Batch, open_runtime
from textgraft.unicode import in_form

if TYPE_CHECKING:
    from textgraft.runtimes.conversion import Recipe

Target = Literal["openvino", "onnx", "web"]
Precision = Literal["auto", "int8", "bf16", "fp32"]
FEW = 30  # texts on which an export is compared: below, a share of equal labels says little
MOST_CALIBRATING = 170  # texts, a third of a sample; more change the ranges of activations little
ALONE = 32  # texts that are also predicted one by one


@dataclass(frozen=True)
class Request:
    """What export is wished for.

    Attributes:
        runtime: what shall run it.
        precision: of its matrix products.
        full_range: whether int8 weights use all 8 bits, see ``Recipe``.
        tolerance: how different its answers may be; None, and what is None in it, is usual for the precision.
    """

    runtime: Target
    precision: Precision
    full_range: bool = False
    tolerance: Tolerance | None = None


@dataclass(frozen=True)
class Material:
    """What an export is calibrated on and compared on; no text is in both."""

    calibrating: list[str]
    compared: Dataset
    source: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """The recipe that passed, its files in a folder, and all attempts."""

    recipe: Recipe
    folder: Path
    files: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    notes: tuple[str, ...]


def divide(place: Path, model: TextClassifier, data: Dataset | None, *, calibrating: bool) -> Material:
    """Divides the given texts, or the sample that the model keeps, by a hash: the order of rows plays no part."""
    given = model.checked_on_ if data is None else data.with_task(model.task_, model.fitted_on_.merged)
    if given is None or not len(given):
        raise DataError(
            f"{place} keeps no sample of validation texts, so nothing would tell whether an export answers as the "
            "model does; give labelled texts that it was not trained on: --data TABLE (data=)."
            if data is None
            else "The data given for the export has no rows; give labelled texts, 100 or more."
        )
    drawn = Sample.of(given).data.texts
    taken = set(drawn[: min(MOST_CALIBRATING, len(drawn) // 3)] if calibrating else ())
    compared = given.select([i for i, text in enumerate(given.texts) if text not in taken])
    notes = []
    if len(compared) < FEW:
        notes.append(
            f"The export was compared with the model on {len(compared)} texts only; give more with --data (data=) to "
            "be sure of it."
        )
    if data is not None and data.fingerprint == model.fitted_on_.fingerprint:
        notes.append("The texts given are those that the model was trained on; its metric on them is flattered.")
    source = "the model's sample of validation texts" if data is None else ", ".join(data.rows.files[:3])
    return Material(sorted(taken), compared, source, tuple(notes))


def first_that_passes(
    place: Path, model: GraphClassifier, material: Material, request: Request, folder: Path
) -> Accepted:
    """Tries one recipe after the other.

    Raises:
        ExportError: none passes.
    """
    graph_file = folder / "graph.onnx"
    model.graph().write_onnx(graph_file)
    calibrating = in_form(material.calibrating, model.unicode)
    batches = list(model.graph_inputs(calibrating)) if calibrating else []
    reference = _answers(model, material.compared.texts)
    attempts: list[Attempt] = []
    for recipe in _recipes(request, graph_file, batches):
        candidate = folder / str(len(attempts))
        candidate.mkdir()
        bounds = tolerance_for(recipe.precision, request.tolerance)
        attempt, files, note = _attempt(
            model, recipe, graph_file, batches, candidate, reference, material.compared, bounds
        )
        attempts.append(attempt)
        if attempt.fault is None:
            return Accepted(recipe, candidate, files, tuple(attempts), (note,) if note else ())
        progress.say(f"{recipe.name}: {attempt.fault}")
        shutil.rmtree(candidate)
    raise ExportError(
        f"No export of {place} for {request.runtime} answers as the model does, so none was kept. "
        + " ".join(f"{attempt.recipe}: {attempt.fault}" for attempt in attempts)
        + " Give more texts to compare on (--data), or allow more (--max-difference, --min-equal, --max-drop)."
    )


def _recipes(request: Request, graph: Path, batches: Sequence[Batch]) -> Iterator[Recipe]:
    """What to try; with ``"auto"`` from the lowest precision on that the runtime has for this network."""
    from textgraft.runtimes.conversion import recipes

    if request.precision != "auto":
        return recipes(request.runtime, request.precision, graph, batches, full_range=request.full_range)
    for lowest in ("int8", "bf16"):
        try:
            return recipes(request.runtime, lowest, graph, batches, full_range=request.full_range)
        except ExportError as error:
            progress.say(str(error))
    return recipes(request.runtime, "fp32", graph, batches)


def _attempt(
    model: GraphClassifier,
    recipe: Recipe,
    graph: Path,
    batches: Sequence[Batch],
    folder: Path,
    reference: tuple[NDArray[np.float32], float],
    compared: Dataset,
    bounds: Tolerance,
) -> tuple[Attempt, tuple[str, ...], str]:
    """Makes one export and compares it; also its files, and a remark on how it was computed here."""
    from textgraft.runtimes.conversion import convert

    try:
        files = convert(graph, recipe, folder, batches)
        runtime = open_runtime(recipe.runtime, recipe.precision, folder, files)
        exported = model.through(runtime)
    except (ExportError, ArtifactError) as error:  # what this recipe cannot, a better precision may
        return Attempt(recipe.name, recipe.precision, 0, bounds, None, str(error)), (), ""
    before, speed_before = reference
    after, speed = _answers(exported, compared.texts)
    after = _worse(before, after, exported, compared.texts[:ALONE])
    parity = measure(
        before, after, model.task_, model.decision, compared.targets, speed_before=speed_before, speed_after=speed
    )
    size = sum((folder / name).stat().st_size for name in files)
    note = ""
    if runtime.precision != recipe.precision:
        note = (
            f"This processor has no {recipe.precision}: the export was compared as it runs here, in "
            f"{runtime.precision}. Export it again where it shall run, to be sure of it."
        )
    return Attempt(recipe.name, recipe.precision, size, bounds, parity, parity.fault(bounds)), files, note


def _answers(model: TextClassifier, texts: list[str]) -> tuple[NDArray[np.float32], float]:
    """(n, k) probabilities, and texts a second, the first call aside, which loads and compiles."""
    with without_cache():  # vectors on disk may come from an earlier attempt
        model.predict_proba(texts[:1])
        start = time.perf_counter()
        probabilities = model.predict_proba(texts)
    return probabilities, len(texts) / max(time.perf_counter() - start, 1e-9)


def _worse(
    before: NDArray[np.float32], after: NDArray[np.float32], model: TextClassifier, texts: list[str]
) -> NDArray[np.float32]:
    """The answers ``after``; of the first texts those that they get alone, where these are further from ``before``.

    An export that minds what else is in a batch, such as padding that is not masked or a range of int8 that is taken
    from all of it, answers differently alone.
    """
    with without_cache():
        alone = np.concatenate([model.predict_proba([text]) for text in texts])
    n = len(alone)
    further = ~(np.abs(alone - before[:n]).max(axis=1) <= np.abs(after[:n] - before[:n]).max(axis=1))
    result = after.copy()
    result[:n][further] = alone[further]
    return result
