from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft.evaluation.calibration import Calibrated, Calibration, calibrate, fit_calibration
from textgraft.task import Task

Floats = NDArray[np.float32]

TWO, FOUR, MULTI = Task(("a", "b")), Task(("a", "b", "c", "d")), Task(("a", "b", "c"), multi_label=True)
TASKS = pytest.mark.parametrize("task", [TWO, FOUR, MULTI], ids=["two", "four", "multi-label"])


def world(task: Task, n: int, seed: int = 0) -> tuple[Floats, Any]:
    """Logits, and labels that are drawn as these say."""
    rng = np.random.default_rng(seed)
    logits = (2 * rng.standard_normal((n, len(task)))).astype(np.float32)
    if task.multi_label:
        return logits, rng.random(logits.shape) < task.probabilities(logits)
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1).astype(np.int64)


def log_loss(probabilities: Floats, targets: Any, task: Task) -> float:
    if task.multi_label:
        return float(-np.log(np.where(targets, probabilities, 1 - probabilities)).mean())
    return float(-np.log(probabilities[np.arange(len(targets)), targets]).mean())


def calibrated(logits: Floats, targets: Any, task: Task, **more: Any) -> tuple[Calibrated, Floats]:
    found = calibrate(logits, targets, task, **more)
    return found, found.calibration.probabilities(logits, task)


@TASKS
@pytest.mark.parametrize("factor", [1e-4, 0.3, 7.0, 1e4])
@pytest.mark.parametrize("n", [20, 300])
def test_the_scale_of_the_logits_does_not_matter(task: Task, factor: float, n: int) -> None:
    logits, targets = world(task, n)
    plain, _ = fit_calibration(logits, targets, task)
    scaled, _ = fit_calibration(logits * np.float32(factor), targets, task)
    expected = plain.probabilities(logits, task)
    np.testing.assert_allclose(scaled.probabilities(logits * np.float32(factor), task), expected, atol=0.005)


@TASKS
@pytest.mark.parametrize("factor", [0.1, 3.0])
@pytest.mark.parametrize("n", [10, 30, 150, 1000])
def test_the_validation_loss_never_rises_and_falls_where_the_scale_was_wrong(task: Task, factor: float, n: int) -> None:
    for seed in range(5):
        logits, targets = world(task, n, seed)
        wrong = logits * np.float32(factor)
        found, probabilities = calibrated(wrong, targets, task)
        before = log_loss(task.probabilities(wrong), targets, task)
        assert found.after <= found.before
        assert found.before == pytest.approx(before, rel=1e-4)
        assert log_loss(probabilities, targets, task) <= before + 1e-6
        if n >= 150:
            assert found.kept != "none"
            new, truth = world(task, 2000, 99)
            ideal = log_loss(task.probabilities(new), truth, task)
            again = log_loss(found.calibration.probabilities(new * np.float32(factor), task), truth, task)
            assert again < ideal + 0.05


@TASKS
def test_what_is_calibrated_already_mostly_stays_as_it_is(task: Task) -> None:
    kept = [calibrate(*world(task, 400, seed), task) for seed in range(20)]
    assert sum(one.kept == "none" for one in kept) >= 8
    for one in kept:
        new, truth = world(task, 2000, 99)
        ideal = log_loss(task.probabilities(new), truth, task)
        assert log_loss(one.calibration.probabilities(new, task), truth, task) < ideal + 0.02
        assert one.kept != "none" or (one.calibration.scale == 1).all()


@TASKS
def test_one_scale_changes_no_label(task: Task) -> None:
    logits, targets = world(task, 200)
    found, probabilities = calibrated(logits * 3, targets, task, shifts=False)
    assert found.kept == "scale"
    if task.multi_label:
        # They share a shift, too.
        assert len({*found.calibration.shift.tolist()}) == 1
    else:
        np.testing.assert_array_equal(probabilities.argmax(axis=1), logits.argmax(axis=1))


def test_shifts_bring_back_shares_that_training_lost() -> None:
    logits, targets = world(FOUR, 2000)
    off = np.array([2.0, -1.0, 0.0, -1.0], np.float32)
    found, probabilities = calibrated(logits + off, targets, FOUR)
    assert found.kept == "scale and shift"
    np.testing.assert_allclose(probabilities.mean(axis=0), np.bincount(targets) / 2000, atol=0.01)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_rows_change_nothing(n: int) -> None:
    for task in (TWO, FOUR, MULTI):
        logits, targets = world(task, n)
        found = calibrate(logits * 9, targets, task)
        assert found.kept == "none"
        assert found.before == found.after
        assert (found.calibration.scale == 1).all()


