"""How right answers are where a model may abstain: coverage and accuracy, sets of labels, texts out of scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from textgraft.decision import UNSURE, Abstention, Scope, confidence
from textgraft.evaluation.bootstrap import Interval, plain
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.proportions import auc_ends, share_ends

Floats = NDArray[np.float64]

POINTS, FEWEST = 60, 20  # of a curve that is drawn, and rows of which a share says something
COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class Answered:
    """What is answered from a confidence on.

    Attributes:
        threshold: the confidence.
        coverage: the share of rows that get an answer.
        accuracy: the share of these answers that are right; of several labels, all of them. Undefined without any.
    """

    threshold: float
    coverage: Interval
    accuracy: Interval


@dataclass(frozen=True)
class SetFigures:
    """How sets of possible labels do.

    Attributes:
        wanted: the coverage for which they were chosen.
        by_label: whether it was wanted of the texts of each label.
        coverage: the share of rows whose labels are all in their set.
        size: labels in a set, on average.
        of_one: the share of sets with one label or none.
        per_label: of the rows that carry a label, the share in whose set it is.
    """

    wanted: float
    by_label: bool
    coverage: Interval
    size: float
    of_one: float
    per_label: dict[str, Interval]


@dataclass(frozen=True)
class OfFolds:
    """The thresholds of the models of folds.

    Attributes:
        share: of the rows whose model found a threshold; the others are left out.
        lowest: threshold; None where no model found one.
        highest: threshold.
    """

    share: float
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Selective:
    """Coverage and accuracy of a model that may abstain.

    Attributes:
        n: rows.
        curve: at fixed shares of the rows, the surest first: the coverage-risk curve (El-Yaniv and Wiener, JMLR 2010).
        wanted: the accuracy for which the model's threshold was chosen; None where it has none.
        at_threshold: what it answers by that; None where it has none.
        out_of_scope: the share of rows that it calls out of scope; None where it does not.
        sets: None where it has none.
        of_folds: None where one model predicted all rows. Else ``at_threshold`` is of rows out of fold, each answered
            by the threshold that the model of its fold chose itself; ``at_threshold.threshold`` is that of the model of
            all rows.
    """

    n: int
    curve: tuple[Answered, ...]
    wanted: float | None = None
    at_threshold: Answered | None = None
    out_of_scope: Interval | None = None
    sets: SetFigures | None = None
    of_folds: OfFolds | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        sets = None if self.sets is None else plain(vars(self.sets)) | {"per_label": plain(self.sets.per_label)}
        return plain(vars(self)) | {
            "curve": [plain(vars(point)) for point in self.curve],
            "at_threshold": None if self.at_threshold is None else plain(vars(self.at_threshold)),
            "sets": sets,
            "of_folds": None if self.of_folds is None else dict(vars(self.of_folds)),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is none of that.
        """
        sets, wanted = content["sets"], content["wanted"]
        return cls(
            n=int(content["n"]),
            curve=tuple(map(_answered, content["curve"])),
            wanted=None if wanted is None else float(wanted),
            at_threshold=None if content["at_threshold"] is None else _answered(content["at_threshold"]),
            out_of_scope=None if content["out_of_scope"] is None else Interval.from_dict(content["out_of_scope"]),
            sets=None
            if sets is None
            else SetFigures(
                float(sets["wanted"]),
                bool(sets["by_label"]),
                Interval.from_dict(sets["coverage"]),
                float(sets["size"]),
                float(sets["of_one"]),
                {str(label): Interval.from_dict(each) for label, each in sets["per_label"].items()},
            ),
            of_folds=None if (found := content.get("of_folds")) is None else OfFolds(**found),
        )


