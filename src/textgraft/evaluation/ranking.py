"""ROC-AUC and average precision: exact on the rows, and as functions of few sums on their resamples.

Both look at the negatives above and below each positive. So a ranking is cut into groups of positives next to each
other: a resample only needs to know how many of its positives fall into each group, and how many of its negatives
fall into each group and between two groups. With no more distinct scores among the positives than groups this is
exact; with more, what happens inside a group keeps the proportions it has on the rows themselves, which is exact for
the rows and off by far less than the interval is wide for a resample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.evaluation.bootstrap import Cells, Floats, Part, Scores
from textgraft.evaluation.inputs import Predictions
from textgraft.evaluation.proportions import auc_ends, average_precision_ends, ends_of_mean
from textgraft.task import Task

MOST_GROUPS = 256
MOST_COLUMNS = 12_000  # over all labels; with more than 15 labels the groups become fewer


class Ranking(Part):
    """ROC-AUC and average precision of each label against the rest, and their averages.

    Single-label: ``roc_auc`` and ``average_precision``: with two labels of the second one, as scikit-learn does; with
    more the mean over labels. Multi-label: ``_macro`` (mean over labels) and ``_micro`` (all row-label pairs as one
    ranking). A label without a positive or without a negative row has no ROC-AUC, one without a positive row no
    average precision: they are NaN and left out of the means.
    """

    repeats: int
    task: Task
    groups: list[RankGroups]
    starts: NDArray[Any]
    columns: int
    offset: NDArray[Any]
    cell: NDArray[np.int16]

    def __init__(self, predictions: Predictions) -> None:
        self.task, self.repeats = predictions.task, predictions.repeats
        rows = predictions.rows
        seen = np.arange(len(predictions)) % rows < rows - predictions.pseudo
        truth, p = predictions.truth[seen], predictions.probabilities[seen]
        k = len(self.task)
        most = max(4, min(MOST_GROUPS, MOST_COLUMNS // (3 * k)))
        rankings = [group_ranking(p[:, j], truth[:, j], most, self.repeats) for j in range(k)]
        if self.task.multi_label:
            rankings.append(group_ranking(p.ravel(), truth.ravel(), most, self.repeats))
        self.groups = [groups for groups, _ in rankings]
        self.starts = np.cumsum([0, *(groups.columns for groups in self.groups)])
        self.columns = int(self.starts[-1]) + 1  # the last one is for the pseudo-rows: here the prior is another
        cells = np.concatenate([cells.reshape(len(p), -1) for _, cells in rankings], axis=1)
        self.offset = np.repeat(self.starts[:-1], [cells.size // len(p) for _, cells in rankings])
        self.cell = np.full((len(predictions), cells.shape[1]), -1, np.int16)
        self.cell[seen] = cells

    @staticmethod
    def names(task: Task) -> tuple[str, ...]:  # noqa: D102
        endings = ("_micro", "_macro") if task.multi_label else ("",)
        return tuple(name + ending for name in ("roc_auc", "average_precision") for ending in endings)

    def cells(self, rows: slice) -> Cells:
        """Which group each row falls into, in the ranking of each label."""
        cell = self.cell[rows]
        return np.where(cell < 0, self.columns - 1, cell + self.offset), None

    def scores(self, means: Floats) -> Scores:  # noqa: D102
        return _averaged([groups.scores(each) for groups, each in self._rankings(means)], self.task)

    def ends(self, means: Floats, resampled: Floats, n: float, rng: np.random.Generator) -> Scores:
        """Of one ranking by Newcombe's and Wilson's methods; of several they follow from these.

        That takes labels for independent (``ends_of_mean``). The resamples see that the labels of a row go together,
        so where their ends are further out, those count.
        """
        values, wide = self.scores(means), super().ends(means, resampled, n, rng).overall
        rankings = [groups.ends(n * each[:, 0]) for groups, each in self._rankings(means)]
        k = len(self.task)
        bias = np.array([groups.bias for groups in self.groups[:k]])
        overall: dict[str, Floats] = {}
        per_label: dict[str, Floats] = {}
        for i, name in enumerate(("roc_auc", "average_precision")):
            per_label[name] = labels = np.stack([ends[i] for ends in rankings[:k]])
            mean = ends_of_mean(values.per_label[name][:, 0], labels, i * bias)
            if self.task.multi_label:
                overall |= {f"{name}_micro": rankings[k][i], f"{name}_macro": mean}
            else:
                overall[name] = labels[1] if k == 2 else mean
        outer = {name: np.array([min(a[0], wide[name][0]), max(a[1], wide[name][1])]) for name, a in overall.items()}
        return Scores(overall if not self.task.multi_label and k == 2 else outer, per_label)

    def _rankings(self, means: Floats) -> Iterator[tuple[RankGroups, Floats]]:
        for groups, (a, b) in zip(self.groups, pairwise(self.starts), strict=True):
            yield groups, means[a:b]


class RankHistogram(Part):
    """The same metrics from how many positives and negatives stand at each rank.

    Its means are those of any classifier, so that rows can be swapped between two: each is ranked by itself, since
    their scores may have different scales (Venkatraman and Begg, Biometrika 1996). Of many rows the first ranks stand
    alone, and the others share bins, inside of which positives and negatives are taken to be mixed.
    """

    task: Task
    bins: int
    columns: int
    cell: NDArray[Any]

    def __init__(self, predictions: Predictions) -> None:
        self.task = predictions.task
        truth, p = predictions.truth, predictions.probabilities
        k, n = len(self.task), len(p)
        self.bins = min(n, max(8, min(MOST_GROUPS, MOST_COLUMNS // (2 * k))))
        self.columns = 2 * self.bins * (k + self.task.multi_label)
        places = [self._place(p[:, j])[:, None] for j in range(k)]
        if self.task.multi_label:
            places.append(self._place(p.ravel()).reshape(n, k))
        starts = range(0, self.columns, 2 * self.bins)
        carried = [truth[:, j : j + 1] for j in range(k)] + [truth] * self.task.multi_label
        self.cell = np.concatenate(
            [start + place + self.bins * ~of for start, place, of in zip(starts, places, carried, strict=True)], axis=1
        )

    def cells(self, rows: slice) -> Cells:  # noqa: D102
        return self.cell[rows], None

    def scores(self, means: Floats) -> Scores:  # noqa: D102
        tables = means.reshape(-1, 2, self.bins, means.shape[1])
        return _averaged([self._metrics(*table) for table in tables], self.task)

    def _place(self, scores: NDArray[Any]) -> NDArray[np.int64]:
        """The bin of each of the scores, by its rank; tied ones have their middle rank."""
        _, place, tied = np.unique(-scores, return_inverse=True, return_counts=True)
        rank = (np.cumsum(tied) - (tied + 1) / 2)[place]
        alone = self.bins // 2 if len(scores) > self.bins else self.bins
        shared = alone + (rank - alone) * ((self.bins - alone) / max(len(scores) - alone, 1))
        return np.floor(np.where(rank < alone, rank, shared)).astype(np.int64)

    @staticmethod
    def _metrics(positives: Floats, negatives: Floats) -> tuple[Floats, Floats]:
        hits, missed = np.cumsum(positives, axis=0), np.cumsum(negatives, axis=0)
        p, n = hits[-1], missed[-1]
        right = (positives * (n - missed + negatives / 2)).sum(axis=0)
        precision = hits / np.maximum(hits + missed, 1e-12)
        return _ratio(right, p * n), _ratio((positives * precision).sum(axis=0), p)


@dataclass(frozen=True, eq=False)
class RankGroups:
    """One ranking, best score first, cut into g groups of positives.

    Its sums are g of positives per group, then 2 g + 1 of negatives: above the first group, in it, between it and the
    second, and so on.

    ``reach`` is how much of its group a positive has at or above itself: all of it where the group is one tied score,
    else half of it.
    """

    concordance: Floats  # (g,) share of the pairs of a positive and a negative in one group that are ranked rightly
    reach: Floats  # (g,)
    correction: Floats  # (g,) mean precision at the group's positives over what ``reach`` makes of it
    bias: float  # of average precision: by how much it falls if a positive counts half in the precision at itself

    @property
    def columns(self) -> int:
        """How many sums there are."""
        return 3 * len(self.reach) + 1

    def scores(self, sums: Floats) -> tuple[Floats, Floats]:
        """(r,) ROC-AUC and (r,) average precision from (columns, r) sums; NaN where undefined."""
        positives, inside, above, outside = self._counts(sums)
        p, n = positives.sum(axis=0), outside + inside.sum(axis=0)
        below = np.maximum(n - above - inside, 0)  # by rounding it may be less
        right = (positives * (below + self.concordance[:, None] * inside)).sum(axis=0)
        precision = self.correction[:, None] * self.precision(positives, inside, above, self.reach)
        return _ratio(right, p * n), _ratio((positives * precision).sum(axis=0), p)

    def ends(self, sums: Floats) -> tuple[Floats, Floats]:
        """(2,) ends of ROC-AUC and average precision from (columns,) sums over the rows; NaN where undefined."""
        auc, ap = (float(value[0]) for value in self.scores(sums[:, None]))
        p, n = sums[: len(self.reach)].sum(), sums[len(self.reach) :].sum()
        nothing = np.full(2, np.nan)
        return (
            nothing if np.isnan(auc) else auc_ends(auc, p, n),
            nothing if np.isnan(ap) else average_precision_ends(ap, self.bias, p),
        )

    def _counts(self, sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        g = len(self.reach)
        positives, negatives = sums[:g], sums[g:]
        inside = negatives[1::2]
        above = np.cumsum(negatives, axis=0)[:-1:2]
        return positives, inside, above, negatives[::2].sum(axis=0)

    @staticmethod
    def precision(positives: Floats, inside: Floats, above: Floats, reach: Floats) -> Floats:
        """(g, r) precision at the middle of each group, or at its end where it is one tied score."""
        half = reach[:, None]
        hits = np.cumsum(positives, axis=0) - positives + half * positives
        return hits / np.maximum(hits + above + half * inside, 1e-12)


def group_ranking(
    scores: NDArray[Any], truth: NDArray[np.bool_], most: int = MOST_GROUPS, repeats: int = 1
) -> tuple[RankGroups, NDArray[np.int16]]:
    """Cuts a ranking into at most ``most`` groups.

    Args:
        scores: (n,) the higher, the earlier.
        truth: (n,) which rows are positive.
        most: groups.
        repeats: how often each row is there.

    Returns:
        The groups, and for each row (n,) the sum that it adds to.
    """
    values, place = np.unique(scores, return_inverse=True)
    place = len(values) - 1 - place  # among the distinct scores, highest first
    positives, negatives = (np.bincount(place, of, minlength=len(values)).astype(np.float64) for of in (truth, ~truth))
    hit = np.flatnonzero(positives)
    group = _group_of(positives[hit], most)
    g = int(group[-1]) + 1 if len(group) else 0
    # the group of the last positive so far and of the next one: the same inside a group, neighbours between two
    last = np.full(len(positives), -1)
    last[hit] = group
    following = np.where(last < 0, g, last)
    slot = np.maximum.accumulate(last) + np.minimum.accumulate(following[::-1])[::-1] + 1
    row_slot = slot[place]
    cells = np.where(truth, row_slot // 2, g + row_slot).astype(np.int16)

    totals = np.bincount(cells, minlength=3 * g + 1).astype(np.float64)[:, None]
    hits, missed = np.cumsum(positives), np.cumsum(negatives)
    outranked = (missed[-1] - missed + negatives / 2)[hit] * positives[hit]
    at = (hits / (hits + missed))[hit] * positives[hit]
    reach = np.where(np.bincount(group, minlength=g) == 1, 1.0, 0.5)
    bias = float((positives / (hits + missed))[hit].sum() / max(hits[-1], 1)) * repeats / 2
    plain = RankGroups(np.zeros(g), reach, np.ones(g), bias)
    p, inside, above, _ = plain._counts(totals)
    rightly = np.bincount(group, outranked, minlength=g) - (p * (missed[-1] - above - inside))[:, 0]
    concordance = np.divide(rightly, (p * inside)[:, 0], out=np.zeros(g), where=inside[:, 0] > 0)
    middle = (p * plain.precision(p, inside, above, reach))[:, 0]
    return RankGroups(concordance, reach, np.bincount(group, at, minlength=g) / middle, bias), cells


def _averaged(values: Sequence[tuple[Floats, Floats]], task: Task) -> Scores:
    """From ROC-AUC and average precision of each label, and for a multi-label task of all pairs."""
    k = len(task)
    overall: dict[str, Floats] = {}
    per_label: dict[str, Floats] = {}
    for i, name in enumerate(("roc_auc", "average_precision")):
        per_label[name] = labels = np.stack([value[i] for value in values[:k]])
        if task.multi_label:
            overall |= {f"{name}_micro": values[k][i], f"{name}_macro": mean_where_defined(labels)}
        else:
            overall[name] = labels[1] if k == 2 else mean_where_defined(labels)
    return Scores(overall, per_label)


def mean_where_defined(values: Floats) -> Floats:
    """(r,) mean over the k rows of (k, r), NaN left out; NaN where no row has a value."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0).astype(np.float64))


def _group_of(positives: Floats, most: int) -> NDArray[np.intp]:
    """The group of each distinct score that has positives.

    The first scores, where precision moves most, have a group each; the others share groups of about as many
    positives.
    """
    if len(positives) <= most:
        return np.arange(len(positives))
    alone = most // 4
    rest = positives[alone:]
    middle = np.cumsum(rest) - rest / 2
    shared = np.unique(np.floor(middle * (most - alone) / rest.sum()), return_inverse=True)[1]
    return np.concatenate([np.arange(alone), alone + shared])


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return ratio
