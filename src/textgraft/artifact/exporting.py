"""Exporting a model to another runtime: made, compared with the model on real texts, and kept only if it answers alike.

Whatever is tried, whether it was taken and why not, stands in ``parity.json`` beside the export.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from textgraft.artifact.attempts import Precision, Request, Target, divide, first_that_passes
from textgraft.artifact.foreign import load_foreign
from textgraft.artifact.loading import load, needs_no_export, unfitted
from textgraft.artifact.locating import is_foreign
from textgraft.artifact.rebuilding import rebuild
from textgraft.dataset import Dataset
from textgraft.errors import ArtifactError, ExportError, SettingError, did_you_mean
from textgraft.evaluation.parity import Attempt, Tolerance
from textgraft.hardware import INSTRUCTIONS, lacking
from textgraft.methods import GraphClassifier
from textgraft.model_directory import save
from textgraft.model_directory.files import check_place
from textgraft.model_directory.manifest import Export, Manifest, read_manifest, versions
from textgraft.model_directory.sample import FILE as SAMPLE
from textgraft.model_directory.seen import FILE as SEEN
from textgraft.runtimes import check_runtime
from textgraft.unicode import escaped_in_json, quoted
from textgraft.web import FILE as WEB
from textgraft.web import onnxruntime_files, write_page
from textgraft.whole import scratch_folder, whole_folder

TARGETS: tuple[Target, ...] = ("openvino", "onnx", "web")
PRECISIONS: tuple[Precision, ...] = ("auto", "int8", "bf16", "fp32")
FILE = "parity.json"
INT8_NOTE = (
    "int8 rounds a little differently in each browser: nearly all texts keep their labels, and probabilities move by "
    "up to 0.1. With --precision fp32 (precision='fp32') they are within 1e-5, and the page is four times as large."
)
KEPT = {SAMPLE, SEEN}  # for exports and evaluations to come, and not for those whom the model is shipped to
TORCH_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?")  # as transformers names them


@dataclass(frozen=True)
class Outcome:
    """What ``export`` did.

    Attributes:
        directory: where the export is.
        runtime: what runs it.
        asked: the precision that was asked for.
        precision: the one that it has.
        recipe: how it was made.
        needs: the instructions without which it answers otherwise.
        files: the names of its files.
        attempts: all recipes that were tried; the last one was taken.
        calibrated_on: texts from which int8 took the ranges of its activations; none of them was compared on.
        compared_on: which texts were compared, for people.
        notes: sentences that a user should see.
    """

    directory: Path
    runtime: str
    asked: str
    precision: str
    recipe: str
    needs: tuple[str, ...]
    files: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    calibrated_on: int
    compared_on: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, as it stands in ``parity.json``."""
        content = asdict(self) | {"attempts": [attempt.to_dict() for attempt in self.attempts]}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in content.items() if k != "directory"}


