"""How labels follow from probabilities: the most probable one, those above their thresholds, or the cheapest one; when
none is given, and which labels are possible besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.task import Task

Floats = NDArray[np.float64]

MEASURES = ("precision", "recall")  # that a threshold can be chosen for
UNSURE, OUT_OF_SCOPE = "unsure", "out of scope"  # why no answer is given
_CLIP = 1e-7  # of a confidence whose log odds are taken: what float32 tells from 1


@dataclass(frozen=True, eq=False)
class Decision:
    """What is predicted where.

    Attributes:
        thresholds: (k,) float32, above 0 and below 1. A label of a multi-label task is predicted from this probability
            on. A single-label task predicts the label whose probability is the largest multiple of its threshold, which
            is the most probable one where all thresholds are equal; of two labels with thresholds ``(1 - t, t)`` it is
            the second one from the probability ``t`` on.
        costs: (k, k) of a single-label task, a row for each true label and a column for each predicted one; the label
            with the lowest expected cost is predicted, and thresholds play no part (Elkan, IJCAI 2001). None where
            there are none.
    """

    thresholds: NDArray[np.float32]
    costs: NDArray[np.float64] | None = None

    @classmethod
    def usual(cls, task: Task) -> Decision:
        """The most probable label, or all from one half on."""
        return cls(np.full(len(task), 0.5, np.float32))

    def targets(self, probabilities: NDArray[Any], task: Task) -> NDArray[Any]:
        """Targets from (n, k) probabilities: (n,) int64, or (n, k) bool for a multi-label task."""
        if task.multi_label:
            return np.asarray(probabilities >= self.thresholds)
        if self.costs is not None:
            return np.asarray((probabilities @ self.costs).argmin(axis=1), np.int64)
        if (self.thresholds != self.thresholds[0]).any():
            probabilities = probabilities / self.thresholds
        return np.asarray(probabilities.argmax(axis=1), np.int64)


def confidence(probabilities: NDArray[Any], targets: NDArray[Any]) -> Floats:
    """(n,) how probable it is that what is predicted is right: the probability of the predicted label.

    Of several labels, that all are right and none is missing, as if they did not depend on each other.

    Args:
        probabilities: (n, k).
        targets: what is predicted, (n,) places of labels or (n, k) bool.
    """
    p = np.asarray(probabilities, np.float64)
    if targets.ndim == 1:
        return np.asarray(p[np.arange(len(p)), targets])
    return np.asarray(np.where(targets, p, 1 - p).prod(axis=1))


@dataclass(frozen=True)
class Goal:
    """A precision or a recall of a label for which its threshold was chosen.

    Attributes:
        label: its name.
        measure: ``"precision"``, the share that carries the label of texts that are given it, or ``"recall"``, the
            share that is given it of texts that carry it.
        wanted: from which share on.
        level: how sure it is that the threshold reaches it.
        rows: on which it was chosen.
        given: of these, the ones that are given the label by the threshold.
        carry: the ones that carry it.
        hits: the ones that carry it and are given it.
        fingerprint: of these rows; None of those that ``fit`` held out.
    """

    label: str
    measure: str
    wanted: float
    level: float
    rows: int
    given: int
    carry: int
    hits: int
    fingerprint: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote; raises as ``Abstention.from_dict``."""
        goal: Self = _read(cls, content)
        if goal.measure not in MEASURES:
            raise ValueError("its measure is none of a goal")
        return goal


@dataclass(frozen=True)
class Sureness:
    """The least confidence with which an answer is given, so that answers have a wanted accuracy.

    Attributes:
        threshold: answers are given from this confidence on.
        accuracy: that was wanted of them.
        level: how sure it is that the threshold reaches it.
        rows: on which it was chosen.
        answered: of these.
        right: of those that are answered.
    """

    threshold: float
    accuracy: float
    level: float
    rows: int
    answered: int
    right: int


