"""Do answers stay the same under changes that should not matter, and change under one that should?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.changes import CHANGES, NEGATION, Change, is_about_sentiment
from textgraft.dataset import Dataset
from textgraft.digests import text_number
from textgraft.errors import DataError, SettingError, did_you_mean, listed
from textgraft.evaluation import Interval, Metric, PairedTest
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.paired import ALPHA, compare_predictions, metric_value
from textgraft.evaluation.proportions import share_ends
from textgraft.evaluation.recommend import holm
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.evaluating import predictions_of
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import COUNT, refuse
from textgraft.methods.estimator import check_fitted
from textgraft.progress import track
from textgraft.unicode import quoted, shortened
from textgraft.wording import counted

MOST_ROWS: Final = 1_000
MOST_EXAMPLES: Final = 10
MOST_OF_A_TEXT: Final = 500  # characters of an example


@dataclass(frozen=True)
class Example:
    """A text whose answer is not as it should be after a change.

    Attributes:
        row: where the text stands.
        text, changed: before and after, shortened.
        label: the true label, or labels.
        before, after: the answers.
        moved: how much the probabilities of the labels moved, at most.
    """

    row: str
    text: str
    changed: str
    label: str
    before: str
    after: str
    moved: float


@dataclass(frozen=True)
class Outcome:
    """What a change does to the answers.

    Attributes:
        change: its name.
        what: what it does.
        matters: whether answers should change.
        rows: how many texts it changes; all figures are of these.
        flips: how many of their answers change.
        flipped: the share of these, with an exact 95 % interval (mid-P); [0, 1] of no rows.
        before, after: the metric; None where the rows leave it undefined, and where answers should change.
        effect: the paired test of the metric after against before; None where there is no metric.
        p_value: of that test, corrected for the number of changes (Holm).
        is_worse: whether the metric is measurably worse after the change.
        examples: texts whose answers changed though they should not have, or the other way round, those first whose
            probabilities moved most, or least.
    """

    change: str
    what: str
    matters: bool
    rows: int
    flips: int
    flipped: Interval
    before: float | None
    after: float | None
    effect: PairedTest | None
    p_value: float | None
    is_worse: bool
    examples: tuple[Example, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        effect = None if self.effect is None else self.effect.to_dict()
        plain = {
            "flipped": self.flipped.to_dict(),
            "effect": effect,
            "examples": [vars(each) for each in self.examples],
        }
        return {**vars(self), **plain}


@dataclass(frozen=True)
class Robustness:
    """A model's answers under changes.

    Attributes:
        metric: what ``before`` and ``after`` are, for people.
        rows: how many rows were looked at.
        outcomes: one for each change.
        notes: sentences that a user should see.
    """

    metric: str
    rows: int
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**vars(self), "outcomes": [each.to_dict() for each in self.outcomes], "notes": list(self.notes)}


def robustness(
    model: TextClassifier,
    data: Data,
    labels: Labels | None = None,
    *,
    changes: Sequence[str] | None = None,
    negation: bool | None = None,
    most_rows: int = MOST_ROWS,
    seed: int = 0,
) -> Robustness:
    """Changes texts and looks whether their answers change.

    Args:
        model: a fitted classifier.
        data: rows that it was not trained on: a Dataset, texts with their ``labels``, or (text, label) pairs.
        labels: of the texts, in any form that ``fit`` takes.
        changes: names of ``analysis.changes.CHANGES``; None is all of them.
        negation: whether to look at the negation of sentences, which should change answers; None where labels look
            like opposite feelings.
        most_rows: of more rows so many are taken, chosen by a hash of their texts.
        seed: of resamples, and of the choice of rows.

    Raises:
        SettingError: there is no such change, or ``most_rows`` is no whole number of at least 1.
        DataError: there are no rows, or they carry a label that the model does not have.
    """
    check_fitted(model)
    refuse(COUNT.faults("most_rows", most_rows))
    chosen = _chosen(changes, is_about_sentiment(model.task_) if negation is None else negation)
    data = as_dataset(data, labels, who="robustness", task=model.task_, merged=model.fitted_on_.merged)
    if not len(data):
        raise DataError("There are no rows to change; give a table with labelled texts.")
    notes: tuple[str, ...] = ()
    if len(data) > most_rows:
        hashes = np.array([text_number(text, str(seed).encode()) for text in data.texts], np.uint64)
        notes = (f"{most_rows:,} of {counted(len(data), 'row')} were looked at (--rows, most_rows=).",)
        data = data.select(np.sort(np.argsort(hashes, kind="stable")[:most_rows]))
    if model.seen_ is not None and (trained := int(model.seen_.find(data.texts)[0].sum())):
        notes += (
            f"The model was trained on {trained:,} of the {counted(len(data), 'row')} looked at; its answers to these "
            "may be firmer than to new texts.",
        )
    metric = model.metric_ or Metric.read(None, model.task_)
    before = predictions_of(model, data)
    found = [_outcome(model, data, before, each, metric, seed) for each in track(chosen, "changing texts", len(chosen))]
    return Robustness(metric.called, len(data), _corrected(found, metric), notes)


def _corrected(outcomes: Sequence[Outcome], metric: Metric) -> tuple[Outcome, ...]:
    """The outcomes with p-values for their number, and whether the metric is worse by these."""
    p_values = iter(holm([outcome.effect.p_value for outcome in outcomes if outcome.effect is not None]))
    found = []
    for outcome in outcomes:
        if outcome.effect is not None and outcome.before is not None and outcome.after is not None:
            p, falls = next(p_values), metric.as_score(outcome.after) < metric.as_score(outcome.before)
            outcome = replace(outcome, p_value=p, is_worse=falls and p < ALPHA)  # noqa: PLW2901
        found.append(outcome)
    return tuple(found)


def _chosen(names: Sequence[str] | None, negation: bool) -> list[Change]:
    known = {change.name: change for change in CHANGES}
    for name in names or ():
        if name not in known:
            raise SettingError(
                f"There is no change {quoted(name)} (--changes, changes=); there are {listed(known, 20)}."
                f"{did_you_mean(str(name), known)}"
            )
    chosen = list(known) if names is None else list(dict.fromkeys(names))
    return [*(known[name] for name in chosen), *([NEGATION] if negation else [])]


def _outcome(
    model: TextClassifier, data: Dataset, every: Predictions, change: Change, metric: Metric, seed: int
) -> Outcome:
    changed = [change(text) for text in data.texts]
    touched = np.array([i for i, text in enumerate(changed) if text != data.texts[i]], np.intp)
    unknown = Interval(0.0, 0.0, 1.0)
    nothing = Outcome(change.name, change.what, change.matters, 0, 0, unknown, None, None, None, None, False, ())
    if not len(touched):
        return nothing
    before = every.select(touched)
    after = predictions_of(model, replace(data.select(touched), texts=[changed[i] for i in touched.tolist()]))
    differs = (before.predicted != after.predicted).reshape(len(touched), -1).any(axis=1)
    flips, n = int(differs.sum()), len(touched)
    low, high = share_ends(flips * after.worth, n * after.worth).tolist()
    moved = np.abs(before.probabilities.astype(np.float64) - after.probabilities).max(axis=1)
    wrong = np.flatnonzero(differs != change.matters)
    worst = wrong[np.argsort(moved[wrong] if change.matters else -moved[wrong], kind="stable")[:MOST_EXAMPLES]]
    examples = tuple(_example(data, touched, changed, before, after, moved, int(i)) for i in worst)
    of_rows = replace(nothing, rows=n, flips=flips, flipped=Interval(flips / n, low, high), examples=examples)
    if change.matters:  # what is true after it is not known
        return of_rows
    try:
        effect = compare_predictions(after, before, metric, seed=seed, resamples=1_000)
        one, other = (metric_value(each, metric) for each in (before, after))
    except DataError:  # the rows leave the metric undefined
        return of_rows
    return replace(of_rows, before=one, after=other, effect=effect)


def _example(
    data: Dataset,
    touched: NDArray[np.intp],
    changed: Sequence[str],
    before: Predictions,
    after: Predictions,
    moved: NDArray[np.float64],
    i: int,
) -> Example:
    row, task = int(touched[i]), data.task
    [answer], [other], [truth] = (
        task.decode(each)
        for each in (before.predicted[i : i + 1], after.predicted[i : i + 1], before.targets[i : i + 1])
    )
    text, new = (shortened(each, MOST_OF_A_TEXT) for each in (data.texts[row], changed[row]))
    return Example(data.rows.name(row), text, new, written(truth), written(answer), written(other), float(moved[i]))


def written(labels: str | tuple[str, ...]) -> str:
    """An answer as one string."""
    return labels if isinstance(labels, str) else "; ".join(labels) or "(none)"
