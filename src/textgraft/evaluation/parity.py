"""Does an export answer as the model does? Probabilities, labels and the metric before and after, and a gate.

Quantisation is judged by what it does to answers, not to weights. The mean metric alone hides it: labels that turn
from right to wrong and from wrong to right cancel out ("flips"; Dutta et al. 2024, arXiv:2407.09141; Hooker et al.
2019, arXiv:1911.05248). So the gate looks at three things: the largest difference of a probability, the share of
texts that keep all their labels, and the metric that stands for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.decision import Decision
from textgraft.errors import ArtifactError, DataError, SettingError
from textgraft.evaluation import Interval, compare_paired, evaluate_probabilities, headline_of
from textgraft.evaluation.bootstrap import plain
from textgraft.task import Targets, Task
from textgraft.unicode import quoted

ROUNDING = 1e-9  # of shares and metrics, so that 1 of 100 texts is no more than 1 %


@dataclass(frozen=True)
class Tolerance:
    """How far an export may be from the model; None is what is usual for its precision.

    Attributes:
        largest_difference: of any probability of any text, 0 to 1.
        equal_labels: least share of the texts that keep all their labels. Below 1 one text may always differ: in a
            sample of 40 it would be 2.5 % already.
        metric_drop: by how much accuracy or micro-F1 may be lower on the same texts, 0.005 being half a point; or by
            what one text comes to, where that is more.
    """

    largest_difference: float | None = None
    equal_labels: float | None = None
    metric_drop: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is not None and not (number and 0 <= value <= 1):
                raise SettingError(
                    f"{name} of a tolerance must be a number from 0 to 1, 0.01 being 1 %; got {quoted(value)}."
                )


# fp32 differs by the order of sums only. Measured on all-MiniLM-L6-v2 and emotion, 341 texts: the largest difference
# in bf16 was 0.005 (features) and 0.017 (fine-tuned), in static int8 0.09 to 0.17 with 97.1 to 98.8 % equal labels; in
# dynamic int8 it was 0.17 with 2 points of accuracy lost, and 0.36 with none.
USUAL = {
    "fp32": Tolerance(1e-3, 0.999, 0.001),
    "fp16": Tolerance(0.02, 0.99, 0.002),
    "bf16": Tolerance(0.05, 0.99, 0.002),
    "int8": Tolerance(0.25, 0.98, 0.005),
}


def tolerance_for(precision: str, given: Tolerance | None = None) -> Tolerance:
    """The tolerance of a precision: what is usual, with what is given in its place.

    Raises:
        SettingError: an unknown precision.
    """
    if precision not in USUAL:
        raise SettingError(f"precision must be one of {', '.join(USUAL)}; got {quoted(precision)}.")
    chosen = {name: value for name, value in asdict(given or Tolerance()).items() if value is not None}
    return Tolerance(**(asdict(USUAL[precision]) | chosen))


@dataclass(frozen=True)
class Parity:
    """How an export answers beside the model, on the same texts.

    Attributes:
        texts: how many there are.
        undefined: texts with a probability that is no number; they count as differing by 1 in all they have.
        largest_difference: of any probability of any text.
        mean_difference: of all probabilities of all texts.
        equal_labels: share of the texts that keep all their labels.
        equal_decisions: share of the single decisions that stay; other than ``equal_labels`` in a multi-label task.
        metric: what ``before``, ``after`` and ``change`` are of: ``accuracy``, or ``f1_micro`` of a multi-label task.
        before: of the model, with its 95 % interval; None where the texts have no labels.
        after: of the export; None also where an answer is no number.
        change: after minus before, with the interval of the paired bootstrap.
        speed_before: texts a second of the model, measured in the same run; for information, it decides nothing.
        speed_after: texts a second of the export.
    """

    texts: int
    undefined: int
    largest_difference: float
    mean_difference: float
    equal_labels: float
    equal_decisions: float
    metric: str
    before: Interval | None = None
    after: Interval | None = None
    change: Interval | None = None
    speed_before: float | None = None
    speed_after: float | None = None

    def fault(self, tolerance: Tolerance) -> str | None:
        """What keeps the export from being taken, as a sentence with numbers; None where it is within ``tolerance``.

        Bounds of ``tolerance`` that are None are not looked at.
        """
        sentence = "; ".join(self._faults(tolerance.largest_difference, tolerance.equal_labels, tolerance.metric_drop))
        return f"{sentence[0].upper()}{sentence[1:]}." if sentence else None

    def _faults(self, most: float | None, least: float | None, drop: float | None) -> Iterator[str]:
        if self.undefined:
            yield f"{self.undefined:,} of {self.texts:,} texts get probabilities that are no numbers"
        elif most is not None and not self.largest_difference <= most + ROUNDING:
            yield f"a probability differs by {self.largest_difference:.2g}, at most {most:.2g} is allowed"
        if least is not None:
            differing = round((1 - self.equal_labels) * self.texts)
            allowed = max(int(least < 1), int((1 - least) * self.texts + ROUNDING))
            if differing > allowed:
                yield (
                    f"{differing:,} of {self.texts:,} texts get other labels ({self.equal_labels:.1%} equal), at most "
                    f"{allowed:,} may ({least:.1%})"
                )
        if drop is None or self.change is None or self.before is None or self.after is None:
            return
        if not -self.change.value <= max(drop, bool(drop) / self.texts) + ROUNDING:
            yield (
                f"{self.metric} falls from {self.before.value:.3f} to {self.after.value:.3f}, by "
                f"{-100 * self.change.value:.2f} points, at most {100 * drop:.2f} are allowed"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return plain(vars(self))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote.

        Raises:
            ArtifactError: something is missing or of another form.
        """
        try:
            values: Any = {k: Interval.from_dict(v) if isinstance(v, Mapping) else v for k, v in content.items()}
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError(
                f"This is no record of parity as textgraft writes it ({error}). Export again."
            ) from None


