"""When a model should abstain, chosen on rows that it was not trained on, and kept with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from textgraft import progress
from textgraft.decision import Abstention, Scope, confidence
from textgraft.errors import SettingError
from textgraft.evaluation.abstaining import abstention_for, choose_scope, choose_sets
from textgraft.evaluation.inputs import check_predictions
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.choosing import kept, new_rows
from textgraft.ladder.evaluating import check_size
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import Share, refuse


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

    def choose(model: TextClassifier) -> Abstention:
        model.abstention_ = _chosen(model, data, labels, wanted)
        return model.abstention_

    return kept(model, choose, "abstain")


def _chosen(model: TextClassifier, data: Data, labels: Labels | None, wanted: Wanted) -> Abstention:
    read = as_dataset(data, labels, who="abstain", task=model.task_, merged=model.fitted_on_.merged)
    data, fingerprint = new_rows(model, read), read.fingerprint
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
