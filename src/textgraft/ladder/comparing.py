"""Several rungs of the ladder on the same splits, and which of them to take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.data.dividing import divide, for_choice
from textgraft.data.folds import what_is_missing
from textgraft.dataset import Splits
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import DataError, SettingError, listed
from textgraft.evaluation import Entry, Evaluation, Metric, Recommendation, cross_fitted, recommend
from textgraft.evaluation.recommend import holm
from textgraft.evaluation.seeds import SeedTest, compare_seeds
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.cross_validating import evaluate_out_of_fold, out_of_fold
from textgraft.ladder.evaluating import predictions_of
from textgraft.ladder.results import Comparison, Result
from textgraft.ladder.seeding import check_seeds
from textgraft.ladder.training import train
from textgraft.methods import MajorityClassifier, TextClassifier
from textgraft.methods.estimator import clone
from textgraft.model_directory.files import check_place, directory_bytes
from textgraft.task import Task
from textgraft.whole import temporary_folder

LONG_ENOUGH = 0.5  # seconds, for a speed to be worth telling
FEWER = 500  # resamples, for each of many choices


def compare(
    methods: Sequence[TextClassifier],
    splits: Splits | Data,
    labels: Labels | None = None,
    *,
    directory: str | Path | None = None,
    metric: Any = None,
    seeds: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Trains methods on the same rows, chooses among them on others, and reports on others again.

    Methods are chosen on the validation part, which no method sees: where a method has something to choose for itself,
    it holds rows of the training part out. Without one, on folds of the training part where that is small, or else on a
    fifth that is held out of it. The test part is for the figures in the table and has no say in the choice. Without a
    test part the table's figures are those of the folds, too; see ``cross_fitted`` for what they say of the choice.

    The majority floor is added if it is not among them. Each method is cloned and trained anew.

    Args:
        methods: classifiers, fitted or not.
        splits: Splits; or a Dataset, texts with their ``labels``, or (text, label) pairs, which are divided by
            ``data.dividing.divide`` with ``seed``.
        labels: of the texts, in any form that ``fit`` takes.
        directory: where to keep each model, in a folder of its name; None keeps none on disk.
        metric: by which they are compared, and by which each method makes its choices that has none of its own; in any
            form that the hyperparameter ``metric`` takes. None is the one that all of them have.
        seeds: how often to train each method, with its own seed and those that follow it, where that is asked for: from
            2 on. The rows, the choice and the models that are kept are those of the first seed; see ``Result`` and
            ``Comparison`` for what the others say.
        seed: of division, folds and resamples.

    Raises:
        DataError: no folds can be made of the rows.
        SettingError: there are no methods, or they have different metrics, or the metric is none of the task; ``seeds``
            is no such number, or a method has a budget.
    """
    if isinstance(methods, TextClassifier) or not methods:
        raise SettingError("compare needs at least one method, in a list: [NgramClassifier()].")
    for method in methods:
        check_seeds(seeds, budget=getattr(method, "budget", None))
    most = min(method.most_folds for method in methods)
    if not isinstance(splits, Splits):
        splits = divide(as_dataset(splits, labels, who="compare"), most_folds=most, choosing=True, seed=seed)
    elif labels is not None:
        raise DataError("Splits carry their labels; give compare either splits or texts and labels.")
    splits = for_choice(splits, most_folds=most, seed=seed)
    if not any(isinstance(method, MajorityClassifier) for method in methods):
        methods = [MajorityClassifier(), *methods]
    main = _metric_of(methods, metric, splits.task)
    ladder = [_with_metric(method, main) for method in sorted(methods, key=lambda method: method.rung)]
    names = _names(ladder)
    with temporary_folder() as scratch:
        places = [Path(directory or scratch) / name for name in names]
        for place in places:
            check_place(place)
        trained = [_trained(*each, splits, seeds, seed) for each in zip(names, places, ladder, strict=True)]
    results, entries = tuple(result for result, _ in trained), [entry for _, entry in trained]
    rows = splits.valid or splits.train
    found = recommend(entries, metric=main, missing=what_is_missing(rows), seed=seed)
    expected: Evaluation | None = None
    choices: dict[str, int] = {}
    if found.name is not None:
        expected = next(result.evaluation for result in results if result.name == found.name)
        candidates = sum(not entry.is_floor for entry in entries)
        if splits.test is None and splits.valid is None and splits.folds is not None and candidates > 1:
            predicted, choices = cross_fitted(entries, splits.folds.of_row, metric=main, seed=seed, resamples=FEWER)
            expected = evaluate_out_of_fold(predicted, splits.train, seed, main)
    chosen_on = f"{len(rows):,} validation rows"
    if rows is splits.train:
        chosen_on = f"{len(rows):,} {'training ' * (splits.test is not None)}rows in {splits.folds}"
    return Comparison(results, found, splits, chosen_on, expected, choices, *_seed_tests(results, found))