@dataclass(frozen=True)
class Scope:
    """What is unlike all that the model was trained for.

    The score of a text is the sum of the log odds of its confidence and its familiarity (how much it is like training
    texts), each over its spread among texts in scope.

    Attributes:
        threshold: texts below this score are out of scope.
        false_alarms: the share of texts in scope that may be called out of it.
        rows: in scope, on which it was chosen.
        confidence_spread: the standard deviation of the log odds.
        familiarity_spread: that of the familiarity; None of a model that knows none, which goes by confidence alone.
    """

    threshold: float
    false_alarms: float
    rows: int
    confidence_spread: float
    familiarity_spread: float | None = None

    def scores(self, sure: Floats, familiarity: NDArray[Any] | None) -> Floats:
        """(n,) the higher the more in scope, from (n,) confidences and familiarities."""
        p = np.clip(sure, _CLIP, 1 - _CLIP)
        scores = np.log(p / (1 - p)) / self.confidence_spread
        if self.familiarity_spread is not None and familiarity is not None:
            scores = scores + np.asarray(familiarity, np.float64) / self.familiarity_spread
        return np.asarray(scores)


@dataclass(frozen=True)
class ConformalSets:
    """Which labels are possible: sets that hold the true label of a wanted share of texts.

    Attributes:
        floors: (k,) the least probability of each label in a set; what is predicted is in it whatever its probability.
        coverage: the share of texts that was wanted.
        by_label: whether it was wanted of the texts of each label, in place of all together.
        rows: on which it was chosen.
    """

    floors: tuple[float, ...]
    coverage: float
    by_label: bool
    rows: int

    def members(self, probabilities: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.bool_]:
        """(n, k) the labels in the set of each text, from probabilities and what is predicted."""
        members = np.asarray(probabilities, np.float64) >= np.array(self.floors)
        if targets.ndim == 2:
            return np.asarray(members | targets)
        members[np.arange(len(members)), targets] = True
        return members


@dataclass(frozen=True)
class Abstention:
    """When a model gives no answer, and what else is possible; each part only where it was chosen.

    Attributes:
        sureness: which texts it is too unsure of.
        scope: which texts are unlike all that it was trained for.
        sets: which labels are possible.
        fingerprint: of the rows by which the last of these was chosen; None of those that ``fit`` held out.
    """

    sureness: Sureness | None = None
    scope: Scope | None = None
    sets: ConformalSets | None = None
    fingerprint: str | None = None

    @property
    def abstains(self) -> bool:
        """Whether there are texts that get no answer."""
        return self.sureness is not None or self.scope is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote.

        Raises:
            TypeError, ValueError: it is none of that.
        """
        parts = {name: part for name, part in content.items() if part is not None}
        fingerprint = parts.pop("fingerprint", None)
        if not parts.keys() <= _PARTS.keys() or not isinstance(fingerprint, str | None):
            raise ValueError("it has other parts")
        return cls(**{name: _read(_PARTS[name], part) for name, part in parts.items()}, fingerprint=fingerprint)

    def reasons(
        self, probabilities: NDArray[Any], targets: NDArray[Any], familiarity: NDArray[Any] | None = None
    ) -> list[str]:
        """Why each of n texts gets no answer, ``"out of scope"`` or ``"unsure"``; empty where it gets one."""
        sure = confidence(probabilities, targets)
        said = np.full(len(sure), "", dtype=object)
        if self.sureness is not None:
            said[sure < self.sureness.threshold] = UNSURE
        if self.scope is not None:
            said[self.scope.scores(sure, familiarity) < self.scope.threshold] = OUT_OF_SCOPE
        return list(said)


_PARTS: Mapping[str, type[Any]] = {"sureness": Sureness, "scope": Scope, "sets": ConformalSets}


def _read(kind: type[Any], content: Any) -> Any:
    """A ``Goal`` or a part of an ``Abstention``: all its fields, each of its type and finite."""
    types: dict[str, tuple[type, ...]] = {"int": (int,), "bool": (bool,), "float": (int, float), "str": (str,)}
    read: dict[str, Any] = {}
    for field in fields(kind):
        value, said = content[field.name], str(field.type)
        if said.startswith("tuple"):
            value = tuple(value)
            right = all(type(each) in (int, float) and 0 <= each <= 1 for each in value)
        else:
            right = type(value) in types[said.removesuffix(" | None")] or (value is None and said.endswith("None"))
        if not right:
            raise ValueError(f"its {field.name} is of another kind")
        read[field.name] = value
    if content.keys() != read.keys():
        raise ValueError(f"{kind.__name__} has other fields")
    if any(name.endswith("_spread") and value is not None and value <= 0 for name, value in read.items()):
        raise ValueError("a spread is not above 0")
    return kind(**read)
