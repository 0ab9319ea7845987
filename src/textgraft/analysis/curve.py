"""Learning curves: the score against the rows of training, and what more rows would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.data.dividing import divide
from textgraft.dataset import Dataset, Splits
from textgraft.digests import mix, text_number
from textgraft.errors import DataError, SettingError
from textgraft.evaluation import Interval, Metric
from textgraft.evaluation.evaluation import metric_interval
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.paired import metric_value
from textgraft.evaluation.power_law import FEWEST_POINTS, PowerLaw
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.cross_validating import WORTH
from textgraft.ladder.evaluating import check_size, in_groups
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import COUNT, refuse
from textgraft.methods.estimator import clone
from textgraft.progress import track
from textgraft.wording import counted

FEWEST_ROWS: Final = 20  # of training
ROWS_PER_LABEL: Final = 3  # on average
MOST_FOLDS: Final = 5
MORE: Final = (2, 4)  # times the rows, of forecasts; further than that a curve says little
_LEAST_NOISE: Final = 0.25  # of the deviation by chance in test rows: what trainings on the same rows do not share
_Z: Final = 1.96


@dataclass(frozen=True)
class Point:
    """A method trained on so many rows.

    Attributes:
        rows: of training.
        score: the metric, with what the choice of the test rows leaves open (95 %).
        runs: the metric of each training: on other rows, and out of fold on another fold.
    """

    rows: int
    score: Interval
    runs: tuple[float, ...]


@dataclass(frozen=True)
class Forecast:
    """What more rows would bring.

    Attributes:
        rows: of training.
        score: the metric of one training on these, on test rows like these; with a 95 % interval.
        gain: by how much it would be better on average than with the most rows seen; above 0 is better.
    """

    rows: int
    score: Interval
    gain: Interval


@dataclass(frozen=True)
class MethodCurve:
    """The learning curve of one method; forecasts are empty where fewer than three points were made."""

    name: str
    points: tuple[Point, ...]
    forecasts: tuple[Forecast, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        points = [{**vars(each), "score": each.score.to_dict()} for each in self.points]
        forecasts = [
            {**vars(each), "score": each.score.to_dict(), "gain": each.gain.to_dict()} for each in self.forecasts
        ]
        return {"name": self.name, "points": points, "forecasts": forecasts}


@dataclass(frozen=True)
class LearningCurve:
    """Learning curves of methods on the same rows.

    Attributes:
        metric: its name for people.
        lower_is_better: whether it is a loss.
        tested_on: rows that the scores are of, for people.
        curves: one for each method.
        notes: sentences that a user should see.
    """

    metric: str
    lower_is_better: bool
    tested_on: str
    curves: tuple[MethodCurve, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**vars(self), "curves": [each.to_dict() for each in self.curves], "notes": list(self.notes)}


@dataclass(frozen=True)
class _Job:
    """Rows to train on, of which the first ones are a sample of all, and rows to test on."""

    train: Dataset
    test: Dataset
    again: bool = False  # whether all rows of training are those of an earlier job


def learning_curve(
    methods: Sequence[TextClassifier],
    data: Splits | Data,
    labels: Labels | None = None,
    *,
    points: int = 6,
    repeats: int = 3,
    metric: Any = None,
    seed: int = 0,
) -> LearningCurve:
    """Trains methods on an eighth, a quarter, half and all of the rows and the like, and tests them on the same rows.

    Smaller samples are parts of the larger ones, with the labels in their shares. With a test part there are
    ``repeats`` samples of each size but the largest; else each of five folds is predicted from samples of the others.

    Args:
        methods: classifiers, fitted or not; each is cloned and trained anew.
        data: Splits; or a Dataset, texts with their ``labels``, or (text, label) pairs, which are divided.
        labels: of the texts, in any form that ``fit`` takes.
        points: sizes at most, each twice the one before.
        repeats: see above.
        metric: in any form that the hyperparameter ``metric`` takes; None is that of the first method.
        seed: of division, samples and resamples.

    Raises:
        SettingError: there are no methods, or numbers that cannot be used.
        DataError: the rows are too few for two sizes.
    """
    if isinstance(methods, TextClassifier) or not methods:
        raise SettingError("A learning curve needs at least one method, in a list: [NgramClassifier()].")
    refuse([*COUNT.faults("points", points), *COUNT.faults("repeats", repeats)])
    splits = data if isinstance(data, Splits) else None
    if splits is None:
        splits = divide(as_dataset(data, labels, who="learning_curve"), most_folds=MOST_FOLDS, seed=seed)
    main = Metric.read(methods[0].metric if metric is None else metric, splits.task)
    jobs, tested_on = _jobs(splits, repeats, seed)
    sizes, skipped = _sizes(jobs, points)
    notes = list(skipped)
    if splits.valid is not None:
        notes.append(
            f"The {counted(len(splits.valid), 'validation row')} are left aside; methods hold out rows of each sample."
        )
    check_size(max(len(job.test) for job in jobs) * len(jobs), len(splits.task))
    curves = tuple(_curve(method, jobs, sizes, main, seed) for method in methods)
    if any(not curve.forecasts for curve in curves):
        notes.append(f"Nothing is forecast from {counted(len(sizes), 'size')} of training; {FEWEST_POINTS} are needed.")
    return LearningCurve(main.called, main.lower_is_better, tested_on, curves, tuple(notes))


def _jobs(splits: Splits, repeats: int, seed: int) -> tuple[list[_Job], str]:
    """What to train and test on, and the latter for people."""
    train = splits.train
    if splits.test is not None:
        test = splits.test
        jobs = [_Job(train.select(sample_order(train, seed + i)), test, again=i > 0) for i in range(repeats)]
        return jobs, counted(len(test), "test row")
    if splits.folds is None:
        raise DataError(
            "A learning curve needs rows to test on; give a test part or folds, or leave --test-size 0 out."
        )
    fold = splits.folds.of_row[0]
    parts = [(train.select(fold != i), train.select(fold == i)) for i in np.unique(fold).tolist()]
    jobs = [_Job(rest.select(sample_order(rest, seed)), held) for rest, held in parts]
    return jobs, f"{counted(len(train), 'row')} in {counted(len(jobs), 'fold')}"


def sample_order(data: Dataset, seed: int) -> NDArray[np.intp]:
    """An order of n rows in which the first ones have the labels in their shares, however many are taken.

    Of each label the rows are dealt out evenly, at random by a hash of seed and text; a row of several labels goes by
    its rarest one.
    """
    counts, width = data.counts, len(data.task)
    rarest = np.full(len(data), width, np.int64)
    rows, labels = data.label_sets.pairs()
    order = np.argsort(-counts[labels], kind="stable")  # so that the rarest is written last
    rarest[rows[order]] = labels[order]
    start = f"{seed}\n".encode()
    hashes = np.fromiter((text_number(text, start) for text in data.texts), np.uint64, len(data))
    place = np.empty(len(data))
    for label in np.unique(rarest):
        members = np.flatnonzero(rarest == label)
        members = members[np.argsort(hashes[members], kind="stable")]
        jitter = (mix(hashes[members]) >> np.uint64(11)) / 2.0**53
        place[members] = (np.arange(len(members)) + jitter) / len(members)
    return np.argsort(place, kind="stable")


def _sizes(jobs: Sequence[_Job], points: int) -> tuple[list[int], list[str]]:
    """How many rows to train on, ascending, and notes; a half of a half and so on of what all jobs have."""
    most = min(len(job.train) for job in jobs)
    task = jobs[0].train.task
    least = max(FEWEST_ROWS, ROWS_PER_LABEL * len(task))
    sizes = sorted({most >> i for i in range(points) if most >> i >= least})
    enough = 1 if task.multi_label else 2
    usable = [n for n in sizes if all(np.count_nonzero(job.train.select(slice_of(n)).counts) >= enough for job in jobs)]
    if len(usable) < 2:
        raise DataError(
            f"{counted(most, 'row')} of training are too few for a learning curve: the smallest of two sizes has "
            f"{least} rows at least ({ROWS_PER_LABEL} for each label), and more than one label."
        )
    left = [n for n in sizes if n not in usable]
    return usable, [f"No curve below {usable[0]:,} rows: the first {left[-1]:,} have one label."] if left else []


def slice_of(n: int) -> NDArray[np.intp]:
    """The places of the first n rows."""
    return np.arange(n)


def _curve(
    method: TextClassifier, jobs: Sequence[_Job], sizes: Sequence[int], metric: Metric, seed: int
) -> MethodCurve:
    work = [(n, job) for n in sizes for job in jobs if not (job.again and n == len(job.train))]
    found: dict[int, list[Predictions]] = {n: [] for n in sizes}
    for n, job in track(
        work, f"training {method.method} on more and more rows", sum(n for n, _ in work), lambda w: w[0]
    ):
        found[n].append(_predicted(method, job, n))
    in_folds = not any(job.again for job in jobs) and len(jobs) > 1
    points = tuple(_point(n, found[n], metric, seed, in_folds=in_folds) for n in sizes)
    return MethodCurve(method.method, points, _forecasts(points, metric, seed, in_folds=in_folds))


def _predicted(method: TextClassifier, job: _Job, n: int) -> Predictions:
    model = clone(method).twin() if not method.is_floor else clone(method)
    model.fit(job.train.select(slice_of(n)))
    p, truth = model.predict_proba(job.test.texts), np.asarray(job.test.targets)
    return in_groups(check_predictions(p, truth, job.test.task, model.decision), job.test)


def _point(n: int, found: Sequence[Predictions], metric: Metric, seed: int, *, in_folds: bool) -> Point:
    """The score over all trainings: of test rows that were predicted several times, or of folds side by side."""
    p, targets, predicted = (
        np.concatenate([getattr(each, name) for each in found]) for name in ("probabilities", "targets", "predicted")
    )
    worth = float(np.mean([each.worth for each in found])) * (WORTH if in_folds else 1)
    repeats = 1 if in_folds else len(found)
    together = Predictions(p, targets, predicted, found[0].task, repeats=repeats, worth=worth)
    runs = []
    for each in found:
        try:
            runs.append(metric_value(each, metric))
        except DataError:  # a fold that leaves it undefined
            continue
    return Point(n, metric_interval(together, metric, seed=seed), tuple(runs))


def _forecasts(points: Sequence[Point], metric: Metric, seed: int, *, in_folds: bool) -> tuple[Forecast, ...]:
    usable = [point for point in points if not np.isnan(point.score.value)]
    if len(usable) < FEWEST_POINTS:
        return ()
    sign = -1.0 if metric.lower_is_better else 1.0
    noise = _noise(usable, in_folds=in_folds)
    trainings = np.array([max(len(point.runs), 1) for point in usable])
    law = PowerLaw.fit(
        [point.rows for point in usable],
        [sign * point.score.value for point in usable],
        noise / np.sqrt(trainings),
        best=0.0 if metric.lower_is_better else 1.0,
        noise=noise / np.sqrt(trainings[-1]) if in_folds else noise,
        seed=seed,
    )
    most = usable[-1].rows
    return tuple(
        Forecast(n, _turned(law.score(n, seed), sign), law.gain(n, seed)) for n in (most * more for more in MORE)
    )


def _turned(interval: Interval, sign: float) -> Interval:
    low, high = sorted((sign * interval.low, sign * interval.high))
    return Interval(sign * interval.value, low, high)


def _noise(points: Sequence[Point], *, in_folds: bool) -> float:
    """The standard deviation of the score of one training around that of its size, on the same test rows."""
    trainings = max(len(point.runs) for point in points)
    by_chance = float(np.nanmean([(point.score.high - point.score.low) / 2 / _Z for point in points]))
    least = _LEAST_NOISE * by_chance * (math.sqrt(trainings) if in_folds else 1)
    complete = [point.runs for point in points if len(point.runs) == trainings]
    if len(complete[0]) < 2:
        return max(2 * least, 1e-6)
    runs = np.array(complete)  # (sizes, trainings)
    off, free = runs - runs.mean(axis=1, keepdims=True), runs.size - len(runs)
    if in_folds and len(runs) > 1:  # a fold's rows are easier or harder at every size
        off, free = off - off.mean(axis=0, keepdims=True), (len(runs) - 1) * (runs.shape[1] - 1)
    return max(float(np.sqrt((off**2).sum() / free)), least, 1e-6)