@dataclass(frozen=True)
class Attempt:
    """One recipe for an export, and how that answered.

    Attributes:
        recipe: what was done, for people.
        precision: of the matrix products.
        size: of its files, in bytes; 0 where it could not be made.
        tolerance: what it was held to.
        parity: what was measured; None where it could not be made or not be run.
        fault: why it was not taken; None for the one that was.
    """

    recipe: str
    precision: str
    size: int
    tolerance: Tolerance
    parity: Parity | None
    fault: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        content = {"recipe": self.recipe, "precision": self.precision, "bytes": self.size, "fault": self.fault}
        parity = None if self.parity is None else self.parity.to_dict()
        return content | {"tolerance": asdict(self.tolerance), "parity": parity}


def measure(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    task: Task,
    decision: Decision,
    targets: Targets | None = None,
    *,
    speed_before: float | None = None,
    speed_after: float | None = None,
) -> Parity:
    """Compares probabilities of the same n texts.

    Args:
        before: (n, k) of the model itself.
        after: (n, k) of the export.
        task: the labels.
        decision: how labels follow from them.
        targets: (n,) integers, or (n, k) bool of a multi-label task; None gives no metric.
        speed_before: texts a second, to be kept with the rest.
        speed_after: the same of the export.

    Raises:
        DataError: there are no texts, or targets that do not fit.
        SettingError: the two differ in shape.
    """
    if before.shape != after.shape or before.ndim != 2:
        raise SettingError(f"Answers to the same texts must be of one shape; got {before.shape} and {after.shape}.")
    if not len(before):
        raise DataError("Without texts nothing can be compared; give some.")
    defined = np.isfinite(after)
    undefined = ~defined.all(axis=1)
    difference = np.abs(before.astype(np.float64) - np.where(defined, after, 0))
    difference[undefined] = 1
    labels, others = (decision.targets(p, task) for p in (before, after))
    equal = (labels == others) if task.multi_label else (labels == others)[:, None]
    equal[undefined] = False
    of_model = of_export = change = None
    if targets is not None:
        metric = headline_of(task)
        of_model = evaluate_probabilities(before, targets, task, thresholds=decision).metrics[metric]
        if not undefined.any():
            of_export = evaluate_probabilities(after, targets, task, thresholds=decision).metrics[metric]
            change = compare_paired(after, before, targets, task, thresholds=decision).difference
    return Parity(
        texts=len(before),
        undefined=int(undefined.sum()),
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        equal_labels=float(equal.all(axis=1).mean()),
        equal_decisions=float(equal.mean()),
        metric=headline_of(task),
        speed_before=speed_before,
        speed_after=speed_after,
        before=of_model,
        after=of_export,
        change=change,
    )