def export(
    directory: str | Path,
    *,
    runtime: Target = "openvino",
    precision: Precision = "auto",
    full_range: bool = False,
    data: Dataset | None = None,
    tolerance: Tolerance | None = None,
    to: str | Path | None = None,
) -> Outcome:
    """Adds to a model directory the model's network in a form that runs without torch, and fast.

    The export is compared with the model itself, computed by torch in fp32: both read the same texts from end to end,
    tokenising, windows, calibration and thresholds included. Where it answers too differently, the next better
    recipe is tried: more of the network in a higher precision, in the end all of it. If none passes, nothing is kept.

    An earlier export for the same runtime and precision is replaced, and one whose precision fails now is taken out.

    Args:
        directory: of a model.
        runtime: ``"openvino"``, the faster one on x86 and Arm, or ``"onnx"`` for ONNX Runtime; or ``"web"``: a folder
            with a page that computes the model in a browser, a network by its export for ONNX Runtime. Nothing is
            fetched when the page runs. The model directory stays as it is.
        precision: ``"int8"``, ``"bf16"`` or ``"fp32"`` of the matrix products; ``"auto"`` is int8 where that passes,
            and the next better precision that does where not.
        full_range: int8 whose weights use all 8 bits in place of 7: a little more accurate, and alike only on
            processors that cut off no sums of bytes (on x86 those with VNNI). Others neither make nor run it.
        data: labelled texts to compare on, not those of training; None takes the sample that the model keeps. int8 is
            calibrated on up to 170 of them, at most a third, and compared on the others.
        tolerance: how different answers may be; None, and what is None in it, is usual for the precision.
        to: make a new directory for shipping instead: without the weights for torch, the sample of texts
            and the hashes of those that it was trained on. A page is always shipped; None is ``DIR.web``.

    Raises:
        ExportError: no recipe passes, an operator has no translation, or the method has nothing to export.
        ArtifactError: ``directory`` is no model, or cannot be written to.
        DataError: there are no texts to compare on, or they carry labels that the model does not have.
        SettingError: an unknown runtime or precision, ``full_range`` of what is not int8 or on a processor without
            such instructions, or ``to`` is the model itself.
        MissingExtraError: a library for writing or running exports is not installed.
    """
    place = Path(directory)
    place = place.resolve() if place.is_symlink() else place  # the directory is replaced, not what leads to it
    request = Request(runtime, precision, full_range, tolerance)
    _check_request(request)
    if runtime == "web":
        return _page(place, request, data, place.with_name(f"{place.name}.web") if to is None else Path(to))
    target = place if to is None else Path(to)
    _check_source(place, shipped=to is not None)
    _check_target(place, target, shipped=to is not None)
    try:
        with scratch_folder(target) as folder:  # on the same disk
            source, manifest, model = _opened(place, folder)
            material = divide(place, model, data, calibrating=precision in ("auto", "int8"))
            accepted = first_that_passes(place, model, material, request, folder)
            outcome = Outcome(
                directory=target,
                runtime=runtime,
                asked=precision,
                precision=accepted.recipe.precision,
                recipe=accepted.recipe.name,
                needs=accepted.recipe.needs,
                files=accepted.files,
                attempts=accepted.attempts,
                calibrated_on=len(material.calibrating),
                compared_on=material.source,
                notes=(*material.notes, *accepted.notes),
            )
            model.write_for_runtime(accepted.folder)
            changed, dropped = _changed(manifest, outcome, shipped=to is not None)
            outcomes = [*_earlier_outcomes(source, changed.exports[:-1]), outcome.to_dict()]
            content = {"exports": outcomes, "versions": versions()}
            text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
            (accepted.folder / FILE).write_text(escaped_in_json(text), "utf-8")
            rebuild(source, manifest, changed, model.facts, without=dropped, added=accepted.folder, to=target)
    except OSError as error:
        raise ArtifactError(f"The export could not be written in {target}: {error.strerror or error}.") from error
    return outcome


def _check_request(request: Request) -> None:
    for name, value, known in (("runtime", request.runtime, TARGETS), ("precision", request.precision, PRECISIONS)):
        if value not in known:
            raise SettingError(
                f"{name} of an export must be one of {', '.join(map(quoted, known))}; got {quoted(value)}."
                f"{did_you_mean(str(value), known)}"
            )
    if request.runtime != "openvino" and request.precision == "bf16":
        raise SettingError(
            "ONNX Runtime computes no bf16 on processors; take precision 'fp32' or 'int8' for it, or runtime "
            "'openvino' for bf16."
        )
    if request.full_range and request.precision not in ("auto", "int8"):
        raise SettingError(
            f"The full range is for int8, and precision is {quoted(request.precision)}; leave out --full-range "
            "(full_range=)."
        )
    if request.full_range and request.runtime == "web":
        raise SettingError("A page runs on processors of any kind; leave out --full-range (full_range=).")
    if request.full_range and lacking(INSTRUCTIONS):
        raise SettingError(
            "This processor has no VNNI instructions, without which int8 in full range answers otherwise; leave out "
            "--full-range (full_range=)."
        )
    if request.runtime != "web":  # which a model without a network needs none for
        check_runtime(request.runtime)


def _check_source(place: Path, *, shipped: bool) -> None:
    """Raises where there is no model whose network can be exported, as far as its directory tells."""
    if is_foreign(place):
        if not shipped:
            raise ArtifactError(
                f"{place} was not made by textgraft and is left as it is; give a new directory for the export with "
                "--to (to=)."
            )
        return
    model = unfitted(place, read_manifest(place))
    if not model.has_graph:
        raise ExportError(needs_no_export(place, model))


