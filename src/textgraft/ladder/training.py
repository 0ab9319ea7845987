"""Training one method on splits, from fitting to a model directory that holds its evaluation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgraft.artifact import save
from textgraft.dataset import Splits
from textgraft.errors import SettingError
from textgraft.evaluation import Evaluation, Metric
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.seeds import OverSeeds
from textgraft.ladder.cross_validating import evaluate_out_of_fold, out_of_fold
from textgraft.ladder.evaluating import check_size, evaluate_on, predictions_of
from textgraft.ladder.seeding import check_seeds, over_seeds
from textgraft.methods import TextClassifier
from textgraft.model_directory.files import check_place


@dataclass(frozen=True, eq=False)
class Trained:
    """A method after training.

    Attributes:
        model: fitted on the training part.
        splits: what it was trained and tested on.
        seconds: wall-clock time of ``fit``.
        predictions: of the test part, or of the training part out of fold; None where there is neither.
        evaluation: on these.
        over_seeds: the metrics on the same rows by the seeds of the training; None where it had one.
    """

    model: TextClassifier
    splits: Splits
    seconds: float
    predictions: Predictions | None
    evaluation: Evaluation | None
    over_seeds: OverSeeds | None = None

    def results(self) -> dict[str, Any] | None:
        """The evaluation as plain data with the leaks between the parts, as it is kept with the model."""
        if self.evaluation is None:
            return None
        seeds = {} if self.over_seeds is None else {"over_seeds": self.over_seeds.to_dict()}
        return self.evaluation.to_dict() | {"leaks": list(self.splits.leaks)} | seeds


def train(
    model: TextClassifier,
    splits: Splits,
    *,
    directory: str | Path | None = None,
    seeds: int | None = None,
    seed: int = 0,
) -> Trained:
    """Fits a classifier on the training part, evaluates it on the test part, and saves it with what that says.

    Without a test part, but with folds, the figures are those of models that were trained like it on all folds but one.

    Args:
        model: a classifier, which is fitted in place.
        splits: the validation part, if there is one, is for the choices of the method; without a test part and folds
            nothing is evaluated.
        directory: where to save the model; None saves none.
        seeds: how many trainings to tell from each other by their seed, from 2 on, where that is asked for: the model's
            own, whose model is kept, and those that follow it (``Trained.over_seeds``).
        seed: of the bootstrap.

    Raises:
        SettingError: ``seeds`` is no such number, or there is nothing to evaluate, or the model has a budget.
        ArtifactError: the directory is taken by something that is not a model, or cannot be written to.
        DataError: test rows times labels are too many.
    """
    if directory is not None:
        check_place(Path(directory))
    check_seeds(seeds, budget=getattr(model, "budget", None))
    if seeds is not None and splits.test is None and splits.folds is None:
        raise SettingError(
            "seeds (--seeds) shows how figures vary, and no rows are held out for figures; give a test part (--test, "
            "--test-size) or folds (--folds), or leave it out."
        )
    if splits.test is not None:
        check_size(len(splits.test), len(splits.task))
    start = time.perf_counter()
    model.fit(splits.train, valid=splits.valid)
    seconds = time.perf_counter() - start
    predictions = evaluation = None
    if (test := splits.test) is not None:
        predictions = predictions_of(model, test)
        evaluation = evaluate_on(model, test, predictions, seed)
    elif splits.folds is not None:
        predictions = out_of_fold(model, splits.train, splits.folds, valid=splits.valid)
        evaluation = evaluate_out_of_fold(predictions, splits.train, seed, model.metric_, model.abstention_)
    by_seed = None
    if seeds is not None and predictions is not None:
        by_seed = over_seeds(model, splits, seeds, predictions, Metric.read(model.metric_, splits.task))
    trained = Trained(model, splits, seconds, predictions, evaluation, by_seed)
    if directory is not None:
        save(model, directory, evaluation=trained.results())
    return trained
