from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from textgraft.errors import SettingError
from textgraft.evaluation import Evaluation, compare_paired, evaluate_probabilities
from textgraft.evaluation.inputs import check_predictions
from textgraft.evaluation.metrics import MultiLabelCounts, SingleLabelCounts, parts_of

from .problems import multi_label, names, reference, single_label

seeds = st.integers(0, 2**32 - 1)


def values(evaluation: Evaluation) -> dict[str, float]:
    return {name: figure.value for name, figure in evaluation.metrics.items()}


@settings(max_examples=40)
@given(seed=seeds, n=st.integers(30, 300), k=st.integers(2, 6), digits=st.integers(0, 3))
def test_single_label_metrics_are_scikit_learns(seed: int, n: int, k: int, digits: int) -> None:
    task, p, y = single_label(n, k, seed, digits=digits)
    y[:k] = np.arange(k)
    found = values(evaluate_probabilities(p, y, task, resamples=100))
    assert found.pop("ece") >= 0
    assert found == pytest.approx(reference(task, p, y), rel=1e-5, abs=1e-9)


@settings(max_examples=40)
@given(seed=seeds, n=st.integers(30, 300), k=st.integers(2, 6), digits=st.integers(0, 3))
def test_multi_label_metrics_are_scikit_learns(seed: int, n: int, k: int, digits: int) -> None:
    task, p, y = multi_label(n, k, seed, digits=digits)
    y[0], y[1] = True, False
    cuts = np.random.default_rng(seed).uniform(0.2, 0.8, k)
    found = values(evaluate_probabilities(p, y, task, thresholds=cuts, resamples=100))
    assert found.pop("ece") >= 0
    assert found == pytest.approx(reference(task, p, y, cuts), rel=1e-5, abs=1e-9)


@settings(max_examples=40)
@given(seed=seeds, k=st.integers(2, 7), n=st.integers(2, 40))
def test_averages_with_absent_labels_are_scikit_learns(seed: int, k: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    y, chosen = rng.integers(0, k, (2, n)) // rng.integers(1, 4)
    p = np.eye(k, dtype=np.float32)[chosen]
    found = values(evaluate_probabilities(p, y, names(k), resamples=100))
    for average in ("macro", "micro", "weighted"):
        for name, score in (("f1", sk.f1_score), ("precision", sk.precision_score), ("recall", sk.recall_score)):
            expected = score(y, chosen, average=average, zero_division=0)
            assert found[f"{name}_{average}"] == pytest.approx(expected)
    if len({*y, *chosen}) > 1:  # scikit-learn warns of a single label
        assert found["matthews_corrcoef"] == pytest.approx(sk.matthews_corrcoef(y, chosen))


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_figures_of_each_label_are_scikit_learns(problem: object) -> None:
    task, p, y = problem(500, 4, 3, digits=1)  # type: ignore[operator]
    found = evaluate_probabilities(p, y, task, resamples=100)
    predicted = (p >= 0.5) if task.multi_label else p.argmax(axis=1)
    precision, recall, f1, support = sk.precision_recall_fscore_support(y, predicted, zero_division=0)
    truth = y if task.multi_label else y[:, None] == np.arange(4)
    for j, label in enumerate(task.labels):
        figures = found.per_label[label]
        assert figures.pop("support") == support[j]
        assert {name: figure.value for name, figure in figures.items()} == pytest.approx(  # type: ignore[union-attr]
            {
                "precision": precision[j],
                "recall": recall[j],
                "f1": f1[j],
                "roc_auc": sk.roc_auc_score(truth[:, j], p[:, j]),
                "average_precision": sk.average_precision_score(truth[:, j], p[:, j]),
            }
        )


@pytest.mark.parametrize("table", ["emotion", "semeval"])
def test_metrics_on_real_tables_are_scikit_learns(table: str, request: pytest.FixtureRequest) -> None:
    task, p, y, counts, rows = request.getfixturevalue(table)
    evaluation = evaluate_probabilities(p, y, task, labels_of_training=counts, training_rows=rows)
    found = values(evaluation)
    del found["ece"]
    assert found == pytest.approx(reference(task, p, y), rel=1e-5)
    assert all(figure.low <= figure.value <= figure.high > figure.low for figure in evaluation.metrics.values())
    assert evaluation.metrics[evaluation.headline].low > evaluation.floor[evaluation.headline].high


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(1, 200))
def test_calibration_error_is_the_weighted_gap_of_15_bins(seed: int, n: int) -> None:
    task, p, y = single_label(n, 3, seed)
    top, right = p.max(axis=1), p.argmax(axis=1) == y
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (top > low) & (top <= low + 1 / 15)
        if inside.any():
            expected += inside.mean() * abs(top[inside].mean() - right[inside].mean())
    assert evaluate_probabilities(p, y, task, resamples=100).metrics["ece"].value == pytest.approx(expected, abs=1e-6)


def test_a_calibrated_classifier_has_a_small_calibration_error_per_label() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((20_000, 3)).astype(np.float32)
    y = rng.random(p.shape) < p
    assert evaluate_probabilities(p, y, names(3, multi=True)).metrics["ece"].value < 0.02
    assert evaluate_probabilities(p**3, y, names(3, multi=True)).metrics["ece"].value > 0.2


def test_confusion_has_the_truth_in_rows() -> None:
    task, p, y = single_label(200, 4, 1)
    assert (evaluate_probabilities(p, y, task).confusion == sk.confusion_matrix(y, p.argmax(axis=1))).all()
    task, p, y = multi_label(200, 4, 1)
    assert (evaluate_probabilities(p, y, task).confusion == sk.multilabel_confusion_matrix(y, p >= 0.5)).all()


@pytest.mark.parametrize("problem", [single_label, multi_label])
def test_every_metric_can_be_compared_by_its_name(problem: object) -> None:
    task, p, y = problem(100, 3)  # type: ignore[operator]
    predictions = check_predictions(p, y, task)
    counts = (MultiLabelCounts if task.multi_label else SingleLabelCounts).names(task)
    evaluation = evaluate_probabilities(p, y, task, resamples=100)
    assert set(counts) < set(evaluation.metrics)
    for name in evaluation.metrics:
        assert len(parts_of(predictions, name)) == 1
        assert compare_paired(p, p, y, task, metric=name, resamples=100).p_value == 1


def test_an_unknown_metric_is_named_with_the_nearest() -> None:
    task, p, y = single_label(50, 3)
    with pytest.raises(SettingError, match=r"metric must be one of .*; got 'f1_makro'. Did you mean 'f1_macro'"):
        compare_paired(p, p, y, task, metric="f1_makro")
