"""What a saved model decides, chosen anew on rows that it was not trained on, and kept with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from textgraft import progress
from textgraft.artifact import load
from textgraft.artifact.locating import is_foreign
from textgraft.artifact.rebuilding import rebuild
from textgraft.dataset import Dataset
from textgraft.errors import ArtifactError, DataError
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.model_directory.files import check_place
from textgraft.model_directory.manifest import read_manifest
from textgraft.model_directory.saving import decisions
from textgraft.whole import scratch_folder
from textgraft.wording import counted

T = TypeVar("T")


def kept(model: str | Path | TextClassifier, choose: Callable[[TextClassifier], T], called: str, **changed: Any) -> T:
    """What is chosen for a fitted classifier, which is changed in place; a model directory is written anew, whole.

    Args:
        model: a model directory, or a fitted classifier.
        choose: sets what it chooses, at once where nothing fails any more.
        called: the function in Python that does this.
        changed: further fields of the manifest.

    Raises:
        ArtifactError: the model cannot be loaded or written.
    """
    if isinstance(model, TextClassifier):
        check_fitted(model)
        return choose(model)
    place = Path(model)
    place = place.resolve() if place.is_symlink() else place
    if is_foreign(place):
        raise ArtifactError(
            f"{place} was not made by textgraft and is left as it is. Load it, choose there, and save that: "
            f"textgraft.{called}(textgraft.load(...), data, ...)."
        )
    manifest = read_manifest(place)
    check_place(place)
    loaded = load(place)
    found = choose(loaded)
    changed |= decisions(loaded) | {"chosen": loaded.chosen_}
    with scratch_folder(place) as folder:
        rebuild(place, manifest, replace(manifest, **changed), loaded.facts, without=(), added=folder, to=place)
    return found


def new_rows(model: TextClassifier, data: Dataset) -> Dataset:
    """The rows that the model was not trained on, as far as that is known; says what is left out and what is not."""
    if model.seen_ is None:
        progress.say(
            "Whether the model was trained on some of these rows is not known; what is chosen holds for rows that it "
            "was not."
        )
        return data
    trained, chosen, _ = model.seen_.find(data.texts)
    if trained.all():
        raise DataError(
            f"The model was trained on all {counted(len(data), 'row')}, on which it is surer than on others; give rows "
            "that it was not trained on."
        )
    if trained.any():
        progress.say(f"{counted(int(trained.sum()), 'row')} that the model was trained on {_is(trained)} left out.")
    if chosen.any():
        progress.say(
            f"{counted(int(chosen.sum()), 'row')} {_is(chosen)} of the validation data by which the model was chosen; "
            "rows that played no part are better."
        )
    return data.select(np.flatnonzero(~trained)) if trained.any() else data


def _is(rows: Any) -> str:
    return "is" if rows.sum() == 1 else "are"
