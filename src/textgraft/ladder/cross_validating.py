"""Cross-validation: each row predicted by models that were not trained on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from textgraft.dataset import Dataset, Folds
from textgraft.decision import Abstention
from textgraft.evaluation import Evaluation, Metric, evaluate_predictions
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.seen import SeenRows
from textgraft.evaluation.selective import selective
from textgraft.ladder.evaluating import check_size, in_groups, notes_on_groups
from textgraft.methods import TextClassifier
from textgraft.progress import track

# Measured on cuts of a real table: a cross-validated accuracy is off by 1.22 times what independent rows would have it.
WORTH = 0.67


def out_of_fold(model: TextClassifier, data: Dataset, folds: Folds, *, valid: Dataset | None = None) -> Predictions:
    """The predictions of n rows, in as many repetitions as ``folds`` has; see ``Predictions``.

    Args:
        model: is cloned and trained anew for each fold, and keeps no log or checkpoints of that. A floor is trained on
            all rows: of two labels that are about as frequent it would else always give the one that it holds out
            least of, and be too low a bar.
        data: the rows.
        folds: of these rows.
        valid: given for the choices that the method makes; see ``fit``.

    Raises:
        DataError: rows times labels are too many, or a fold's training fails for what the rows are.
    """
    check_size(len(data) * folds.repeats, len(data.task))
    n, k = len(data), len(data.task)
    probabilities = np.zeros((folds.repeats * n, k), np.float32)
    targets = np.concatenate([np.asarray(data.targets)] * folds.repeats)
    predicted, answered_from = np.zeros_like(targets), np.full(len(targets), np.nan)
    jobs = [(i * n, fold == number) for i, fold in enumerate(folds.of_row) for number in np.unique(fold)]
    if model.is_floor:
        jobs = [(i * n, np.ones(n, np.bool_)) for i in range(folds.repeats)]
    for start, held in track(jobs, f"cross-validating {model.method}", total=len(jobs)):
        twin = model.twin()
        twin.fit(data if model.is_floor else data.select(~held), valid=valid)
        rows = np.flatnonzero(held)
        found = twin.predict_proba([data.texts[i] for i in rows.tolist()])
        probabilities[start + rows] = found
        predicted[start + rows] = twin.decision.targets(found, data.task)
        if twin.abstention_.sureness is not None:
            answered_from[start + rows] = twin.abstention_.sureness.threshold
    how: dict[str, Any] = {"repeats": folds.repeats, "worth": WORTH, "answered_from": answered_from}
    return in_groups(Predictions(probabilities, targets, predicted, data.task, **how), data)


def evaluate_out_of_fold(
    predictions: Predictions,
    data: Dataset,
    seed: int = 0,
    metric: Metric | None = None,
    abstention: Abstention | None = None,
) -> Evaluation:
    """All metrics of out-of-fold predictions of ``data``, beside the majority of it.

    Rows are what intervals are drawn over: a row counts once, however often it was predicted. That holds for every
    metric. Models of folds share rows of training, and that of all rows is one of many that could have come out; for
    that a row counts as ``WORTH`` of one (see Bates, Hastie and Tibshirani, JASA 2023, for how much is at stake).

    Of the ``abstention`` of the model of all rows the predictions show how models of folds do that chose theirs alike.
    """
    found = evaluate_predictions(
        predictions, labels_of_training=data.counts, training_rows=len(data), seed=seed, metric=metric
    )
    seen = SeenRows(trained=0, chosen=0, known=len(data))
    notes = (*found.notes, *notes_on_groups(predictions, data))
    return replace(found, seen=seen, notes=notes, selective=selective(predictions, abstention or Abstention()))