@dataclass(frozen=True)
class OutOfScope:
    """How well texts out of scope are told from those in scope.

    Attributes:
        n_in: rows in scope.
        n_out: rows out of scope.
        auroc: of the model's score; of the confidence alone where no scope was chosen.
        auroc_of_confidence: of the confidence alone, which for one label is the maximum probability.
        wanted: the share of false alarms for which the threshold was chosen; None where there is none.
        false_alarms: the share of rows in scope that are called out of it; None where there is no threshold.
        found: the share of rows out of scope that are called that; None where there is no threshold.
    """

    n_in: int
    n_out: int
    auroc: Interval
    auroc_of_confidence: Interval
    wanted: float | None = None
    false_alarms: Interval | None = None
    found: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return plain(vars(self))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote; raises as ``Selective.from_dict``."""
        read: dict[str, Any] = {
            name: Interval.from_dict(each) if isinstance(each, Mapping) else each for name, each in content.items()
        }
        return cls(**read)


def coverage_risk(predictions: Predictions, shares: Sequence[float] | None = None) -> tuple[Answered, ...]:
    """What is right of what is answered, the surest rows first (El-Yaniv and Wiener, JMLR 2010).

    Args:
        predictions: the rows; those of equal confidence are answered together.
        shares: of the rows that are answered; None is sixty of them, from the 20 surest rows to all.
    """
    sure, right = _answers(predictions)
    n, each = len(sure), _Shares(predictions)
    wanted = np.linspace(min(1, FEWEST / n), 1, POINTS).tolist() if shares is None else shares
    order = np.sort(sure)[::-1]
    cuts = [float(order[max(1, round(n * share)) - 1]) for share in wanted]
    return tuple(each.answered(cut, sure >= cut, right) for cut in dict.fromkeys(cuts))


def selective(predictions: Predictions, abstention: Abstention, familiarity: NDArray[Any] | None = None) -> Selective:
    """Coverage and accuracy of predictions of n rows, and what the abstention of their model makes of them.

    Args:
        predictions: the rows; of those predicted several times, each prediction counts as its part of a row. With
            ``answered_from``, the confidence from which the model of each row's fold answers (NaN where it found none),
            rows are answered by that.
        abstention: of the model; one without parts leaves the curve.
        familiarity: (n,) of these rows, where the model's scope goes by it.
    """
    p, targets = predictions.probabilities, predictions.predicted
    _, right = _answers(predictions)
    share = _Shares(predictions)
    curve = coverage_risk(predictions, COVERAGES)
    found = Selective(predictions.rows, curve)
    reasons = np.array(abstention.reasons(p, targets, familiarity), dtype=object)
    changes: dict[str, Any] = {}
    if abstention.sureness is not None:
        cut = abstention.sureness.threshold
        changes = {"wanted": abstention.sureness.accuracy}
        if predictions.answered_from is None:
            changes["at_threshold"] = share.answered(cut, reasons == "", right)
        else:
            changes |= _of_folds(predictions, predictions.answered_from, cut)
    if abstention.scope is not None:
        changes["out_of_scope"] = share.of(~np.isin(reasons, ("", UNSURE)))
    if abstention.sets is not None:
        changes["sets"] = _set_figures(predictions, abstention, share)
    return Selective(**vars(found) | changes)


def _of_folds(predictions: Predictions, answered_from: Floats, cut: float) -> dict[str, Any]:
    sure, right = _answers(predictions)
    found = ~np.isnan(answered_from)
    if not found.any():
        return {"of_folds": OfFolds(0.0)}
    answered = _Shares(predictions).answered(cut, sure >= answered_from, right, among=found)
    ends = float(answered_from[found].min()), float(answered_from[found].max())
    return {"at_threshold": answered, "of_folds": OfFolds(float(found.mean()), *ends)}


def tell_apart(
    scope: Scope | None, inside: tuple[Floats, NDArray[Any] | None], outside: tuple[Floats, NDArray[Any] | None]
) -> OutOfScope:
    """How well a scope tells texts apart.

    Args:
        scope: of the model; None compares confidences.
        inside: (n,) confidences and familiarities of rows in scope.
        outside: (m,) of rows out of scope.
    """
    n, m = len(inside[0]), len(outside[0])
    alone = _auroc(inside[0], outside[0])
    if scope is None:
        return OutOfScope(n, m, alone, alone)
    scores = scope.scores(*inside), scope.scores(*outside)
    below = [int((each < scope.threshold).sum()) for each in scores]
    return OutOfScope(n, m, _auroc(*scores), alone, scope.false_alarms, _share(below[0], n), _share(below[1], m))


def _answers(predictions: Predictions) -> tuple[Floats, NDArray[np.bool_]]:
    """(n,) confidences, and whether the answers are right; of several labels, all of them."""
    targets = predictions.predicted
    right = targets == predictions.targets
    return confidence(predictions.probabilities, targets), right if right.ndim == 1 else right.all(axis=1)


class _Shares:
    """Shares of the rows of some predictions, with intervals by what these rows are worth."""

    def __init__(self, predictions: Predictions) -> None:
        self._scale = predictions.worth / predictions.repeats

    def of(self, hits: NDArray[np.bool_], among: NDArray[np.bool_] | None = None) -> Interval:
        n = len(hits) if among is None else int(among.sum())
        return _share((hits if among is None else hits & among).sum(), n, self._scale)

    def answered(
        self,
        threshold: float,
        given: NDArray[np.bool_],
        right: NDArray[np.bool_],
        among: NDArray[np.bool_] | None = None,
    ) -> Answered:
        return Answered(threshold, self.of(given, among), self.of(right, given))


def _share(hits: float, rows: float, scale: float = 1.0) -> Interval:
    low, high = share_ends(hits * scale, rows * scale)
    return Interval(hits / rows if rows else np.nan, float(low), float(high))


def _set_figures(predictions: Predictions, abstention: Abstention, share: _Shares) -> SetFigures:
    sets, truth = abstention.sets, predictions.truth
    assert sets is not None
    members = sets.members(predictions.probabilities, predictions.predicted)
    sizes = members.sum(axis=1)
    return SetFigures(
        sets.coverage,
        sets.by_label,
        share.of(np.asarray((members | ~truth).all(axis=1))),
        float(sizes.mean()),
        float((sizes <= 1).mean()),
        {label: share.of(members[:, j], truth[:, j]) for j, label in enumerate(predictions.task.labels)},
    )


def _auroc(inside: Floats, outside: Floats) -> Interval:
    """The chance that a row in scope has a higher score than one out of it, ties by half."""
    n, m = len(inside), len(outside)
    ordered = np.sort(outside)
    below, up_to = (np.searchsorted(ordered, inside, side=side).sum() for side in ("left", "right"))
    area = float((below + up_to) / (2 * n * m))
    low, high = auc_ends(area, n, m)
    return Interval(area, float(low), float(high))


def _answered(content: Mapping[str, Any]) -> Answered:
    figures = (Interval.from_dict(content[name]) for name in ("coverage", "accuracy"))
    return Answered(float(content["threshold"]), *figures)
