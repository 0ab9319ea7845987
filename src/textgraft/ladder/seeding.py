"""A method trained with several seeds on the same rows, to see what the seed alone changes."""

from __future__ import annotations

from itertools import chain

from textgraft.dataset import Splits
from textgraft.errors import SettingError
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.seeds import OverSeeds
from textgraft.ladder.cross_validating import out_of_fold
from textgraft.ladder.evaluating import predictions_of
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import Number
from textgraft.progress import track
from textgraft.unicode import quoted

MOST = 1_000
_MANY = Number(2, MOST, whole=True)
_SEEDS = 1 << 32


def check_seeds(seeds: int | None, *, budget: object = None) -> None:
    """Raises SettingError unless a method can be trained with so many seeds; None trains it once."""
    if seeds is None:
        return
    if not _MANY.accepts(seeds):
        raise SettingError(
            f"seeds (--seeds) must be a whole number from 2 to {MOST:,}, of trainings that differ in their seed; got "
            f"{quoted(seeds)}. 5 is usual; to train once leave it out."
        )
    if budget is not None:
        raise SettingError(
            "seeds (--seeds) shows what the seed of a training changes, and with a budget (--budget) the time that "
            "there is changes it too. Leave one of them out."
        )


def over_seeds(model: TextClassifier, splits: Splits, seeds: int, first: Predictions, metric: Metric) -> OverSeeds:
    """The metrics of a method by the seeds of its training; see ``predict_anew`` for the rows.

    Args:
        model: with the first seed; the others are those that follow it. It is left as it is.
        splits: the rows, which are divided as they are for every seed.
        seeds: how many. A method in whose training nothing is drawn is not trained anew.
        first: what is predicted with the first seed.
        metric: the one that stands for all.
    """
    if not model.is_drawn(splits.valid):
        return OverSeeds.of((), [first], metric)
    own, *others = ((model.get_params(deep=False)["seed"] + i) % _SEEDS for i in range(seeds))
    steps = track(others, f"training {model.method} with other seeds", total=len(others))
    found = (predict_anew(model.twin().configure({"seed": other}), splits) for other in steps)
    return OverSeeds.of([own, *others], chain([first], found), metric)


def predict_anew(model: TextClassifier, splits: Splits) -> Predictions:
    """What a classifier, trained anew, predicts of the test part, or without one of the training part out of fold."""
    if splits.test is not None:
        return predictions_of(model.fit(splits.train, valid=splits.valid), splits.test)
    assert splits.folds is not None
    return out_of_fold(model, splits.train, splits.folds, valid=splits.valid)
