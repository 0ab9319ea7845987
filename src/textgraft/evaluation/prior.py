"""What is believed of a classifier before the first row: that it may be right, and that it may be wrong.

The rows that were evaluated come with pseudo-rows that weigh one row together: half of it right, half of it wrong, as
in Jeffreys' prior of a share. They are copies of some of the rows with the truth replaced, so that an error costs what
an error of this classifier would cost. With exponential weights for the rows and gamma weights for the pseudo-rows, the
resamples come from the posterior of a Dirichlet process (Ferguson, Annals of Statistics 1973).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.proportions import Z
from textgraft.extras import import_scipy

COPIES = 50  # of each outcome; their weights are so uneven that more would change nothing
HELD = 0.1  # of a row
RIGHT, WRONG = True, False
Floats = NDArray[np.float64]


def with_pseudo_rows(
    predictions: Predictions, outcomes: Sequence[bool] = (RIGHT, WRONG), *, seed: int
) -> tuple[Predictions, NDArray[np.float32]]:
    """The predictions with pseudo-rows behind them, for each of ``outcomes`` some.

    Args:
        predictions: of n rows.
        outcomes: whether the pseudo-rows are right or wrong; all outcomes weigh the same.
        seed: of the choice of the rows that are copied.

    Returns:
        Predictions of more rows, and (rows,) the shapes of the gamma distributions of the rows' weights.
    """
    n, repeats = predictions.rows, predictions.repeats
    rng = np.random.default_rng(seed)
    copied = rng.integers(0, n, COPIES)
    places = (np.arange(repeats)[:, None] * n + copied).ravel()
    p, predicted = predictions.probabilities[places], predictions.predicted[places]
    wrong = _one_error(p, predicted, predictions.task.multi_label, rng)
    truths = [predicted if right else wrong for right in outcomes]

    def padded(values: NDArray[Any], copies: Sequence[NDArray[Any]]) -> NDArray[Any]:
        blocks = [block.reshape(repeats, -1, *values.shape[1:]) for block in (values, *copies)]
        return np.concatenate(blocks, axis=1).reshape(-1, *values.shape[1:])

    shapes = np.full(n + len(outcomes) * len(copied), _shape(n), np.float32)
    shapes *= predictions.worth
    shapes[n:] = 1 / (len(outcomes) * len(copied))
    more = replace(
        predictions,
        pseudo=len(outcomes) * len(copied),
        probabilities=padded(predictions.probabilities, [p] * len(outcomes)),
        targets=padded(predictions.targets, truths),
        predicted=padded(predictions.predicted, [predicted] * len(outcomes)),
    )
    return more, shapes


def _shape(n: int) -> float:
    """Of the gamma distribution of a row's weight, just below 1, so that the interval of a mean is Student's."""
    if n >= 1000:
        return 1.0
    t = float(import_scipy("Evaluating with intervals").special.stdtrit(max(n - 1, 1), 0.975))
    return max(0.1, ((n - 1) * (Z / t) ** 2 - 1) / n)


def weak_prior(k: int, r: int, n: float, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """A row divided among the labels: pseudo-hits, misses and false alarms, (k, r) each, in units of n rows."""
    hits, errors = rng.standard_gamma(1 / (2 * k), (2, k, r)) / n
    return hits, errors, errors


def label_prior(
    tp: Floats, missed: Floats, false: Floats, n: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Pseudo-hits, misses and false alarms of each label, (k, r) each, in units of n rows.

    Labels with few rows or none lean to what labels have, which lies between the share of hits in all and the mean over
    the labels that rows show. How far they lean, by half a row to five, is drawn for each resample, as it is not known
    how alike labels are.
    """
    r = tp.shape[1]
    held = tp + missed + false > HELD / n
    rows = 0.5 * 10 ** rng.random(r)
    between = rng.random(r)

    def leant_to(hits: Floats, all_: Floats) -> Floats:
        share = np.where(held, hits / np.maximum(all_, 1e-12), 0).sum(axis=0) / np.maximum(held.sum(axis=0), 1)
        leant: Floats = between * share + (1 - between) * hits.sum(axis=0) / np.maximum(all_.sum(axis=0), 1e-12)
        return leant

    shares = (leant_to(2 * tp, 2 * tp + missed + false), 1 - leant_to(tp, tp + missed), 1 - leant_to(tp, tp + false))
    hits, missed, false = (
        rng.standard_gamma(np.broadcast_to(np.maximum(rows * share, 1e-9), tp.shape)) / n for share in shares
    )
    return hits, missed, false


def _one_error(p: NDArray[Any], predicted: NDArray[Any], multi_label: bool, rng: np.random.Generator) -> NDArray[Any]:
    """A truth with one error: the most probable of the other labels, or any one of several labels the other way."""
    rows = np.arange(len(p))
    if multi_label:
        truth = predicted.copy()
        truth[rows, rng.integers(0, p.shape[1], len(p))] ^= True
        return truth
    others = p.copy()
    others[rows, predicted] = -1
    second: NDArray[np.int64] = others.argmax(axis=1)
    return second
