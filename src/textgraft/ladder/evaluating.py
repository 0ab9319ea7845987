"""Evaluating a fitted classifier on labelled texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.data.grouping import group_codes
from textgraft.dataset import Dataset
from textgraft.decision import confidence
from textgraft.errors import DataError
from textgraft.evaluation import Evaluation, evaluate_predictions
from textgraft.evaluation.groups import worth_of_rows
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.seen import SeenRows
from textgraft.evaluation.selective import selective, tell_apart
from textgraft.given import Data, Labels, as_dataset, as_texts
from textgraft.limits import PROBABILITIES
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.wording import counted

NOT_KNOWN = (
    "Whether the model was trained on some of these rows is not known: it does not keep which texts it was given."
)
CHOSEN_HERE = (
    "When the model abstains was chosen on these very rows, so what is said of it here is what was wanted, and no test."
)
THRESHOLDS_CHOSEN_HERE = (
    "The thresholds were chosen on these very rows, so precision and recall here are what was wanted, and no test."
)


def evaluate(
    model: TextClassifier,
    data: Data,
    labels: Labels | None = None,
    *,
    seed: int = 0,
    metric: Any = None,
    out_of_scope: Iterable[str] | None = None,
) -> Evaluation:
    """All metrics of ``model`` on ``data`` with 95 % intervals, beside the majority of its training data.

    Args:
        model: a fitted classifier.
        data: rows that it was not trained on: a Dataset, texts with their ``labels``, or (text, label) pairs. They may
            miss labels of the model, but have no others. Of rows that it was trained on the evaluation says so, as far
            as the model keeps which texts it was given, and how good it is on the others (``Evaluation.seen``).
        labels: of the texts, in any form that ``fit`` takes.
        seed: of the bootstrap.
        metric: the one that stands for all, in any form that the hyperparameter ``metric`` takes; None is the model's.
        out_of_scope: texts of other kinds, which are to be told from these (``Evaluation.out_of_scope``).

    Raises:
        DataError: ``data`` carries a label that the model was not trained on, has no labels, or has no rows, or rows
            times labels are too many.
        SettingError: the metric is none of the model's task.
    """
    return evaluated(model, data, labels, seed=seed, metric=metric, out_of_scope=out_of_scope).evaluation


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Rows in the model's task, what it predicts of them, and how good that is."""

    data: Dataset
    predictions: Predictions
    evaluation: Evaluation


def evaluated(
    model: TextClassifier,
    data: Data,
    labels: Labels | None = None,
    *,
    seed: int = 0,
    metric: Any = None,
    out_of_scope: Iterable[str] | None = None,
) -> Evaluated:
    """As ``evaluate``, with what the figures are of."""
    check_fitted(model)
    data = as_dataset(data, labels, who="evaluate", task=model.task_, merged=model.fitted_on_.merged)
    check_size(len(data), len(data.task))
    p, familiarity = model.scored(data.texts)
    predictions = _predictions(model, data, p)
    evaluation = evaluate_on(model, data, predictions, seed, metric, familiarity)
    if out_of_scope is None:
        return Evaluated(data, predictions, evaluation)
    outside = as_texts(out_of_scope)
    if not outside:
        raise DataError("There are no texts out of scope to compare with; give some, or leave out_of_scope out.")
    of_others, likeness = model.scored(outside)
    sure = [confidence(each, model.decision.targets(each, model.task_)) for each in (p, of_others)]
    told = tell_apart(model.abstention_.scope, (sure[0], familiarity), (sure[1], likeness))
    return Evaluated(data, predictions, replace(evaluation, out_of_scope=told))


def predictions_of(model: TextClassifier, data: Dataset) -> Predictions:
    """What a fitted classifier predicts of rows of its own task, beside what is true."""
    return _predictions(model, data, model.predict_proba(data.texts))


def _predictions(model: TextClassifier, data: Dataset, probabilities: NDArray[np.float32]) -> Predictions:
    return in_groups(check_predictions(probabilities, np.asarray(data.targets), data.task, model.decision), data)


def evaluate_on(
    model: TextClassifier,
    data: Dataset,
    predictions: Predictions,
    seed: int = 0,
    metric: Any = None,
    familiarity: NDArray[np.float32] | None = None,
) -> Evaluation:
    """All metrics of a fitted classifier's predictions of ``data``; see ``evaluate`` and ``scored``."""
    fitted_on = model.fitted_on_

    def of(predictions: Predictions) -> Evaluation:
        return evaluate_predictions(
            predictions,
            labels_of_training=fitted_on.counts if fitted_on.rows else None,
            training_rows=fitted_on.rows,
            seed=seed,
            metric=model.metric_ if metric is None else metric,
        )

    evaluation = of(predictions)
    answered = selective(predictions, model.abstention_, familiarity)
    evaluation = replace(evaluation, selective=answered, goals=model.goals_)
    notes = [*evaluation.notes, *notes_on_groups(predictions, data)]
    if model.abstention_.fingerprint == data.fingerprint:
        notes.append(CHOSEN_HERE)
    if any(goal.fingerprint == data.fingerprint for goal in model.goals_):
        notes.append(THRESHOLDS_CHOSEN_HERE)
    evaluation = replace(evaluation, notes=tuple(notes))
    if (found := seen_by(model, data)) is None:
        return replace(evaluation, notes=(*evaluation.notes, NOT_KNOWN))
    trained, chosen, known = found
    seen = SeenRows(int(trained.sum()), int(chosen.sum()), int(known.sum()))
    if 0 < seen.others < seen.known:
        others = of(predictions.select(np.flatnonzero(known & ~trained & ~chosen)))
        seen = replace(seen, unseen=others.metrics[others.headline])
    return replace(evaluation, seen=seen)


def in_groups(predictions: Predictions, data: Dataset) -> Predictions:
    """The predictions of ``data`` with what its rows are worth where they stand in groups."""
    if data.groups is None:
        return predictions
    return replace(predictions, worth=predictions.worth * worth_of_rows(predictions, group_codes(data)))


def notes_on_groups(predictions: Predictions, data: Dataset) -> list[str]:
    """A sentence on what rows in groups are worth, where there are any."""
    if data.groups is None:
        return []
    rows, groups = counted(len(data), "row"), counted(int(group_codes(data).max()) + 1, "group")
    independent = max(1, round(predictions.worth * len(data)))
    return [f"The {rows} stand in {groups} and count as {independent:,} independent ones in intervals and tests."]


def seen_by(
    model: TextClassifier, data: Dataset
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]] | None:
    """What ``SeenTexts.find`` says of the rows; None where nothing is known of them.

    Models of earlier releases keep no hashes of texts, but the fingerprint of all that they were trained on.
    """
    if model.seen_ is not None:
        return found if (found := model.seen_.find(data.texts))[2].any() else None
    if data.fingerprint == model.fitted_on_.fingerprint:
        every = np.ones(len(data), np.bool_)
        return every, ~every, every
    return None


def check_size(rows: int, labels: int) -> None:
    """Refuses more probabilities than are evaluated at once, before any of them is computed.

    Raises:
        DataError: they are too many.
    """
    said = PROBABILITIES.exceeded(
        rows * labels, f"probabilities ({counted(rows, 'row')} times {counted(labels, 'label')})"
    )
    if said:
        raise DataError(
            f"{said} Where these are no classes but ids, say which column holds the labels with --label (label=); else "
            f"evaluate on {counted(PROBABILITIES.most // labels, 'row')} at most, or keep the "
            f"{PROBABILITIES.most // rows:,} most frequent labels and one for all others."
        )
