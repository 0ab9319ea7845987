"""Which of several methods to take: the cheapest that is not measurably worse than the best.

The choice is made on rows of its own. What is reported of the chosen one comes from others: from a test part, which
decides nothing; or, in a cross-validation, from ``cross_fitted``, where each fold has a choice made without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.errors import SettingError, listed
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.metric import Metric
from textgraft.evaluation.paired import PairedTest, compare_predictions, metric_value
from textgraft.unicode import quoted
from textgraft.wording import p_value


@dataclass(frozen=True, eq=False)
class Entry:
    """A method's predictions of the rows that methods are chosen on, by models that were not fitted to them.

    Attributes:
        name: the method's.
        rung: its place on the ladder; a lower one is cheaper.
        predictions: of the same rows as all others.
        is_floor: whether it is only what others are held against, and never recommended.
    """

    name: str
    rung: float
    predictions: Predictions
    is_floor: bool = False


@dataclass(frozen=True)
class Recommendation:
    """What ``recommend`` chose.

    Attributes:
        name: the method to take; None where nothing can be recommended.
        best: the method with the best value, the floor aside; None where only the floor was compared.
        metric: what they were compared by, as it is kept in an Evaluation.
        called: its name for people.
        values: each method's value on the rows of the choice, from the cheapest to the dearest.
        tests: each other method, the floor too, against the best: its value minus the best's.
        p_values: the tests' p-values after Holm's correction for their number.
        missing: what the data lack for any recommendation, as a clause; empty where they have enough.
        floors: the names of those that are only held against.
        alpha: the level of the tests.
    """

    name: str | None
    best: str | None
    metric: str
    called: str
    values: dict[str, float]
    tests: dict[str, PairedTest]
    p_values: dict[str, float]
    missing: str = ""
    floors: tuple[str, ...] = ()
    alpha: float = 0.05

    @property
    def sentence(self) -> str:
        """The choice with its reason; ties are called ties."""
        if self.best is None:
            return "Nothing is recommended, since nothing but the floor was compared."
        if self.missing:
            return f"Nothing is recommended: {self.missing}. Label more texts; until then the figures say little."
        if self.name is None:
            against = "".join(f": {self._tie(floor)}" for floor in self.floors[:1])
            return (
                f"Nothing is recommended: no method is measurably better than the floor, always giving the most "
                f"frequent label{against}. More rows, or other texts, may tell."
            )
        start = f"Recommended: {self.name}"
        if self.name != self.best:
            return f"{start}, which ties with the best and is cheaper: {self._tie(self.name)}."
        names = list(self.values)
        cheaper, dearer = names[: names.index(self.name)], names[names.index(self.name) + 1 :]
        if set(names) == {self.name, *self.floors} and cheaper:
            return (
                f"{start}, the only method compared, and measurably better than the floor ({self._largest(cheaper)})."
            )
        sentence = f"{start}, the best"
        passed_over, cheaper = self._tied(cheaper), [name for name in cheaper if self.p_values[name] < self.alpha]
        if passed_over:
            sentence += f"; {listed(passed_over)} {'ties' if len(passed_over) == 1 else 'tie'} with it and"
            sentence += f" {'is' if len(passed_over) == 1 else 'are'} cheaper, but not measurably better than the floor"
        elif cheaper:
            what = "the floor" if set(cheaper) <= set(self.floors) else "all that is cheaper"
            sentence += f", and measurably better than {what} ({self._largest(cheaper)})"
        if tied := self._tied(dearer):
            costs = "ties with it and costs" if len(tied) == 1 else "tie with it and cost"
            sentence += f"; {listed(tied)} {costs} more"
        return f"{sentence}."

    def _tied(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.p_values[name] >= self.alpha]

    def _largest(self, names: Sequence[str]) -> str:
        return _p(max(self.p_values[name] for name in names))

    def _tie(self, name: str) -> str:
        """The values of a method and the best one, and how far apart they may be."""
        test = self.tests[name]
        low, high = test.difference.low, test.difference.high
        return (
            f"{self.called} {self.values[name]:.3f} and {self.values[str(self.best)]:.3f} ({self.best}), difference "
            f"{test.difference.value:+.3f} [{low:+.3f}, {high:+.3f}], {_p(self.p_values[name])}"
        )

    def __str__(self) -> str:
        return self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        tests = {name: test.to_dict() | {"p_value_holm": self.p_values[name]} for name, test in self.tests.items()}
        start = {"recommended": self.name, "best": self.best, "metric": self.metric, "values": self.values}
        return start | {"tests": tests, "missing": self.missing, "sentence": self.sentence}


def recommend(
    entries: Sequence[Entry],
    *,
    metric: Any = None,
    missing: str = "",
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = 2000,
) -> Recommendation:
    """The cheapest method that a paired test cannot tell from the best, and can tell from the floor.

    Each method is tested against the one with the best value; the p-values are corrected for the number of tests
    (Holm, Scandinavian Journal of Statistics 1979; Dror et al., TACL 2017). So a dearer method that is no better is
    preferred to a cheaper one in at most ``alpha`` of all cases.

    Args:
        entries: the methods; of equal rungs the first counts as cheaper.
        metric: what they are compared by, in any form that ``Metric.read`` takes; None is the usual one.
        missing: what the data lack for a recommendation, see ``Recommendation``.
        alpha: a method is measurably worse below this p-value.
        seed: of the resamples.
        resamples: how many.

    Raises:
        DataError: a metric that the rows leave undefined.
        SettingError: no entries, two of one name, an unknown metric, or an option that cannot be used.
    """
    given = [entry.name for entry in entries]
    if not given or len(set(given)) < len(given):
        raise SettingError(
            f"A comparison needs at least one method and a name of its own for each; got {listed(given, 20) or 'none'}."
        )
    if not 0 < alpha < 1:
        raise SettingError(f"alpha must lie between 0 and 1; got {quoted(alpha)}. 0.05 is usual.")
    ladder = sorted(entries, key=lambda entry: entry.rung)
    main = Metric.read(metric, ladder[0].predictions.task)
    values = {entry.name: metric_value(entry.predictions, main) for entry in ladder}
    learners = [entry for entry in ladder if not entry.is_floor]
    if not learners:
        return Recommendation(None, None, str(main), main.called, values, {}, {}, missing, tuple(values), alpha)
    sign = -1 if main.lower_is_better else 1
    best = max(learners, key=lambda entry: sign * values[entry.name])  # of equal ones the cheapest
    how: dict[str, Any] = {"metric": main, "seed": seed, "resamples": resamples}
    tests = {
        entry.name: compare_predictions(entry.predictions, best.predictions, **how)
        for entry in ladder
        if entry is not best
    }
    p_values = dict(zip(tests, holm([test.p_value for test in tests.values()]), strict=True))
    floors = [entry for entry in ladder if entry.is_floor]

    def beats(entry: Entry, floor: Entry) -> bool:
        known = tests[floor.name] if entry is best else None
        test = known or compare_predictions(floor.predictions, entry.predictions, **how)
        return sign * test.difference.value < 0 and test.p_value < alpha

    able = (entry for entry in learners if entry is best or p_values[entry.name] >= alpha)
    chosen = None if missing else next((e.name for e in able if all(beats(e, floor) for floor in floors)), None)
    names = tuple(floor.name for floor in floors)
    return Recommendation(chosen, best.name, str(main), main.called, values, tests, p_values, missing, names, alpha)


def cross_fitted(
    entries: Sequence[Entry],
    folds: NDArray[np.int64],
    choose: Callable[[Sequence[Entry]], str] | None = None,
    **how: Any,
) -> tuple[Predictions, dict[str, int]]:
    """What the choice itself predicts: each fold by the method that is chosen on the other folds' rows.

    So no row has a say in the choice of what predicts it, and the figures are not those of the luckiest method (Varma
    and Simon, BMC Bioinformatics 2006; Tsamardinos et al., Machine Learning 2018).

    Args:
        entries: with out-of-fold predictions of n rows, in r repetitions.
        folds: (r, n) the fold of each row.
        choose: gives the name of the entry to take; None is ``recommend``.
        how: options of ``recommend``. Where that recommends nothing, the best method counts as chosen.

    Returns:
        The predictions, and how often each method was chosen.
    """
    n = folds.shape[1]
    predicted = [entry.predictions for entry in entries]
    p, labels = predicted[0].probabilities.copy(), predicted[0].predicted.copy()
    chosen: Counter[str] = Counter()
    for repetition, fold in enumerate(folds):
        for number in np.unique(fold):
            others, own = (np.flatnonzero(at) + repetition * n for at in (fold != number, fold == number))
            seen = [replace(e, predictions=e.predictions.select(others)) for e in entries]
            name = _recommended(seen, **how) if choose is None else choose(seen)
            at = next(i for i, entry in enumerate(entries) if entry.name == name)
            p[own], labels[own] = predicted[at].probabilities[own], predicted[at].predicted[own]
            chosen[entries[at].name] += 1
    return replace(predicted[0], probabilities=p, predicted=labels, answered_from=None), dict(chosen)


def _recommended(entries: Sequence[Entry], **how: Any) -> str:
    """The name of the method to take; of the best where none is recommended, of the floor where there is no other."""
    found = recommend(entries, **how)
    return found.name or found.best or entries[0].name


def holm(p_values: ArrayLike) -> list[float]:
    """P-values corrected for their number: the chance of any false finding stays below the level (Holm 1979)."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))))
    return [float(value) for value in corrected]


def _p(value: float) -> str:
    shown = p_value(value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"