@TASKS
def test_rows_that_are_all_right_give_no_certainty(task: Task) -> None:
    logits, _ = world(task, 50)
    targets = logits > 0 if task.multi_label else logits.argmax(axis=1)
    found, loss = fit_calibration(logits * 100, targets, task)
    sure = np.abs(found.probabilities(logits * 100, task) - 0.5) + 0.5
    assert 0.8 < sure.mean() < 0.999
    assert loss > 0.001


@TASKS
def test_scores_that_tell_nothing_give_the_shares(task: Task) -> None:
    rng = np.random.default_rng(7)
    logits = (5 * rng.standard_normal((400, len(task)))).astype(np.float32)
    _, targets = world(task, 400)
    _, probabilities = calibrated(logits, targets, task)
    shares = targets.mean(axis=0) if task.multi_label else np.bincount(targets) / 400
    np.testing.assert_allclose(probabilities.mean(axis=0), shares, atol=0.03)
    assert probabilities.std(axis=0).max() < 0.1


@TASKS
def test_scores_that_are_all_alike_do_no_harm(task: Task) -> None:
    _, targets = world(task, 40)
    _, probabilities = calibrated(np.ones((40, len(task)), np.float32), targets, task)
    assert np.isfinite(probabilities).all()


def test_labels_that_no_row_or_every_row_carries_stay_finite() -> None:
    logits, targets = world(MULTI, 100)
    targets[:, 0], targets[:, 1] = False, True
    _, probabilities = calibrated(logits, targets, MULTI)
    assert 0 < probabilities[:, 0].mean() < 0.3
    assert 0.7 < probabilities[:, 1].mean() < 1


@TASKS
def test_a_row_of_weight_3_is_that_row_three_times(task: Task) -> None:
    logits, targets = world(task, 300)
    times = np.random.default_rng(1).integers(1, 4, 300)
    weighed, loss = fit_calibration(logits * 2, targets, task, weights=times * 1e-3)
    many = np.repeat(np.arange(300), times)
    repeated, expected = fit_calibration(logits[many] * 2, targets[many], task)
    assert loss == pytest.approx(expected, abs=0.003)
    np.testing.assert_allclose(weighed.scale, repeated.scale, rtol=0.05)


def test_weights_of_labels_are_taken_off() -> None:
    """Training in which a label counts w times adds log w to its logit."""
    weights = np.array([0.5, 8.0, 1.0, 1.0])
    logits, targets = world(FOUR, 1000)
    usual = Calibration.usual(FOUR, 4, label_weights=weights)
    trained = logits + np.log(weights).astype(np.float32)
    np.testing.assert_allclose(usual.probabilities(trained, FOUR), FOUR.probabilities(logits), atol=1e-6)
    found = calibrate(trained, targets, FOUR, usual=usual)
    assert found.before == pytest.approx(log_loss(FOUR.probabilities(logits), targets, FOUR), rel=1e-4)
    column = np.array([[0.7]], np.float32)
    both = Calibration.usual(TWO, 1, label_weights=np.array([1.0, 3.0])).probabilities(column, TWO)
    assert both[0, 1] == pytest.approx(1 / (1 + 3 * np.exp(-0.7)))


def test_very_many_scores_are_judged_on_one_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, targets = world(FOUR, 1000)
    monkeypatch.setattr("textgraft.evaluation.calibration._PLENTY", 1000)
    found, probabilities = calibrated(logits * 3, targets, FOUR)
    assert found.after < found.before
    assert log_loss(probabilities, targets, FOUR) == pytest.approx(found.after, abs=0.1)
    assert found.calibration.scale[0] == pytest.approx(1 / 3, rel=0.3)


def test_what_was_done_is_plain_data() -> None:
    content = calibrate(*world(FOUR, 100), FOUR).to_dict()
    assert content.keys() - {"without"} == {"kept", "log_loss_before", "log_loss_after"}
    assert json.loads(json.dumps(content)) == content
