"""Writing a fitted classifier as a model directory, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from textgraft.decision import Abstention
from textgraft.errors import ArtifactError
from textgraft.model_directory.files import check_place, description
from textgraft.model_directory.manifest import Manifest, versions
from textgraft.model_directory.method import Saveable
from textgraft.model_directory.sample import Sample
from textgraft.training import processes
from textgraft.whole import whole_folder


def save(
    model: Saveable, directory: str | Path, *, evaluation: dict[str, Any] | None = None, keep_sample: bool = True
) -> Path:
    """Writes a fitted classifier as a directory of ``textgraft.json`` and weights.

    It is written beside its place and renamed, so a directory is there whole or not at all; an earlier model of the
    same name is replaced. Of several processes that train together the first one writes.

    Args:
        model: a fitted classifier.
        directory: where to; parent folders are made.
        evaluation: metrics on test data to keep with it, as ``Evaluation.to_dict`` gives them.
        keep_sample: whether to keep up to 512 validation texts with it, on which an export can be checked, and short
            hashes of the texts that it was given, by which an evaluation knows them.

    Raises:
        ArtifactError: the place is taken by something that is not a model, or cannot be written to; or the model was
            loaded from an export, which does not hold its weights.
    """
    # It loads the evaluation, which a model that predicts does without.
    from textgraft.model_directory.card import write_card

    place = Path(directory)
    check_place(place)
    if model.runtime_ is not None:
        raise ArtifactError(
            f"This model runs an export ({model.export_ or model.runtime_.name}) and does not hold its "
            "weights; copy its directory, or load it with runtime='torch' and save that."
        )
    if processes.rank() > 0:
        return place
    with new_directory(place) as folder:
        model.write_state(folder)
        if keep_sample and model.checked_on_ is not None:
            Sample.of(model.checked_on_).write(folder)
        if keep_sample and model.seen_ is not None:
            model.seen_.write(folder)
        if model.sketch_ is not None:
            model.sketch_.write(folder)
        manifest = Manifest(
            method=model.method,
            parameters=model.kept_params,
            task=asdict(model.task_),
            classes={"values": model.classes_.tolist(), "dtype": model.classes_.dtype.str},
            label_form=model.label_form_,
            thresholds=[float(t) for t in model.thresholds_],
            costs=None if model.costs_ is None else model.costs_.tolist(),
            abstention=model.abstention_.to_dict() if model.abstention_ != Abstention() else None,
            chosen=model.chosen_,
            fitted_on=asdict(model.fitted_on_),
            evaluation=evaluation,
            versions=versions(),
            files={path.name: description(path) for path in sorted(folder.iterdir())},
        )
        manifest = write_card(manifest, model.facts, folder, place.absolute().name, [place])
        manifest.write(folder)
    model.saved()
    return place


@contextmanager
def new_directory(place: Path) -> Iterator[Path]:
    """A new folder that takes the place of a model directory when the block ends well, and is deleted if not.

    Raises:
        ArtifactError: it cannot be written.
    """
    place = place.absolute()
    try:
        with whole_folder(place) as folder:
            yield folder
    except (SafetensorError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArtifactError(f"The model could not be saved in {place}: {reason}.") from error
