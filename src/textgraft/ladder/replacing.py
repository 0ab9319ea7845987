"""May a new model take the place of the one in use? Both on the same labelled rows, by the paired test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.errors import DataError, SettingError, listed
from textgraft.evaluation import Metric
from textgraft.evaluation.bootstrap import Interval
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.paired import ALPHA, PairedTest, compare_predictions, metric_value
from textgraft.evaluation.proportions import Z
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.evaluating import check_size, in_groups, seen_by
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.task import Task
from textgraft.unicode import quoted
from textgraft.wording import counted, decimal, p_value

POWER = 0.84  # the normal quantile of 80 %: a difference that large is found in four cases of five


@dataclass(frozen=True)
class Replacement:
    """A new model beside the one in use, on rows that neither was given when it was fitted.

    Attributes:
        metric: by which they are compared, for people.
        lower_is_better: whether it is a loss.
        rows: on which they are compared.
        new: the metric of the new model.
        old: that of the one in use.
        test: the difference, new minus old, with its 95 % interval and the p-value.
        detectable: the difference that would have been found with a chance of 80 %; None where both give all rows the
            same probabilities.
        notes: sentences on rows that were left out, and on labels that only one of the two knows.
    """

    metric: str
    lower_is_better: bool
    rows: int
    new: float
    old: float
    test: PairedTest
    detectable: float | None
    notes: tuple[str, ...] = ()

    @property
    def is_measurable(self) -> bool:
        """Whether the test can tell the two from each other."""
        return self.test.p_value < ALPHA

    @property
    def is_worse(self) -> bool:
        """Whether the new one is measurably worse."""
        gain = -self.test.difference.value if self.lower_is_better else self.test.difference.value
        return self.is_measurable and gain < 0

    @property
    def sentence(self) -> str:
        """What it comes to."""
        verdict = "not measurably different from"
        if self.is_measurable:
            verdict = "measurably worse than" if self.is_worse else "measurably better than"
        by, p = self.test.difference, p_value(self.test.p_value)
        by_how_much = f"{by.value:+.3f} [{by.low:+.3f}, {by.high:+.3f}]"
        said = (
            f"The new model is {verdict} the one in use: {self.metric} {decimal(self.new)} against "
            f"{decimal(self.old)}, a difference of {by_how_much} on {counted(self.rows, 'row')} "
            f"(p {p if p.startswith('<') else f'= {p}'})."
        )
        if self.is_measurable:
            return said
        if self.detectable is None:
            return f"{said} Both give each of these rows the same probabilities."
        return f"{said} A difference of {self.detectable:.3f} would have been found in four of five cases."

    def __str__(self) -> str:
        return " ".join((self.sentence, *self.notes))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        figures = {name: value for name, value in vars(self).items() if name not in ("test", "notes")}
        verdict = {"worse": self.is_worse, "measurable": self.is_measurable, "sentence": self.sentence}
        return figures | {"test": self.test.to_dict(), "notes": list(self.notes)} | verdict


def compare_with(
    new: TextClassifier,
    old: TextClassifier,
    data: Data,
    labels: Labels | None = None,
    *,
    metric: Any = None,
    seed: int = 0,
) -> Replacement:
    """Compares a new model with the one in use, by the paired test on rows that neither has seen.

    Rows that stand in the training or validation data of either of the two are left out, as far as the models keep
    which texts they were given. Labels that only one of the two knows are never given by the other.

    Args:
        new: a fitted classifier.
        old: another one, for the same kind of task.
        data: labelled rows: a Dataset, texts with their ``labels``, or (text, label) pairs.
        labels: of the texts, in any form that ``fit`` takes.
        metric: in any form that the hyperparameter ``metric`` takes; None is that of the new model.
        seed: of the resamples.

    Raises:
        DataError: a row has a label that neither knows, or all rows were given to one of the two, or the metric is
            undefined on the others.
        SettingError: one model gives a text one label and the other several, or the metric is none of the task.
    """
    check_fitted(new)
    check_fitted(old)
    if new.task_.multi_label != old.task_.multi_label:
        raise SettingError(
            f"The new model is {new.task_.kind} and the one in use {old.task_.kind}; only models for the same kind of "
            "task can be compared."
        )
    only_new, only_old = (
        [label for label in a.task_.labels if label not in b.task_.labels] for a, b in ((new, old), (old, new))
    )
    task = Task((*new.task_.labels, *only_old), new.task_.multi_label)
    rows = as_dataset(data, labels, who="compare_with", task=task, merged=new.fitted_on_.merged)
    check_size(len(rows), len(task))
    rows, notes = _unseen(rows, {"new model": new, "model in use": old})
    for names, knows, lacks in ((only_new, "new model", "one in use"), (only_old, "one in use", "new model")):
        if names:
            notes.append(
                f"Only the {knows} knows {listed(map(quoted, names), 12)}; the {lacks} never gives "
                f"{'it' if len(names) == 1 else 'them'}."
            )
    wanted = Metric.read(new.metric_ if metric is None else metric, task)
    a, b = (in_groups(_predictions(model, rows, task), rows) for model in (new, old))
    test = compare_predictions(a, b, wanted, seed=seed)
    return Replacement(
        metric=wanted.called,
        lower_is_better=wanted.lower_is_better,
        rows=len(rows),
        new=metric_value(a, wanted),
        old=metric_value(b, wanted),
        test=test,
        detectable=_detectable(test.difference),
        notes=tuple(notes),
    )


def _unseen(data: Dataset, models: dict[str, TextClassifier]) -> tuple[Dataset, list[str]]:
    """The rows that no model was given, and sentences on the others."""
    left, notes = np.ones(len(data), np.bool_), list[str]()
    for name, model in models.items():
        found = seen_by(model, data)
        if found is None:
            notes.append(f"Whether the {name} was trained on some of these rows is not known.")
            continue
        trained, chosen, known = found
        left &= known & ~trained & ~chosen
        if given := int((trained | chosen).sum()):
            notes.append(f"{counted(given, 'row')} of {len(data):,} stood in the training data of the {name}.")
        if sampled := int((~known).sum()):
            notes.append(f"Of {counted(sampled, 'row')} it is not known whether the {name} was trained on them.")
    if left.all():
        return data, notes
    if not left.any():
        raise DataError(
            f"{' '.join(notes)} No row is left that tells how good both are on new texts; give rows that neither model "
            "was trained on."
        )
    notes.append(f"They are left out, so that {counted(int(left.sum()), 'row')} remain{'s' * (int(left.sum()) == 1)}.")
    return data.select(left), notes


def _predictions(model: TextClassifier, data: Dataset, task: Task) -> Predictions:
    """What a model predicts of n rows, in a task that has all its labels and maybe others."""
    own = model.predict_proba(data.texts)
    decided: NDArray[Any] = model.decision.targets(own, model.task_)
    place = np.array([task.labels.index(label) for label in model.task_.labels], np.int64)
    p = np.zeros((len(data), len(task)), own.dtype)
    p[:, place] = own
    predicted: NDArray[Any] = place[decided] if not task.multi_label else np.zeros(p.shape, np.bool_)
    if task.multi_label:
        predicted[:, place] = decided
    return Predictions(p, np.asarray(data.targets), predicted, task)


def _detectable(difference: Interval) -> float | None:
    """The difference that is found with a chance of 80 %: what a test is planned by, as far as these rows vary."""
    deviation = (difference.high - difference.low) / (2 * Z)
    return (Z + POWER) * deviation if deviation > 0 else None
