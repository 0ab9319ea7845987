from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.decision import Decision
from textgraft.errors import ArtifactError, DataError, SettingError
from textgraft.evaluation.parity import Parity, Tolerance, measure, tolerance_for
from textgraft.task import Task

SINGLE = Task(("a", "b", "c"))
MULTI = Task(("a", "b", "c"), multi_label=True)
CUTS = np.array([0.5, 0.3, 0.7], np.float32)


def of(*, multi: bool) -> tuple[Task, Decision]:
    return (MULTI, Decision(CUTS)) if multi else (SINGLE, Decision.usual(SINGLE))


def answers(n: int, seed: int, *, multi: bool) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 3, (n, 3))
    odds = np.exp(logits)
    return (odds / (1 + odds) if multi else odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def truth(n: int, *, multi: bool) -> np.ndarray:
    rng = np.random.default_rng(9)
    return rng.random((n, 3)) < 0.4 if multi else rng.integers(0, 3, n)


def moved(n: int, differing: int, *, by: float = 0.2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers before and after of which ``differing`` change their label from right to wrong, and the truth."""
    before = np.tile(np.array([0.5 + by / 2, 0.5 - by / 2, 0], np.float32), (n, 1))
    after = before.copy()
    after[:differing] = after[:differing, [1, 0, 2]]
    return before, after, np.zeros(n, np.int64)


@given(st.integers(1, 40), st.integers(0, 2**16), st.booleans())
def test_a_model_is_at_parity_with_itself_whatever_the_tolerance(n: int, seed: int, multi: bool) -> None:
    p = answers(n, seed, multi=multi)
    found = measure(p, p, *of(multi=multi), truth(n, multi=multi))
    assert (found.largest_difference, found.equal_labels, found.equal_decisions) == (0, 1, 1)
    assert found.change is not None
    assert found.change.value == 0
    assert found.fault(Tolerance(0, 1, 0)) is None


@given(st.integers(1, 40), st.integers(0, 2**16), st.booleans())
def test_what_is_measured_is_what_a_loop_over_texts_would_find(n: int, seed: int, multi: bool) -> None:
    before, after = answers(n, seed, multi=multi), answers(n, seed + 1, multi=multi)
    found = measure(before, after, *of(multi=multi))
    differences = [abs(float(a) - float(b)) for a, b in zip(before.ravel(), after.ravel(), strict=True)]
    assert found.largest_difference == pytest.approx(max(differences))
    assert found.mean_difference == pytest.approx(sum(differences) / len(differences))
    if multi:
        decisions = [
            [(p >= c) == (q >= c) for p, q, c in zip(*row, CUTS, strict=True)]
            for row in zip(before, after, strict=True)
        ]
    else:
        decisions = [[int(p.argmax()) == int(q.argmax())] for p, q in zip(before, after, strict=True)]
    assert found.equal_labels == pytest.approx(np.mean([all(row) for row in decisions]))
    assert found.equal_decisions == pytest.approx(np.mean(decisions))
    assert found.equal_labels <= found.equal_decisions + 1e-12
    assert found.before is found.after is found.change is None


def test_the_metric_before_and_after_differ_by_the_change() -> None:
    before, after, targets = moved(200, 6)
    found = measure(before, after, *of(multi=False), targets)
    assert found.metric == "accuracy"
    assert found.before is not None
    assert found.after is not None
    assert found.change is not None
    assert (found.before.value, found.after.value) == (1, pytest.approx(0.97))
    assert found.change.value == pytest.approx(-0.03)
    assert found.change.low < -0.03 < found.change.high <= 0
    multi = measure(answers(9, 0, multi=True), answers(9, 1, multi=True), *of(multi=True), truth(9, multi=True))
    assert multi.metric == "f1_micro"


def test_flips_that_cancel_out_in_the_metric_are_still_seen() -> None:
    before, after, targets = moved(200, 40)
    targets[20:40] = 1  # of the forty, twenty turn from wrong to right
    found = measure(before, after, *of(multi=False), targets)
    assert found.change is not None
    assert found.change.value == 0
    fault = found.fault(tolerance_for("int8"))
    assert fault == "40 of 200 texts get other labels (80.0% equal), at most 4 may (98.0%)."


@pytest.mark.parametrize(
    ("n", "differing", "least", "passes"),
    [
        (40, 1, 0.98, True),  # 2.5 %, but one text
        (40, 2, 0.98, False),
        (100, 2, 0.98, True),
        (100, 3, 0.98, False),
        (1, 1, 0.98, True),
        (500, 1, 1.0, False),  # all means all
        (500, 500, 0.0, True),
    ],
)
def test_the_share_of_equal_labels_counts_whole_texts(n: int, differing: int, least: float, passes: bool) -> None:
    before, after, _ = moved(n, differing)
    assert (measure(before, after, *of(multi=False)).fault(Tolerance(equal_labels=least)) is None) == passes


@pytest.mark.parametrize(
    ("n", "differing", "drop", "passes"),
    [(200, 1, 0.005, True), (200, 2, 0.005, False), (50, 1, 0.005, True), (50, 2, 0.005, False), (50, 1, 0.0, False)],
)
def test_the_metric_may_fall_by_the_stated_drop_or_by_one_text(
    n: int, differing: int, drop: float, passes: bool
) -> None:
    before, after, targets = moved(n, differing)
    assert (measure(before, after, *of(multi=False), targets).fault(Tolerance(metric_drop=drop)) is None) == passes


def test_a_better_metric_is_no_fault() -> None:
    before, after, targets = moved(100, 30)
    assert measure(after, before, *of(multi=False), targets).fault(Tolerance(metric_drop=0)) is None


def test_a_refusal_is_a_sentence_with_all_numbers() -> None:
    before, after, targets = moved(100, 10, by=0.4)
    fault = measure(before, after, *of(multi=False), targets).fault(tolerance_for("int8"))
    assert fault == (
        "A probability differs by 0.4, at most 0.25 is allowed; 10 of 100 texts get other labels (90.0% equal), at "
        "most 2 may (98.0%); accuracy falls from 1.000 to 0.900, by 10.00 points, at most 0.50 are allowed."
    )


@pytest.mark.parametrize("multi", [False, True])
def test_an_export_that_answers_no_number_never_passes(multi: bool) -> None:
    before = answers(50, 0, multi=multi)
    after = before.copy()
    after[3, 1] = np.nan
    after[7] = np.inf
    found = measure(before, after, *of(multi=multi), truth(50, multi=multi))
    fault = found.fault(Tolerance(1, 0, 1))
    assert fault == "2 of 50 texts get probabilities that are no numbers."
    assert found.equal_labels == 0.96
    json.dumps(found.to_dict(), allow_nan=False)


@given(st.integers(1, 30), st.integers(0, 2**16), st.booleans(), st.booleans())
def test_a_record_is_read_as_it_was_written(n: int, seed: int, multi: bool, labelled: bool) -> None:
    targets = truth(n, multi=multi) if labelled else None
    found = measure(
        answers(n, seed, multi=multi),
        answers(n, seed + 1, multi=multi),
        *of(multi=multi),
        targets,
        speed_before=12.5,
    )
    assert Parity.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


@pytest.mark.parametrize("content", [{"texts": 3}, {"more": 1}, {"change": {"low": 1}}])
def test_a_record_of_another_form_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ArtifactError, match="no record of parity"):
        Parity.from_dict(content)


def test_a_tolerance_is_usual_where_nothing_else_is_said() -> None:
    assert tolerance_for("int8", Tolerance(equal_labels=0.9)) == Tolerance(0.25, 0.9, 0.005)
    usual = [tolerance_for(name) for name in ("fp32", "bf16", "int8")]
    for field in ("largest_difference", "metric_drop"):
        bounds = [getattr(one, field) for one in usual]
        assert bounds == sorted(bounds)  # a lower precision may do more
    with pytest.raises(SettingError, match=r"equal_labels of a tolerance must be a number from 0 to 1.*got 98"):
        Tolerance(equal_labels=98)
    with pytest.raises(SettingError, match="precision must be one of"):
        tolerance_for("int4")


def test_answers_to_other_texts_or_to_none_are_refused() -> None:
    p = answers(4, 0, multi=False)
    with pytest.raises(SettingError, match="of one shape"):
        measure(p, p[:3], *of(multi=False))
    with pytest.raises(DataError, match="Without texts"):
        measure(p[:0], p[:0], *of(multi=False))
