from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from textgraft.evaluation import Interval, evaluate_probabilities
from textgraft.evaluation.bootstrap import affordable_resamples, percentile_interval, point_scores, resampled_scores
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.metrics import Calibration, SingleLabelCounts, parts_of
from textgraft.evaluation.ranking import group_ranking

from .problems import multi_label, names, single_label


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_intervals_are_those_of_resampling_rows_by_hand(problem: Callable[..., tuple]) -> None:  # type: ignore[type-arg]
    task, p, y = problem(400, 3, 2)
    rng = np.random.default_rng(0)
    by_hand: dict[str, list[float]] = {}
    for _ in range(1000):
        rows = rng.integers(0, len(p), len(p))
        resample = check_predictions(p[rows], y[rows], task)
        for scores in point_scores(parts_of(resample), len(rows)):
            for name, value in scores.overall.items():
                by_hand.setdefault(name, []).append(float(value[0]))
    found = evaluate_probabilities(p, y, task, resamples=4000)
    assert set(by_hand) == set(found.metrics)
    for name in set(by_hand) - {"ece"}:  # whose interval is turned round
        low, high = np.quantile(by_hand[name], (0.025, 0.975))
        # the ends of 1,000 resamples are themselves known to about a tenth of the spread
        assert found.metrics[name].low == pytest.approx(low, abs=0.35 * np.std(by_hand[name])), name
        assert found.metrics[name].high == pytest.approx(high, abs=0.35 * np.std(by_hand[name])), name


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 3000),
    share=st.floats(0.02, 0.98),
    digits=st.integers(0, 5),
)
def test_ranking_metrics_of_a_resample_are_scikit_learns(seed: int, n: int, share: float, digits: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < share
    truth[:2] = True, False
    scores = np.round(rng.normal(size=n) + truth, digits)
    groups, cells = group_ranking(scores, truth)
    weights = np.stack([np.ones(n), *(rng.multinomial(n, np.full(n, 1 / n)) for _ in range(3))])
    weights[:, :2] = np.maximum(weights[:, :2], 1)  # keeps both classes
    sums = np.stack([np.bincount(cells, w, minlength=groups.columns) for w in weights], axis=1)
    found = groups.scores(sums)
    for score, values in zip((roc_auc_score, average_precision_score), found, strict=True):
        expected = [score(truth, scores, sample_weight=w) for w in weights]
        assert values[0] == pytest.approx(expected[0], abs=1e-12)
        assert values == pytest.approx(expected, abs=2e-3)


def test_interval_holds_the_true_accuracy_as_often_as_it_says() -> None:
    truth, n, held = 0.8, 300, 0
    for repeat in range(200):
        right = np.random.default_rng(repeat).random(n) < truth
        p = np.stack([right, ~right], axis=1).astype(np.float32)
        scores = resampled_scores(
            [SingleLabelCounts(check_predictions(p, np.zeros(n, int), names(2)))], n, resamples=400, seed=repeat
        )
        interval = percentile_interval(right.mean(), scores[0].overall["accuracy"])
        held += interval.low <= truth <= interval.high
    assert 0.90 * 200 <= held <= 0.99 * 200


def test_interval_of_the_calibration_error_is_not_pushed_up_by_noise() -> None:
    # Probabilities sharpened by 1.5: their true calibration error is 0.058.
    n, held = 500, 0
    for repeat in range(100):
        rng = np.random.default_rng(repeat)
        share = rng.random(n)
        y = (rng.random(n) < share).astype(int)
        p = 1 / (1 + (1 / share - 1) ** 1.5)
        figure = evaluate_probabilities(np.stack([1 - p, p], 1), y, names(2), resamples=200).metrics["ece"]
        held += figure.low <= 0.058 <= figure.high
    assert held >= 85


def test_resamples_span_several_blocks_of_rows_without_losing_any() -> None:
    task, p, y = single_label(20_001, 3)
    order = np.argsort(p.argmax(axis=1) == y)  # in the worst order: all errors first
    p, y = p[order], y[order]
    parts = parts_of(check_predictions(p, y, task), "accuracy")
    accuracy = resampled_scores(parts, len(p), resamples=300, seed=0)[0].overall["accuracy"]
    value = (p.argmax(axis=1) == y).mean()
    spread = math.sqrt(value * (1 - value) / len(p))
    assert accuracy.mean() == pytest.approx(value, abs=4 * spread / math.sqrt(300))
    assert accuracy.std() == pytest.approx(spread, rel=0.15)
    # every resample has as many rows as there are
    assert np.allclose(accuracy * len(p), np.round(accuracy * len(p)), atol=1e-6)


def test_same_seed_same_result() -> None:
    task, p, y = multi_label(500, 3)
    first, again, other = (evaluate_probabilities(p, y, task, seed=seed).to_dict() for seed in (1, 1, 2))
    assert json.dumps(first) == json.dumps(again)
    assert first["metrics"] != other["metrics"]


def test_a_longer_test_set_gives_a_narrower_interval() -> None:
    task, p, y = single_label(4000, 3)

    def width(n: int) -> float:
        figure = evaluate_probabilities(p[:n], y[:n], task).metrics["accuracy"]
        return figure.high - figure.low

    assert width(4000) == pytest.approx(width(250) / 4, rel=0.3)


def test_very_many_rows_get_fewer_resamples_but_never_fewer_than_200() -> None:
    task, p, y = single_label(10, 3)
    parts = parts_of(check_predictions(p, y, task))
    assert affordable_resamples(parts, 25_000, 1000) == 1000
    assert 200 <= affordable_resamples(parts, 1_000_000, 1000) < 1000
    assert affordable_resamples(parts, 10**9, 1000) == 200
    assert affordable_resamples(parts, 10**9, 150) == 150


def test_undefined_is_said_and_never_not_a_number_in_json() -> None:
    undefined = Interval(math.nan, math.nan, math.nan)
    assert str(undefined) == "undefined"
    assert undefined.to_dict() == {"value": None, "low": None, "high": None}
    assert Interval.from_dict(undefined.to_dict()) == Interval.from_dict(undefined.to_dict())
    assert str(Interval(0.8934, 0.8788, 0.9061)) == "0.893 [0.879, 0.906]"


def test_bins_hold_their_upper_edge() -> None:
    bins = Calibration(check_predictions([[1, 0], [0.6, 0.4], [0.39, 0.61]], [0, 0, 1], names(2))).bin
    assert bins[:, 0].tolist() == [14, 8, 9]
