"""Evaluating a fitted classifier on labelled texts."""

from __future__ import annotations

import numpy as np

from textgraft.dataset import Dataset
from textgraft.errors import DataError
from textgraft.evaluation import Evaluation, evaluate_predictions
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.given import Data, Labels, as_dataset
from textgraft.limits import PROBABILITIES
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.wording import counted


def evaluate(model: TextClassifier, data: Data, labels: Labels | None = None, *, seed: int = 0) -> Evaluation:
    """All metrics of ``model`` on ``data`` with 95 % intervals, beside the majority of its training data.

    Args:
        model: a fitted classifier.
        data: rows that it was not trained on: a Dataset, texts with their ``labels``, or (text, label) pairs. They may
            miss labels of the model, but have no others.
        labels: of the texts, in any form that ``fit`` takes.
        seed: of the bootstrap.

    Raises:
        DataError: ``data`` carries a label that the model was not trained on, has no labels, or has no rows, or rows
            times labels are too many.
    """
    check_fitted(model)
    data = as_dataset(data, labels, who="evaluate", task=model.task_, merged=model.fitted_on_.merged)
    check_size(len(data), len(data.task))
    return evaluate_on(model, predictions_of(model, data), seed)


def predictions_of(model: TextClassifier, data: Dataset) -> Predictions:
    """What a fitted classifier predicts of rows of its own task, beside what is true."""
    return check_predictions(model.predict_proba(data.texts), np.asarray(data.targets), data.task, model.decision)


def evaluate_on(model: TextClassifier, predictions: Predictions, seed: int = 0) -> Evaluation:
    """All metrics of a fitted classifier's predictions, beside the majority of its training data."""
    fitted_on = model.fitted_on_
    return evaluate_predictions(
        predictions,
        labels_of_training=fitted_on.counts if fitted_on.rows else None,
        training_rows=fitted_on.rows,
        seed=seed,
    )


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
