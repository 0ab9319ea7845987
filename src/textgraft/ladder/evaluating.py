"""Evaluating a fitted classifier on a Dataset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.evaluation import Evaluation, evaluate_probabilities
from textgraft.methods import TextClassifier


def evaluate(
    model: TextClassifier, data: Dataset, *, seed: int = 0, probabilities: NDArray[np.float32] | None = None
) -> Evaluation:
    """All metrics of ``model`` on ``data`` with 95 % intervals, beside the majority of its training data.

    Args:
        model: a fitted classifier.
        data: rows that it was not trained on; they may miss labels of the model, but have no others.
        seed: of the bootstrap.
        probabilities: (n, k) of the rows, where they are there already.

    Raises:
        DataError: ``data`` carries a label that the model was not trained on, or has no rows.
    """
    data = data.with_task(model.task_, model.fitted_on_.merged)
    return evaluate_probabilities(
        model.predict_proba(data.texts) if probabilities is None else probabilities,
        data.targets,
        data.task,
        thresholds=model.thresholds_,
        labels_of_training=model.fitted_on_.counts if model.fitted_on_.rows else None,
        training_rows=model.fitted_on_.rows,
        seed=seed,
    )
