"""When a model should give no answer, and which labels are possible besides: chosen on rows that it was not fitted to.

All three choices are statements about texts that come as the rows did, and each says how sure it is:

- The least confidence at which answers have a wanted accuracy, the last of a sequence of exact tests (``exact_tests``).
- Sets of labels that hold the true one of a wanted share of texts, by split conformal prediction (Vovk, Gammerman and
  Shafer 2005) with the score "1 - probability" (Sadinle, Lei and Wasserman, JASA 2019), which gives the smallest sets.
  The share is one over texts and over draws of the rows, of all texts or of those of each label; not of each text.
- The score below which a text is out of scope: at most a wanted share of texts in scope is called that, by the same
  argument.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.decision import Abstention, ConformalSets, Scope, Sureness, confidence
from textgraft.errors import DataError
from textgraft.evaluation.exact_tests import LEVEL, last_passing
from textgraft.evaluation.inputs import Predictions
from textgraft.wording import counted, percent

Floats = NDArray[np.float64]

Inside = NDArray[np.bool_] | None

CANDIDATES = 100
STARTS = 5  # candidates that share half of the chance of an error
FEWEST_IN_SCOPE = 20
_LEAST_SPREAD = 1e-6


def abstention_for(predictions: Predictions, accuracy: float, inside: Inside = None) -> tuple[Abstention, str]:
    """What ``choose_sureness`` finds, and a sentence on it, or on why there is none."""
    found = choose_sureness(predictions, accuracy, inside)
    return Abstention(found), unreached(predictions, accuracy, inside) if found is None else about_sureness(found)


def choose_sureness(predictions: Predictions, accuracy: float, inside: Inside = None) -> Sureness | None:
    """The lowest threshold on confidence that reaches a wanted accuracy with a chance of ``LEVEL``; None if none does.

    Candidates answer from a hundredth of the rows up to all, and are tested from the surest answers on.

    Args:
        predictions: of rows that the model was not fitted to; of several labels, an answer is right if all of them are.
        accuracy: above 0 and below 1.
        inside: (n,) which of them are in scope, since no other is answered; None is all.
    """
    sure, right, answered = _ordered(predictions, inside)
    if not len(answered):
        return None
    hits, n = np.cumsum(right, dtype=np.int64)[answered - 1], len(sure)
    expected = np.cumsum(sure)[answered - 1]
    starts = np.searchsorted(answered, np.ceil(answered[-1] * np.arange(1, STARTS + 1) / STARTS).astype(np.int64))
    chosen = last_passing(hits, answered, expected, starts, accuracy)
    if chosen is None:
        return None
    m = int(answered[chosen])
    return Sureness(float(sure[m - 1]), float(accuracy), LEVEL, n, m, int(hits[chosen]))


def unreached(predictions: Predictions, accuracy: float, inside: Inside = None) -> str:
    """A sentence on an accuracy that no threshold reaches: what these rows show, at which coverage."""
    n = len(predictions) if inside is None else int(inside.sum())
    least = math.ceil(math.log(1 - LEVEL) / math.log(accuracy))
    wanted, rows = f"{100 * accuracy:g} %", f"{counted(n, 'row')}{'' if inside is None else ' in scope'}"
    start = f"No threshold on confidence is sure to reach an accuracy of {wanted} on {rows}"
    if n < least:
        return f"{start}: that takes {least:,} answers without an error. Give more rows, or ask for less."
    n = len(predictions)  # coverage is of all rows
    for percents in range(math.ceil(100 * accuracy) - 1, 0, -1):
        if (found := choose_sureness(predictions, percents / 100, inside)) is not None:
            share = percent(found.answered / n)
            return f"{start}. The highest one that they show is {percents} %, where {share} of them are answered."
    return f"{start}, nor any lower one of 1 % or more."


def about_sureness(found: Sureness) -> str:
    """A sentence on what was chosen."""
    share, accuracy = found.answered / found.rows, found.right / found.answered
    return (
        f"Texts are answered from a confidence of {found.threshold:.3f} on, which is {percent(share)} of "
        f"{counted(found.rows, 'held-out row')} with an accuracy of {percent(accuracy)}; with a chance of "
        f"{100 * found.level:g} % answers to texts like these are at least {100 * found.accuracy:g} % right."
    )


def choose_sets(predictions: Predictions, coverage: float, *, by_label: bool = False) -> ConformalSets:
    """The least probabilities with which labels stand in sets that hold the true one of a wanted share of texts.

    Of several labels, a set holds all that a text carries; by label, each of them in the wanted share of its texts.
    Where rows are too few to tell, a label is in every set.

    Args:
        predictions: of n rows that the model was not fitted to.
        coverage: above 0 and below 1.
        by_label: whether the share is to hold for the texts of each label (Mondrian), rather than for all together.
    """
    p, truth = np.asarray(predictions.probabilities, np.float64), predictions.truth
    k = truth.shape[1]
    if by_label:
        floors = [_floor(p[truth[:, j], j], 1 - coverage) for j in range(k)]
    else:
        floors = [_floor(np.where(truth, p, 1.0).min(axis=1), 1 - coverage)] * k
    return ConformalSets(tuple(floors), float(coverage), by_label, len(p))


def choose_scope(predictions: Predictions, familiarity: NDArray[Any] | None, false_alarms: float) -> Scope:
    """The score below which a text is out of scope, so that at most a wanted share of texts in scope is called that.

    Args:
        predictions: of n rows in scope that the model was not fitted to.
        familiarity: (n,) of these rows, the higher the more like the training texts; None of a model that knows none.
        false_alarms: above 0 and below 1.

    Raises:
        DataError: the rows are too few to tell.
    """
    n, fewest = len(predictions), max(FEWEST_IN_SCOPE, math.ceil(1 / false_alarms) - 1)
    if n < fewest:
        raise DataError(
            f"Which texts are out of scope, with {percent(false_alarms)} of false alarms, cannot be told from "
            f"{counted(n, 'row')}; give at least {fewest:,} that the model was not trained on."
        )
    sure = confidence(predictions.probabilities, predictions.predicted)
    unit = Scope(0.0, float(false_alarms), n, 1.0, None)
    spreads = [float(unit.scores(sure, None).std())]
    if familiarity is not None:
        spreads.append(float(np.asarray(familiarity, np.float64).std()))
    scope = Scope(0.0, float(false_alarms), n, *(max(spread, _LEAST_SPREAD) for spread in spreads))
    threshold = _floor(scope.scores(sure, familiarity), false_alarms, least=-np.inf)
    return Scope(threshold, scope.false_alarms, n, scope.confidence_spread, scope.familiarity_spread)


def _ordered(predictions: Predictions, inside: Inside) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """(n,) confidences, highest first, whether each answer is right, and how many rows each candidate answers."""
    sure = confidence(predictions.probabilities, predictions.predicted)
    right = predictions.predicted == predictions.targets
    right = right if right.ndim == 1 else right.all(axis=1)
    if inside is not None:
        sure = np.where(inside, sure, -1.0)
    order = np.argsort(-sure, kind="stable")
    sure, right, n = sure[order], right[order], int((sure >= 0).sum())
    ends = np.flatnonzero(np.append(sure[1:] < sure[:-1], True)) + 1  # a threshold never divides ties
    ends = ends[ends <= n]
    wanted = np.ceil(n * np.arange(1, CANDIDATES + 1) / CANDIDATES).astype(np.int64)
    return sure, right, np.unique(ends[np.searchsorted(ends, wanted)]) if n else ends


def _floor(scores: Floats, share: float, least: float = 0.0) -> float:
    """From where on the next score lies with a probability of at least 1 - ``share``; ``least`` if rows are too few."""
    rank = math.floor(share * (len(scores) + 1) + 1e-9)
    return least if rank < 1 else float(np.sort(scores)[rank - 1])