def _page(place: Path, request: Request, data: Dataset | None, target: Path) -> Outcome:
    """Writes the page of a model; what a browser cannot compute is refused before any export is made."""
    if place.resolve() in (target.resolve(), *target.resolve().parents):
        raise SettingError(f"{target} is the model itself or lies in it; give another folder for the page.")
    if not (target / WEB).is_file():  # an earlier page is replaced
        check_place(target)
    model = load(place, runtime="torch")
    if not model.has_graph and (request.precision != "auto" or data is not None or request.tolerance):
        raise SettingError(
            f"A page of the method {quoted(model.method)} computes with the model's own numbers, so there is nothing "
            "to choose or to compare; leave out --precision, --data and the bounds (precision=, data=, tolerance=)."
        )
    facts, runtime = model.for_web(), onnxruntime_files() if model.has_graph else []
    try:
        with whole_folder(target) as folder:
            if model.has_graph:
                precision, tolerance = request.precision, request.tolerance
                outcome = export(
                    place, runtime="onnx", precision=precision, data=data, tolerance=tolerance, to=folder / "model"
                )
                notes = (*outcome.notes, INT8_NOTE) if outcome.precision == "int8" else outcome.notes
                outcome = replace(outcome, directory=target, runtime="web", notes=notes)
            else:
                manifest = read_manifest(place)
                with scratch_folder(target) as nothing:
                    rebuild(place, manifest, manifest, model.facts, without=KEPT, added=nothing, to=folder / "model")
                outcome = Outcome(target, "web", request.precision, "fp32", "as it is", (), (), (), 0, "", ())
            write_page(folder, facts, runtime)
    except OSError as error:
        raise ArtifactError(f"The page could not be written in {target}: {error.strerror or error}.") from error
    return outcome


def _check_target(place: Path, target: Path, *, shipped: bool) -> None:
    """Before anything is computed: can the result be written?"""
    if shipped and place.resolve() in (target.resolve(), *target.resolve().parents):
        raise SettingError(f"{target} is the model itself or lies in it; give another directory to ship.")
    check_place(target)
    if target.exists() and not os.access(target, os.W_OK):
        raise ArtifactError(
            f"{target} is read-only, so the export cannot be put there; make it writable, or give another directory "
            "with --to (to=)."
        )


def _opened(place: Path, folder: Path) -> tuple[Path, Manifest, GraphClassifier]:
    """A directory in textgraft's form, its manifest, and the model itself.

    That is computed by torch on its own weights, in fp32 whatever it was trained in. A foreign model is first saved in
    textgraft's form.
    """
    if is_foreign(place):
        foreign = load_foreign(place, precision="fp32")
        saved = save(foreign, folder / "saved", keep_sample=False)
        return saved, read_manifest(saved), foreign
    manifest = read_manifest(place)
    model = load(place, runtime="torch")
    assert isinstance(model, GraphClassifier)  # as its method is
    for part in model.parts():
        if getattr(part, "precision", "fp32") != "fp32":
            part.set_params(precision="fp32")
            part.read_state(place)
    return place, manifest, model


def _changed(manifest: Manifest, outcome: Outcome, *, shipped: bool) -> tuple[Manifest, set[str]]:
    """The manifest with the export, the last of its list; and the names of files that are no longer needed."""
    new = Export(outcome.runtime, outcome.precision, outcome.recipe, outcome.files, outcome.needs)
    tried = {attempt.precision for attempt in outcome.attempts}
    earlier = manifest.exported()
    replaced = [old for old in earlier if shipped or (old.runtime == new.runtime and old.precision in tried)]
    exports = [asdict(export) for export in [*(old for old in earlier if old not in replaced), new]]
    dropped = {name for old in replaced for name in old.files}
    if shipped:
        dropped |= {name for name in manifest.files if name in KEPT or TORCH_WEIGHTS.fullmatch(name)}
    return replace(manifest, exports=exports, weights=manifest.weights and not shipped), dropped


def _earlier_outcomes(place: Path, exports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What ``parity.json`` says of the exports that stay."""
    if not exports or not (place / FILE).exists():
        return []
    staying = {(export["runtime"], export["precision"]) for export in exports}
    try:
        outcomes = json.loads((place / FILE).read_text("utf-8"))["exports"]
        return [outcome for outcome in outcomes if (outcome["runtime"], outcome["precision"]) in staying]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{place / FILE} is damaged: {error}.") from None
