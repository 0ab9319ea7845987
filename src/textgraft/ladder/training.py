"""Training one method on splits, from fitting to a model directory that holds its evaluation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.artifact import save
from textgraft.dataset import Splits
from textgraft.evaluation import Evaluation
from textgraft.ladder.evaluating import check_size, evaluate
from textgraft.methods import TextClassifier
from textgraft.model_directory.files import check_place


@dataclass(frozen=True, eq=False)
class Trained:
    """A method after training.

    Attributes:
        model: fitted on the training part.
        splits: what it was trained and tested on.
        seconds: wall-clock time of ``fit``.
        probabilities: (n, k) of the rows of the test part; None where there is none.
        evaluation: on the test part; None where there is none.
    """

    model: TextClassifier
    splits: Splits
    seconds: float
    probabilities: NDArray[np.float32] | None
    evaluation: Evaluation | None

    def results(self) -> dict[str, Any] | None:
        """The evaluation as plain data with the leaks between the parts, as it is kept with the model."""
        return None if self.evaluation is None else self.evaluation.to_dict() | {"leaks": list(self.splits.leaks)}


def train(model: TextClassifier, splits: Splits, *, directory: str | Path | None = None, seed: int = 0) -> Trained:
    """Fits a classifier on the training part, evaluates it on the test part, and saves it with what that says.

    Args:
        model: a classifier, which is fitted in place.
        splits: the validation part, if there is one, is for the choices of the method; without a test part nothing is
            evaluated.
        directory: where to save the model; None saves none.
        seed: of the bootstrap.

    Raises:
        ArtifactError: the directory is taken by something that is not a model, or cannot be written to.
        DataError: test rows times labels are too many.
    """
    if directory is not None:
        check_place(Path(directory))
    if splits.test is not None:
        check_size(len(splits.test), len(splits.task))
    start = time.perf_counter()
    model.fit(splits.train, valid=splits.valid)
    seconds = time.perf_counter() - start
    probabilities = evaluation = None
    if (test := splits.test) is not None:
        probabilities = model.predict_proba(test.texts)
        evaluation = evaluate(model, test, seed=seed, probabilities=probabilities)
    trained = Trained(model, splits, seconds, probabilities, evaluation)
    if directory is not None:
        save(model, directory, evaluation=trained.results())
    return trained
