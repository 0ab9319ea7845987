"""Evaluating a fitted classifier on labelled texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import DataError
from textgraft.evaluation import Evaluation, evaluate_probabilities
from textgraft.given import Data, Labels, as_dataset
from textgraft.limits import PROBABILITIES
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.wording import counted


def evaluate(
    model: TextClassifier,
    data: Data,
    labels: Labels | None = None,
    *,
    seed: int = 0,
    probabilities: NDArray[np.float32] | None = None,
    metric: Any = None,
) -> Evaluation:
    """All metrics of ``model`` on ``data`` with 95 % intervals, beside the majority of its training data.

    Args:
        model: a fitted classifier.
        data: rows that it was not trained on: a Dataset, texts with their ``labels``, or (text, label) pairs. They may
            miss labels of the model, but have no others.
        labels: of the texts, in any form that ``fit`` takes.
        seed: of the bootstrap.
        probabilities: (n, k) of the rows, where they are there already.
        metric: the one that stands for all, in any form that the hyperparameter ``metric`` takes; None is the model's.

    Raises:
        DataError: ``data`` carries a label that the model was not trained on, has no labels, or has no rows, or rows
            times labels are too many.
        SettingError: the metric is none of the model's task.
    """
    check_fitted(model)
    data = as_dataset(data, labels, who="evaluate", task=model.task_, merged=model.fitted_on_.merged)
    check_size(len(data), len(data.task))
    return evaluate_probabilities(
        model.predict_proba(data.texts) if probabilities is None else probabilities,
        data.targets,
        data.task,
        thresholds=model.decision,
        labels_of_training=model.fitted_on_.counts if model.fitted_on_.rows else None,
        training_rows=model.fitted_on_.rows,
        seed=seed,
        metric=model.metric_ if metric is None else metric,
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
