"""Thresholds for a wanted precision or recall, chosen for a fitted model on rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from textgraft import progress
from textgraft.decision import Goal
from textgraft.errors import SettingError, listed
from textgraft.evaluation.goals import MOST_SAID, Chosen, about_goals, choose_goals
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.wanted import wanted_of_labels
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.choosing import kept, new_rows
from textgraft.ladder.evaluating import check_size
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import Share, refuse
from textgraft.unicode import quoted

NOT_YET = (
    "How good the model was on test data was measured with its earlier thresholds and is not kept; textgraft evaluate "
    "measures it anew."
)
NO_LONGER = (
    "When the model abstains was chosen for its earlier thresholds and is not kept; textgraft abstain chooses it anew."
)


def set_thresholds(
    model: str | Path | TextClassifier,
    data: Data,
    labels: Labels | None = None,
    *,
    precision: float | None = None,
    recall: float | None = None,
    of: str | Iterable[str] | None = None,
) -> tuple[Goal, ...]:
    """Chooses thresholds from which on labels have a wanted precision or recall, and keeps them with the classifier.

    Rows that the model was trained on are left out, as far as it keeps which texts it was given. Thresholds of labels
    that are not asked for stay, and so does one that reaches nothing, of which it says so. When the model abstains
    depends on what it predicts, so that an earlier choice of it goes; sets of possible labels stay. See
    ``evaluation.goals`` for what is guaranteed.

    Args:
        model: a model directory, which is written anew, whole; or a fitted classifier, which is changed in place.
        data: rows that it was not trained on: a Dataset, texts with their ``labels``, or (text, label) pairs.
        labels: of the texts.
        precision: the share that shall carry the label of texts that are given it.
        recall: in its place, the share that shall be given the label of texts that carry it.
        of: the labels; None is all of a multi-label task. Where a text has one label it is one.

    Returns:
        What is reached now, with that of earlier choices for other labels.

    Raises:
        SettingError: neither or both are asked for, or what is no share; labels that the model does not have, or
            several where a text has one; costs decide; or no threshold reaches it.
        DataError: all rows were trained on, or have labels that the model does not have.
        ArtifactError: the model cannot be loaded or written.
    """
    check_wanted(precision, recall)
    measure, share = ("recall", recall) if precision is None else ("precision", precision)
    wish = f"{measure} {share:.12f}"

    def choose(model: TextClassifier) -> tuple[Goal, ...]:
        names = [of] if isinstance(of, str) else None if of is None else list(of)
        asked = wish if names is None else dict.fromkeys(names, wish)
        wanted = wanted_of_labels(asked, model.task_, by_costs=model.costs_ is not None)
        if not wanted:
            raise SettingError("of= names no label; leave it out for all labels.")
        read = as_dataset(data, labels, who="set_thresholds", task=model.task_, merged=model.fitted_on_.merged)
        rows = new_rows(model, read)
        check_size(len(rows), len(rows.task))
        predictions = check_predictions(model.predict_proba(rows.texts), np.asarray(rows.targets), model.task_)
        chosen = choose_goals(wanted, predictions, model.decision, read.fingerprint)
        if not chosen.goals:
            raise SettingError(" ".join(list(chosen.unreached.values())[:MOST_SAID]))
        _take(model, chosen)
        return model.goals_

    found = kept(model, choose, "set_thresholds", evaluation=None)
    if not isinstance(model, TextClassifier):
        progress.say(NOT_YET)
    return found


def check_wanted(precision: float | None, recall: float | None) -> None:
    """Raises SettingError unless one of the two is a share."""
    given = {name: value for name, value in (("precision", precision), ("recall", recall)) if value is not None}
    if len(given) != 1:
        raise SettingError(
            f"{'Both a precision and a recall are' if given else 'Nothing is'} wanted; say either --precision 0.9 "
            "(precision=0.9) or --recall 0.9 (recall=0.9), and the other for other labels (--of, of=) afterwards."
        )
    refuse([fault for name, value in given.items() for fault in Share("0.9").faults(name, value)])


def _take(model: TextClassifier, chosen: Chosen) -> None:
    """Sets what was chosen; goals of other labels stay where labels do not depend on each other."""
    asked = {*(goal.label for goal in chosen.goals)}
    others = [goal for goal in model.goals_ if goal.label not in asked]
    if others and not model.task_.multi_label:
        progress.say(
            f"What was chosen for {listed(quoted(goal.label) for goal in others)} holds no longer, since a text has "
            "one label."
        )
        others = []
    order = {label: j for j, label in enumerate(model.task_.labels)}
    model.goals_ = tuple(sorted([*others, *chosen.goals], key=lambda goal: order[goal.label]))
    model.thresholds_ = chosen.decision.thresholds
    for said in chosen.unreached.values():
        progress.say(said)
    model.chosen_ = {name: said for name, said in model.chosen_.items() if name != "abstention"}
    model.chosen_["decision"] = about_goals(replace(chosen, unreached={}), model.task_)
    if model.abstention_.abstains:
        model.abstention_ = replace(model.abstention_, sureness=None, scope=None)
        progress.say(NO_LONGER)
