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
from textgraft.evaluation.bootstrap import affordable_resamples, resampled_means, row_means
from textgraft.evaluation.evaluation import evaluate_predictions
from textgraft.evaluation.inputs import Predictions, check_predictions
from textgraft.evaluation.metrics import Calibration, parts_of
from textgraft.evaluation.ranking import group_ranking

from .problems import multi_label, names, single_label


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_intervals_of_many_rows_are_those_of_resampling_by_hand(problem: Callable[..., tuple]) -> None:  # type: ignore[type-arg]
    task, p, y = problem(500, 3, 2)
    rng = np.random.default_rng(0)
    by_hand: dict[str, list[float]] = {}
    for _ in range(1000):
        rows = rng.integers(0, len(p), len(p))
        parts = parts_of(check_predictions(p[rows], y[rows], task))
        for part, means in zip(parts, row_means(parts, len(rows)), strict=True):
            for name, value in part.scores(means).overall.items():
                by_hand.setdefault(name, []).append(float(value[0]))
    found = evaluate_probabilities(p, y, task, resamples=4000)
    assert set(by_hand) == set(found.metrics)
    for name, values in by_hand.items():
        if name != "ece" and not name.startswith("average_precision"):  # which noise pushes up
            low, high = np.quantile(values, (0.025, 0.975))
            assert found.metrics[name].low == pytest.approx(low, abs=0.5 * np.std(values)), name
            assert found.metrics[name].high == pytest.approx(high, abs=0.5 * np.std(values)), name


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    k=st.integers(2, 6),
    multi=st.booleans(),
    sure=st.booleans(),
    signal=st.sampled_from([0.0, 1.5, 20.0]),
)
def test_an_interval_holds_its_value_and_has_a_width(
    seed: int, n: int, k: int, multi: bool, sure: bool, signal: float
) -> None:
    task, p, y = (multi_label if multi else single_label)(n, k, seed, signal=signal)
    if sure:
        p = (p >= 0.5).astype(np.float32) if multi else np.eye(k, dtype=np.float32)[p.argmax(axis=1)]
    found = evaluate_probabilities(p, y, task, resamples=100, seed=seed % 100)
    overall = found.metrics.items()
    for name, figure in [*overall, *(each for of_label in found.per_label.values() for each in of_label.items())]:
        if isinstance(figure, Interval) and not math.isnan(figure.value):
            assert figure.low <= figure.value <= figure.high, name
            assert figure.low < figure.high, name
            assert figure.low >= (-1 if name == "matthews_corrcoef" else 0), name


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


@pytest.mark.parametrize("n", [10, 100])
def test_intervals_hold_the_truth_as_often_as_they_say(n: int) -> None:
    # Two labels of equal frequency, right with 0.8 each: all these figures are 0.8.
    held: dict[str, int] = {"accuracy": 0, "f1_macro": 0, "balanced_accuracy": 0, "f1_weighted": 0}
    for repeat in range(200):
        rng = np.random.default_rng(repeat)
        y = rng.integers(0, 2, n)
        p = np.eye(2)[np.where(rng.random(n) < 0.8, y, 1 - y)]
        figures = evaluate_probabilities(p, y, names(2), resamples=300, seed=repeat).metrics
        for name in held:
            held[name] += figures[name].low <= 0.8 <= figures[name].high
    assert min(held.values()) >= 0.91 * 200


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
    (means,) = resampled_means(parts, np.ones(len(p), np.float32), resamples=300, seed=0)
    accuracy = parts[0].scores(means).overall["accuracy"]
    value = (p.argmax(axis=1) == y).mean()
    spread = math.sqrt(value * (1 - value) / len(p))
    assert accuracy.mean() == pytest.approx(value, abs=4 * spread / math.sqrt(300))
    assert accuracy.std() == pytest.approx(spread, rel=0.15)


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


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_the_same_predictions_several_times_are_as_good_as_once(problem: Callable[..., tuple]) -> None:  # type: ignore[type-arg]
    task, p, y = problem(120, 3)
    once = check_predictions(p, y, task)
    thrice = Predictions(*(np.concatenate([of] * 3) for of in (p, y, once.predicted)), task, 3)
    expected, found = (evaluate_predictions(each, seed=1, resamples=200) for each in (once, thrice))
    assert found.n == expected.n == 120
    assert (found.confusion == expected.confusion).all()
    for name, figure in expected.metrics.items():
        again = found.metrics[name]
        assert again.value == pytest.approx(figure.value, abs=1e-6), name
        # rounding may lead to another draw of the priors
        assert (again.low, again.high) == pytest.approx((figure.low, figure.high), abs=0.01), name
    for label, figures in expected.per_label.items():
        assert found.per_label[label]["support"] == figures["support"]
        for name in set(figures) - {"support"}:
            pair = [each.per_label[label][name].to_dict() for each in (found, expected)]  # type: ignore[union-attr]
            assert pair[0] == pytest.approx(pair[1], abs=1e-5), name


def test_a_row_predicted_several_times_counts_once_with_the_mean() -> None:
    task, p, y = single_label(90, 3, signal=1)
    other = single_label(90, 3, 5, signal=1)[1]
    both = [check_predictions(each, y, task) for each in (p, other)]
    together = Predictions(
        np.concatenate((p, other)), np.concatenate((y, y)), np.concatenate([each.predicted for each in both]), task, 2
    )
    single = [evaluate_predictions(each, resamples=100).metrics for each in both]
    found = evaluate_predictions(together, resamples=100)
    assert found.n == 90
    for name in ("accuracy", "log_loss"):
        assert found.metrics[name].value == pytest.approx(np.mean([each[name].value for each in single]))


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
