"""How labels should follow from probabilities, so that a metric is high: chosen on held-out rows.

The probabilities are calibrated, so that they say themselves what a decision is worth: of rows that are given a label
as many carry it as their probabilities add up to. So thresholds are those with the highest *expected* metric on the
held-out rows, which no single row moves, and their labels can only refute them (Ye, Chai, Lee and Chieu, Optimizing
F-measures: a tale of two approaches, ICML 2012). On 30 to 600 held-out rows that gave more than the thresholds that are
best by their labels, which fit chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.decision import Decision
from textgraft.evaluation.metric import Metric, predicted, weighed
from textgraft.unicode import quoted
from textgraft.wording import counted, decimal

Floats = NDArray[np.float64]

EXPONENTS = np.linspace(-0.5, 1.5, 41)
ODDS = np.exp(np.linspace(-4, 4, 161))  # of a label, by what the most probable other label has
LEAST_GAIN = 0.005
RESAMPLES = 200
MOST_CELLS = 200_000_000  # of all resamples
FEWEST = 5  # rows that a threshold rests on
_LEAST, _MOST = 1e-6, 1 - 1e-6  # of a threshold
_ALL_LABELS = frozenset({"f1_macro", "f1_weighted", "balanced_accuracy", "recall_macro", "matthews_corrcoef"})
_MICRO = frozenset({"f1_micro", "jaccard_micro"})
_EACH_LABEL = frozenset({"f1_macro", "f1_weighted", "jaccard_macro"})


def choose_decision(
    metric: Metric,
    probabilities: NDArray[Any],
    targets: ArrayLike,
    weights: NDArray[np.float64] | None,
    usual: Decision,
) -> tuple[Decision, str]:
    """The decision for a metric, and a sentence on what was done; empty where the metric asks for no other than usual.

    For the F1 of one label its threshold is moved. For averages over labels the thresholds of a multi-label task are
    set each by itself, to half of the label's best expected F1 (Lipton, Elkan and Naryanaswamy 2014, arXiv:1402.1892);
    those of a single-label task are proportional to a power of the labels' shares, which is one number to choose (Menon
    et al., ICLR 2021). All of these are taken where they are expected to gain 0.005 or more, unless the labels of the
    held-out rows contradict by more than two standard errors. For the recall of a label at a precision its threshold is
    the lowest one that reaches the precision, where each row counts half by its label and half by its probability: by
    labels alone it would often be one that reaches it by chance.

    Args:
        metric: of the task.
        probabilities: (n, k) calibrated ones, of rows that were not trained on.
        targets: (n,) int64, or the sets or the (n, k) bool of a multi-label task.
        weights: (n,) above 0: what each row counts; None is 1 each.
        usual: what is done without a metric; by costs, which leave nothing to choose, it predicts the cheapest label.
    """
    task, n = metric.task, len(probabilities)
    if metric.costs is not None:
        return usual, "The label with the lowest expected cost is predicted, which is not always the most probable one."
    if not n:
        return usual, ""
    p = np.asarray(probabilities, np.float64)
    w = np.ones(n) if weights is None else weights / weights.mean()
    if metric.precision is not None:
        return _reaching_precision(metric, p, predicted(p, targets, usual, task).truth, w, usual)
    thresholds = _thresholds(metric, p, w, usual)
    return (usual, "") if thresholds is None else _unless_refuted(metric, Decision(thresholds), p, targets, w, usual)


def _thresholds(metric: Metric, p: Floats, w: Floats, usual: Decision) -> NDArray[np.float32] | None:
    """Those for the metric; None where it has none."""
    task = metric.task
    if metric.label is not None:
        if metric.name != "f1":
            return None
        j = task.labels.index(metric.label)
        if not task.multi_label:
            return _best(metric, p, w, [_of_label(j, odds, len(task)) for odds in ODDS])
        thresholds = usual.thresholds.copy()
        thresholds[j] = _half_of_best_f1(p[:, [j]], w)[0]
        return thresholds
    if task.multi_label:
        if metric.name in _MICRO:
            return np.repeat(_half_of_best_f1(p.reshape(-1, 1), np.repeat(w, len(task))), len(task))
        return _half_of_best_f1(p, w) if metric.name in _EACH_LABEL else None
    if metric.name not in _ALL_LABELS:
        return None
    shares = np.maximum(w @ p / w.sum(), _LEAST)
    return _best(metric, p, w, [_normal(shares**exponent) for exponent in EXPONENTS])


def _best(metric: Metric, p: Floats, w: Floats, candidates: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The thresholds with the highest expected metric of a single-label task; of equal ones those in the middle."""
    expected = np.array([_expected(metric, p, w, thresholds) for thresholds in candidates])
    best = np.flatnonzero(expected >= expected.max() - 1e-12)
    return candidates[int(best[len(best) // 2])]


def _expected(metric: Metric, p: Floats, w: Floats, thresholds: NDArray[np.float32]) -> float:
    """The metric that these thresholds would have, were the rows labelled as their probabilities say."""
    given = Decision(thresholds).targets(p, metric.task)
    if not metric.task.multi_label:
        given = given[:, None] == np.arange(len(metric.task))
    true, taken, hits = w @ p, w @ given, w @ (given * p)
    if metric.label is not None:
        j = metric.task.labels.index(metric.label)
        true, taken, hits = true[[j]], taken[[j]], hits[[j]]
    elif metric.name in _MICRO:
        true, taken, hits = (count.sum(keepdims=True) for count in (true, taken, hits))
    if metric.name == "matthews_corrcoef":
        n = true.sum()
        spread = (n**2 - true @ true) * (n**2 - taken @ taken)
        return float((n * hits.sum() - true @ taken) / np.sqrt(spread)) if spread > 0 else 0.0
    below = true if metric.name in ("balanced_accuracy", "recall_macro") else (true + taken) / 2
    of_labels = hits / np.maximum(below, _LEAST)
    if metric.name.startswith("jaccard"):
        of_labels /= 2 - of_labels
    return float(of_labels @ true / true.sum() if metric.name == "f1_weighted" else of_labels.mean())


def _half_of_best_f1(p: Floats, w: Floats) -> NDArray[np.float32]:
    """(k,) thresholds: half of the highest expected F1 of each label, over all cuts of its (n, k) probabilities."""
    order = np.argsort(-p, axis=0, kind="stable")
    weights = w[order]
    hits = np.cumsum(weights * np.take_along_axis(p, order, 0), axis=0)
    f1 = 2 * hits / (np.cumsum(weights, axis=0) + hits[-1])
    return np.asarray(np.clip(f1.max(axis=0) / 2, _LEAST, 0.5), np.float32)


def _reaching_precision(
    metric: Metric, p: Floats, truth: NDArray[np.bool_], w: Floats, usual: Decision
) -> tuple[Decision, str]:
    """The usual decision with the lowest threshold of the label that reaches the precision."""
    assert metric.label is not None
    assert metric.precision is not None
    task, label = metric.task, quoted(metric.label)
    k, j = len(task), task.labels.index(metric.label)
    others = np.full(len(p), 0.5) if task.multi_label else np.delete(p, j, axis=1).max(axis=1)
    odds = p[:, j] / np.maximum(others, _LEAST)
    order = np.argsort(-odds, kind="stable")
    odds, weights = odds[order], w[order]
    hits = np.cumsum(weights * (truth[:, j] + p[:, j])[order] / 2)
    last_of_ties = np.append(odds[1:] < odds[:-1], True)
    reached = last_of_ties & (hits >= metric.precision * np.cumsum(weights)) & (np.arange(1, len(p) + 1) >= FEWEST)
    rows = counted(len(p), "held-out row")
    if not reached.any():
        return usual, (
            f"No threshold of {label} reaches a precision of {metric.precision:g} on {FEWEST} or more of {rows}, so "
            "labels are predicted as usual."
        )
    last = int(np.flatnonzero(reached)[-1])
    cut = float(np.sqrt(odds[last] * max(odds[min(last + 1, len(odds) - 1)], odds[last] / 2, _LEAST)))
    if task.multi_label:
        thresholds = usual.thresholds.copy()
        thresholds[j] = np.clip(cut / 2, _LEAST, _MOST)
    else:
        thresholds = _of_label(j, cut, k)
    how = (
        f"from a probability of {thresholds[j]:.2f} on"
        if task.multi_label or k == 2
        else f"where it is {cut:.2g} times as probable as any other label"
    )
    return Decision(thresholds), (
        f"{label} is predicted {how}, which is the lowest threshold with a precision of {metric.precision:g} on {rows}."
    )


def _unless_refuted(
    metric: Metric, decision: Decision, p: Floats, targets: ArrayLike, w: Floats, usual: Decision
) -> tuple[Decision, str]:
    """The decision, if it is expected to gain and the labels do not contradict by more than two of its errors."""
    expected, before = (_expected(metric, p, w, each.thresholds) for each in (decision, usual))
    rows = counted(len(p), "held-out row")
    kept = f"No other thresholds measurably raise {metric.called} on {rows}, so labels are predicted as usual."
    if expected - before < LEAST_GAIN:
        return usual, kept
    resamples = max(20, min(RESAMPLES, MOST_CELLS // p.size))
    # The standard error by the Bayesian bootstrap (Rubin 1981), after the rows themselves.
    drawn = np.random.default_rng(0).standard_exponential((len(p), resamples))
    weights = w[:, None] * np.hstack((np.ones((len(p), 1)), drawn))
    on_labels = [weighed(metric, predicted(p, targets, each, metric.task), weights) for each in (usual, decision)]
    gains = on_labels[1] - on_labels[0]
    if gains[0] < -2 * gains[1:].std():
        return usual, kept
    return decision, (
        f"Thresholds were chosen for {metric.called}: by the probabilities of {rows} it rises from {decimal(before)} "
        f"to {decimal(expected)}, by their labels it is {decimal(on_labels[1][0])} instead of "
        f"{decimal(on_labels[0][0])}."
    )


def _of_label(j: int, odds: float, k: int) -> NDArray[np.float32]:
    """Thresholds by which one of k labels is predicted where it is ``odds`` times as probable as any other."""
    relative = np.ones(k)
    relative[j] = odds
    return _normal(relative)


def _normal(relative: Floats) -> NDArray[np.float32]:
    """The same thresholds with the lowest and the highest adding up to one; of two labels both do."""
    return np.asarray(np.clip(relative / (relative.min() + relative.max()), _LEAST, _MOST), np.float32)
