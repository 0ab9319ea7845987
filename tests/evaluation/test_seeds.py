"""What seeds change, beside the tests that are known for it, and by simulation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from textgraft.evaluation import Metric, evaluate_predictions
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.seeds import OverSeeds, compare_seeds, deviation_ends, values_of
from textgraft.task import Task

TASKS = [Task(("a", "b", "c")), Task(("a", "b", "c"), multi_label=True)]


def trained(*values: float) -> OverSeeds:
    return OverSeeds(tuple(range(len(values))) if len(values) > 1 else (), {"accuracy": values}, alike=False)


@pytest.mark.parametrize("sizes", [(2, 2), (5, 5), (3, 9)])
def test_two_methods_are_compared_by_welchs_test(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sizes)
    for spread in (0.1, 1.0, 5.0):
        a, b = rng.normal(0.8, 0.01, sizes[0]), rng.normal(0.81, 0.01 * spread, sizes[1])
        found, known = compare_seeds(trained(*a), trained(*b), "accuracy"), stats.ttest_ind(a, b, equal_var=False)
        assert found is not None
        assert found.p_value == pytest.approx(known.pvalue)
        assert (found.difference.low, found.difference.high) == pytest.approx(tuple(known.confidence_interval()))


def test_a_method_in_which_nothing_is_drawn_has_one_value_that_is_sure() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.01, 5)
    found, known = compare_seeds(trained(*values), trained(0.79), "accuracy"), stats.ttest_1samp(values, 0.79)
    assert found is not None
    assert found.p_value == pytest.approx(known.pvalue)
    other = compare_seeds(trained(0.79), trained(*values), "accuracy")
    assert other is not None
    assert (other.difference.value, other.p_value) == pytest.approx((-found.difference.value, found.p_value))


@pytest.mark.parametrize("values", [(0.8,), (0.8, 0.8, 0.8), (math.nan, 0.8)])
def test_without_any_variation_there_is_nothing_to_test_by(values: tuple[float, ...]) -> None:
    assert compare_seeds(trained(*values), trained(0.9), "accuracy") is None


def test_the_true_standard_deviation_lies_where_it_is_said_to() -> None:
    for n in (2, 5, 20):
        low, high = deviation_ends(n)
        stated = np.random.default_rng(n).normal(0, 3, (4_000, n)).std(axis=1, ddof=1)
        assert ((stated * low <= 3) & (stated * high >= 3)).mean() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("metric", [None, "f1:b"])
def test_values_are_those_of_an_evaluation(task: Task, metric: str | None) -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(3), 60)
    targets = rng.random((60, 3)) < p if task.multi_label else p.cumsum(axis=1).__gt__(rng.random((60, 1))).argmax(1)
    predictions, main = check_predictions(p, targets, task), Metric.read(metric, task)
    known = evaluate_predictions(predictions, resamples=100, metric=main).metrics
    found = values_of(predictions, main)
    assert found.keys() == known.keys()
    assert found == pytest.approx({name: figure.value for name, figure in known.items()}, nan_ok=True)


def test_what_is_undefined_is_none_in_json() -> None:
    content = json.loads(json.dumps(trained(math.nan).to_dict(), allow_nan=False))
    assert content["metrics"]["accuracy"] == {"mean": None, "standard_deviation": None, "values": [None]}
