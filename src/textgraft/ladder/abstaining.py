"""When a model should abstain, chosen on rows that it was not trained on, and kept with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from textgraft import progress
from textgraft.artifact import load
from textgraft.artifact.locating import is_foreign
from textgraft.artifact.rebuilding import rebuild
from textgraft.dataset import Dataset
from textgraft.decision import Abstention, Scope, confidence
from textgraft.errors import ArtifactError, DataError, SettingError
from textgraft.evaluation.abstaining import abstention_for, choose_scope, choose_sets
from textgraft.evaluation.inputs import check_predictions
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.evaluating import check_size
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import Share, refuse
from textgraft.methods.estimator import check_fitted
from textgraft.model_directory.files import check_place
from textgraft.model_directory.manifest import read_manifest
from textgraft.whole import scratch_folder
from textgraft.wording import counted


@dataclass(frozen=True)
class Wanted:
    """What is to be chosen; see ``abstain``."""

    accuracy: float | None
    coverage: float | None
    by_label: bool
    false_alarms: float | None

    def check(self) -> None:
        """Raises SettingError unless something can be chosen."""
        given = [(name, value) for name, value in vars(self).items() if name != "by_label" and value is not None]
        refuse([fault for name, value in given for fault in Share().faults(name, value)])
        if not given:
            raise SettingError(
                "Nothing is to be chosen: say the wanted accuracy of answers with --accuracy 0.97 (accuracy=), the "
                "coverage of sets of possible labels with --coverage 0.95 (coverage=), or the share of false alarms "
                "among texts in scope with --false-alarms 0.05 (false_alarms=)."
            )
        if self.by_label and self.coverage is None:
            raise SettingError("by_label is about sets of possible labels; say --coverage 0.95 (coverage=0.95) too.")


def abstain(
    model: str | Path | TextClassifier,
    data: Data,
    labels: Labels | None = None,
    *,
    accuracy: float | None = None,
    coverage: float | None = None,
    by_label: bool = False,
    false_alarms: float | None = None,
) -> Abstention:
    """Chooses when a fitted classifier gives no answer, and which labels are possible besides, and keeps it with it.

    Rows that the model was trained on are left out, as far as it keeps which texts it was given. What was chosen
    earlier, and is not asked for now, stays. See ``evaluation.abstaining`` for what is guaranteed.

    Args:
        model: a model directory, which is written anew, whole; or a fitted classifier, which is changed in place.
        data: rows that it was not trained on: a Dataset, texts with their ``labels``, or (text, label) pairs.
        labels: of the texts.
        accuracy: that answers shall have.
        coverage: the share of texts whose true labels shall be in their sets.
        by_label: whether that shall hold for the texts of each label, rather than for all together.
        false_alarms: the share of texts like these that may be called out of scope.

    Raises:
        SettingError: nothing is asked for, or what is no share; or the accuracy cannot be reached on these rows.
        DataError: all rows were trained on, or are too few, or have labels that the model does not have.
        ArtifactError: the model cannot be loaded or written.
    """
    wanted = Wanted(accuracy, coverage, by_label, false_alarms)
    wanted.check()
    if isinstance(model, TextClassifier):
        check_fitted(model)
        model.abstention_ = _chosen(model, data, labels, wanted)
        return model.abstention_
    place = Path(model)
    place = place.resolve() if place.is_symlink() else place
    if is_foreign(place):
        raise ArtifactError(
            f"{place} was not made by textgraft and is left as it is. Load it, choose there, and save that: "
            "textgraft.abstain(textgraft.load(...), data, ...)."
        )
    manifest = read_manifest(place)
    check_place(place)
    loaded = load(place)
    found = _chosen(loaded, data, labels, wanted)
    changed = replace(manifest, abstention=found.to_dict())
    with scratch_folder(place) as folder:
        rebuild(place, manifest, changed, loaded.facts, without=(), added=folder, to=place)
    return found


def _chosen(model: TextClassifier, data: Data, labels: Labels | None, wanted: Wanted) -> Abstention:
    read = as_dataset(data, labels, who="abstain", task=model.task_, merged=model.fitted_on_.merged)
    data, fingerprint = _new_rows(model, read), read.fingerprint
    check_size(len(data), len(data.task))
    probabilities, familiarity = model.scored(data.texts, familiar=wanted.false_alarms is not None)
    predictions = check_predictions(probabilities, np.asarray(data.targets), model.task_, model.decision)
    found: dict[str, Any] = {}
    if wanted.false_alarms is not None:
        found["scope"] = choose_scope(predictions, familiarity, wanted.false_alarms)
        if wanted.accuracy is None and model.abstention_.sureness is not None:
            progress.say(
                "The confidence from which texts are answered was chosen for texts of whatever scope, and stays; give "
                "--accuracy (accuracy=) too to choose it for those in scope."
            )
    if wanted.accuracy is not None:
        # What is in scope follows from no label, so that labels are as independent of it as they are of confidence.
        scope: Scope | None = found.get("scope", model.abstention_.scope)
        sure = confidence(probabilities, predictions.predicted)
        inside = None if scope is None else scope.scores(sure, familiarity) >= scope.threshold
        chosen, said = abstention_for(predictions, wanted.accuracy, inside)
        if chosen.sureness is None:
            raise SettingError(said)
        found["sureness"] = chosen.sureness
    if wanted.coverage is not None:
        found["sets"] = choose_sets(predictions, wanted.coverage, by_label=wanted.by_label)
    return replace(model.abstention_, **found, fingerprint=fingerprint)


def _new_rows(model: TextClassifier, data: Dataset) -> Dataset:
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
