"""From which probability on a label of a multi-label task is predicted, chosen on validation data.

What is maximised is micro-F1, the usual metric by which methods choose. Its best cut is one cut on
the *calibrated* probability for all labels alike (half of the best F1; Lipton et al. 2014, arXiv:1402.1892). So
``"global"`` finds one cut on the probabilities as they are, and ``"label"`` first brings the labels onto one scale, by
a sigmoid for each (Platt 1999) that leans to the one of all labels together, and cuts there. That is two smooth
parameters for a label instead of the best of n cuts (S-Cut, Yang 2001), which for rare labels is mostly chance.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.extras import import_scipy

Floats = NDArray[np.float64]
Tuned = Literal["label", "global"] | float

_MOST = np.nextafter(np.float32(1), np.float32(0))  # thresholds lie within (0, 1) also as float32
_LEAST = float(np.finfo(np.float32).tiny)  # smaller numbers are 0 to processors that flush them
_CLIP = 1e-7  # of probabilities whose logit is taken
_BLOCKS = 4096  # a sigmoid of two parameters needs no more points
_PRECISION = (1.0, 4.0)  # of the normal priors on log(scale) and shift, as in ``calibration``


def tune_thresholds(
    probabilities: NDArray[np.float32],
    targets: ArrayLike,
    how: Tuned,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Thresholds of a multi-label task: a label is predicted where its probability is at or above its threshold.

    The order of the rows plays no part. A label which no row or every row carries keeps the global threshold. Where
    nothing can be learnt (no rows, no labels) all are 0.5.

    Args:
        probabilities: (n, k) float32 of rows that were not trained on.
        targets: (n, k) 0/1 or bool.
        how: ``"global"`` is the one threshold with the highest micro-F1 on these rows, exactly; ``"label"`` one for
            each label, near the global one for labels with few positives; a number is taken as it is.
        weights: (n,) above 0: what each row counts; only their proportions matter. None is 1 each.

    Returns:
        (k,) float32, within (0, 1).
    """
    carried = np.asarray(targets, np.bool_)
    k = probabilities.shape[1]
    if not isinstance(how, str):
        return within(np.full(k, how))
    if not carried.any():
        return np.full(k, 0.5, np.float32)
    w = np.ones(len(carried)) if weights is None else weights / weights.mean()
    thresholds = np.full(k, _global(probabilities, carried, w), np.float32)
    seen = carried.any(axis=0) & ~carried.all(axis=0)
    if how == "label" and seen.sum() > 1:  # one label alone has all the data there is
        thresholds[seen] = _by_label(probabilities[:, seen], carried[:, seen], w)
    return thresholds


def within(thresholds: Floats) -> NDArray[np.float32]:
    """(k,) thresholds above 0 and below 1, also as float32."""
    return np.clip(thresholds.astype(np.float32), _LEAST, _MOST)


def _global(probabilities: NDArray[np.float32], carried: NDArray[np.bool_], weights: Floats) -> np.float32:
    below, above = _best_cut(np.minimum(probabilities, _MOST), carried, weights, least=_LEAST)
    middle = np.float32((float(below) + float(above)) / 2)
    return middle if middle > below else np.float32(above)  # between neighbouring float32 there is none


def _by_label(probabilities: NDArray[np.float32], carried: NDArray[np.bool_], weights: Floats) -> NDArray[np.float32]:
    """One cut for all labels on scores that a sigmoid per label has made comparable."""
    expit = import_scipy("Choosing thresholds").special.expit
    points, positives, rows = _blocks(probabilities, carried, weights)
    # all labels together first, so that labels with few positives lean to what is common and not to the identity
    common, offset = _fit_sigmoids(points.reshape(-1, 1), positives.reshape(-1, 1), rows.reshape(-1, 1))
    scale, shift = _fit_sigmoids(points * common + offset, positives, rows)
    scale, shift = common * scale, offset * scale + shift
    scores = _logit(probabilities) * scale + shift
    below, above = _best_cut(scores, carried, weights, least=scores.min() - 1)
    return within(expit(((below + above) / 2 - shift) / scale))


def _best_cut(scores: NDArray[Any], carried: NDArray[np.bool_], weights: Floats, least: float) -> tuple[Any, Any]:
    """The neighbouring scores between which one cut for all labels gives the highest micro-F1.

    Among equal maxima it is the middle one by rank: far from the edges of where it is best, and the same whatever
    the scale of the scores. Scores at or below ``least`` are never above the cut.
    """
    flat = scores.ravel()
    order = np.argsort(-flat)
    flat, weights = flat[order], np.repeat(weights, scores.shape[1])[order]
    predicted, hits = np.cumsum(weights), np.cumsum(weights * carried.ravel()[order])
    last = np.flatnonzero(np.append(flat[1:] != flat[:-1], True) & (flat > least))  # a cut never divides ties
    if not last.size:
        return least, 1.0
    f1 = 2 * hits[last] / (predicted[last] + hits[-1])
    best = np.flatnonzero(f1 == f1.max())
    at = last[best[len(best) // 2]]
    return (max(flat[at + 1], least) if at + 1 < len(flat) else least), flat[at]


def _blocks(
    probabilities: NDArray[np.float32], carried: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """Each label's rows in the order of their scores, in at most ``_BLOCKS`` blocks.

    Returns:
        (m, k) mean logits, (m, k) positives and (m, k) rows of the blocks, all by weight.
    """
    # Complex numbers sort by score, then by target.
    order = np.argsort(probabilities + 1j * carried, axis=0, kind="stable")
    ordered, positive = np.take_along_axis(probabilities, order, 0), np.take_along_axis(carried, order, 0)
    weights, n = weights[order], len(order)
    starts = np.arange(min(n, _BLOCKS)) * n // min(n, _BLOCKS)
    rows = np.add.reduceat(weights, starts, axis=0)
    logits = np.add.reduceat(weights * _logit(ordered), starts, axis=0) / rows
    return logits, np.add.reduceat(weights * positive, starts, axis=0), rows


def _logit(probabilities: NDArray[Any]) -> Floats:
    logit = import_scipy("Choosing thresholds").special.logit
    clipped: Floats = logit(np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP))
    return clipped


def _fit_sigmoids(points: Floats, positives: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Scale > 0 and shift, (k,) each, of a sigmoid per column: maximum posterior likelihood, priors around identity."""
    scipy = import_scipy("Choosing thresholds")
    expit = scipy.special.expit
    k = points.shape[1]
    precision = np.repeat(_PRECISION, k)

    def negative_log_posterior(parameters: Floats) -> tuple[float, Floats]:
        scale, shift = np.exp(parameters[:k]), parameters[k:]
        logits = points * scale + shift
        loss = float((rows * np.logaddexp(0, logits) - positives * logits).sum())
        slopes = rows * expit(logits) - positives
        gradient = np.concatenate(((slopes * points).sum(axis=0) * scale, slopes.sum(axis=0)))
        return loss + float(precision @ parameters**2) / 2, gradient + precision * parameters

    optimum = scipy.optimize.minimize(negative_log_posterior, np.zeros(2 * k), jac=True, method="L-BFGS-B").x
    return np.exp(optimum[:k]), optimum[k:]
