"""How likely each given label is right, from probabilities that were predicted out of fold.

Confident learning (Northcutt, Jiang and Chuang, JAIR 2021) counts which labels are given where a model is sure of
another one, and so how many are wrong. Its rankings look at a row's probabilities alone. The one here also asks how
often a text of one label is given the other, as it is where the model is most sure (anchor points: Liu and Tao 2016,
"Classification with noisy labels by importance reweighting"), and what the most similar texts carry. All of it goes
block by block, so that memory is that of the probabilities and a little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.heads.distances import blocks

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

SURE = 0.3  # of the rows that are predicted to carry a label, those of the highest probability
# What counts of log rates and log votes. They are taken from the same rows as the probabilities, so that with all of
# each much would count twice; chosen on AG News and emotion with 5 % and 20 % of wrong labels.
RATES, VOTES = 0.3, 0.4
STRENGTH = 5.0  # rows that rates of a label begin with: those of all labels together
LEAST = 1e-6  # of a probability, a rate and a vote


@dataclass(frozen=True, eq=False)
class Joint:
    """How many rows are given which label and are of which, as confident learning estimates it.

    Attributes:
        counts: (k, k) float64; [i, j] are rows that are given i and are of j; the sum of a row is how many are given i.
        confident: (n,) the label that each row is of, as far as the model is confident of one; else -1.
    """

    counts: NDArray[np.float64]
    confident: Places

    @property
    def wrong(self) -> float:
        """How many rows are given a label that they are not of."""
        return float(self.counts.sum() - np.trace(self.counts))


def confident_joint(probabilities: Floats, given: Places) -> Joint:
    """The confident joint, calibrated to how often each label is given (section 3.1 of the paper).

    A model is confident of a label whose probability is at least the mean that it has in the rows that are given it; of
    several, of the most probable.

    Args:
        probabilities: (n, k), predicted out of fold.
        given: (n,) the labels that the rows carry.
    """
    n, k = probabilities.shape
    rows = np.bincount(given, minlength=k)
    sums = np.bincount(given, probabilities[np.arange(n), given], minlength=k)
    means = np.where(rows > 0, sums / np.maximum(rows, 1), np.inf).astype(np.float32)
    confident = np.empty(n, np.int64)
    for at in blocks(n, k):
        above = np.where(probabilities[at] >= means, probabilities[at], -1)
        best = above.argmax(axis=1)
        confident[at] = np.where(above[np.arange(len(best)), best] >= 0, best, -1)
    sure = confident >= 0
    counts = np.bincount(given[sure] * k + confident[sure], minlength=k * k).reshape(k, k).astype(np.float64)
    counts[np.diag_indices(k)] += counts.sum(axis=1) == 0  # a label of which no row says anything is believed
    return Joint(counts / counts.sum(axis=1, keepdims=True) * rows[:, None], confident)


def given_rates(probabilities: Floats, given: Places) -> Floats:
    """(k, k) the rates [i, j] at which a text that is of j is given i: as among those that the model is most sure of.

    A label that few rows are predicted to carry has about the rates of all.
    """
    n, k = probabilities.shape
    top, chance = np.empty(n, np.int64), np.empty(n, np.float32)
    for at in blocks(n, k):
        top[at], chance[at] = probabilities[at].argmax(axis=1), probabilities[at].max(axis=1)
    order = np.lexsort((-chance, top))
    sizes = np.bincount(top, minlength=k)
    place = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    anchors = order[place < np.ceil(SURE * sizes)[top[order]]]
    counts = np.bincount(given[anchors] * k + top[anchors], minlength=k * k).reshape(k, k).astype(np.float64)
    agree = (np.trace(counts) + 1) / (len(anchors) + 2)
    usual = np.full((k, k), (1 - agree) / max(k - 1, 1))
    np.fill_diagonal(usual, agree)
    return np.asarray((counts + STRENGTH * usual) / (counts.sum(axis=0) + STRENGTH), np.float32)


def right_chances(
    probabilities: Floats, given: Places, rates: Floats, votes: Floats | None = None
) -> tuple[Floats, Places]:
    """How likely the label that each row is given is right, and which label is the likeliest.

    The chances of a row's labels are in proportion to probability, rate and vote, each to a power of its own. They
    rank rows; they are no calibrated probabilities.

    Args:
        probabilities: (n, k), predicted out of fold.
        given: (n,) the labels that the rows carry.
        rates: (k, k), see ``given_rates``.
        votes: (n, k) the shares of the labels among the most similar other texts; None leaves them out.

    Returns:
        (n,) float32 and (n,) int64.
    """
    n, k = probabilities.shape
    right, likeliest = np.empty(n, np.float32), np.empty(n, np.int64)
    weights = np.maximum(rates, LEAST) ** np.float32(RATES)
    for at in blocks(n, k):
        chances = np.maximum(probabilities[at], LEAST) * weights[given[at]]
        if votes is not None:
            chances *= votes[at] ** np.float32(VOTES)
        rows = np.arange(len(chances))
        right[at] = chances[rows, given[at]] / chances.sum(axis=1)
        likeliest[at] = chances.argmax(axis=1)
    return right, likeliest


def two_sided(probabilities: NDArray[Any]) -> Floats:
    """(n, 2) the probabilities that a label is not carried, and that it is, of the (n,) that it is."""
    p = np.asarray(probabilities, np.float32)
    return np.stack((1 - p, p), axis=1)