def _metric_of(methods: Sequence[TextClassifier], given: Any, task: Task) -> Metric:
    """The metric that is given, or else the one that all methods have, floors aside."""
    if given is not None:
        return Metric.read(given, task)
    own = [Metric.read(method.metric, task) for method in methods if not method.is_floor] or [Metric.read(None, task)]
    if any(metric.plain() != own[0].plain() for metric in own):
        raise SettingError(
            f"The methods have different metrics ({listed(metric.called for metric in own)}); say by which they are "
            "compared: metric=."
        )
    return own[0]


def _with_metric(method: TextClassifier, main: Metric) -> TextClassifier:
    """A copy that is not fitted, which the comparison may fit; it chooses by its own metric, or else by ``main``."""
    copy = clone(method)
    return copy if copy.metric is not None or main.is_usual else copy.set_params(metric=main.plain())


def _seed_tests(results: Sequence[Result], found: Recommendation) -> tuple[dict[str, SeedTest], dict[str, float]]:
    """Each other method against the best over seeds, floors aside, and the p-values corrected for their number."""
    by_seed = {each.name: each.over_seeds for each in results if not each.model.is_floor}
    best = by_seed.get(str(found.best))
    tests = {
        name: test
        for name, each in by_seed.items()
        if best is not None
        and each is not None
        and name != found.best
        and (test := compare_seeds(each, best, found.metric)) is not None
    }
    return tests, dict(zip(tests, holm([test.p_value for test in tests.values()]), strict=True))


def _trained(
    name: str, directory: Path, method: TextClassifier, splits: Splits, seeds: int | None, seed: int
) -> tuple[Result, Entry]:
    """One method trained, evaluated, saved and timed; and its predictions of the rows that methods are chosen on."""
    # It must not choose anything on the rows on which it is chosen itself.
    folds = splits.folds if splits.test is None else None
    trained = train(method, replace(splits, valid=None, folds=folds), directory=directory, seeds=seeds, seed=seed)
    model, predictions, evaluation = trained.model, trained.predictions, trained.evaluation
    assert predictions is not None
    assert evaluation is not None
    deciding = predictions
    if splits.valid is not None:
        deciding = predictions_of(model, splits.valid)
    elif folds is None:
        assert splits.folds is not None
        deciding = out_of_fold(method, splits.train, splits.folds)
    speed = texts_per_second(model, (splits.test or splits.train).texts)
    size = (directory_bytes(directory) + model.outside_bytes) / 1e6
    result = Result(name, model, predictions, evaluation, trained.seconds, speed, size, trained.over_seeds)
    return result, Entry(name, method.rung, deciding, method.is_floor)


def texts_per_second(model: TextClassifier, texts: Sequence[str]) -> float:
    """The speed of prediction with nothing cached, on samples of ``texts`` that double until one takes long enough."""
    size = min(8, len(texts))
    with without_cache():
        model.predict_proba([texts[0]])  # loads what is loaded at first use
        while True:
            sample = [texts[i] for i in np.linspace(0, len(texts) - 1, size).astype(int)]
            start = time.perf_counter()
            model.predict_proba(sample)
            seconds = time.perf_counter() - start
            if seconds >= LONG_ENOUGH or size >= len(texts):
                return size / seconds
            size = min(2 * size, len(texts))


def _names(methods: Sequence[TextClassifier]) -> list[str]:
    """The methods' names, numbered where one occurs more than once."""
    names = [method.method for method in methods]
    return [name if names.count(name) == 1 else f"{name}-{names[: i + 1].count(name)}" for i, name in enumerate(names)]
