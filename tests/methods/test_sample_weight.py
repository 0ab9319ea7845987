"""What a text counts: ``fit(..., sample_weight=)`` of every method, as scikit-learn's users expect it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline

from textgraft import load
from textgraft.dataset import Dataset, Rows
from textgraft.errors import DataError, TrainingError
from textgraft.methods import METHODS, MajorityClassifier, NgramClassifier, RecurrentClassifier, TextClassifier
from textgraft.methods.weights import with_weights
from textgraft.task import Task

from ..stacks import small_members

Make = Callable[..., TextClassifier]

SPORT = ["goal match", "the match was great", "a great goal", "the game match", "a game of goals", "not a goal"]
MONEY = ["bank rate", "the rate of the bank", "a bank", "the bank is good", "rate and bank", "not the rate"]
TEXTS = [f"{text} {more}" for text in SPORT + MONEY for more in ("", "very", "a film", "of the book")]
N = len(TEXTS)
LABELS = ["sport"] * (N // 2) + ["money"] * (N // 2)
SETS = [{"sport"} if label == "sport" else {"money", "dull"} for label in LABELS]
TASK = Task(("money", "sport"))
DATA = Dataset(TEXTS, TASK.encode(LABELS), TASK, Rows.numbered(N))
ALIKE = [text for text in SPORT + MONEY for _ in range(4)]  # of which nothing tells odd ones from even ones
ODD = np.array(["odd", "even"] * (N // 2))
HEAVY = np.where(ODD == "odd", 50.0, 1.0)
UNEVEN = np.random.default_rng(0).choice([0.5, 1.0, 3.0], N)


@pytest.fixture(params=list(METHODS))
def make(request: pytest.FixtureRequest, tiny_encoder: Path) -> Make:
    """Makes an unfitted classifier of each method, small enough for a test."""
    cls = METHODS[request.param]
    fitting: dict[str, Any] = {"encoder": str(tiny_encoder), "precision": "fp32", "learning_rate": 5e-3, "epochs": 3}
    if cls is RecurrentClassifier:
        fitting = {"epochs": 6, "batch_size": 8, "hidden": 8, "width": 8, "min_count": 1, "precision": "fp32"}
    fitting["members"] = small_members(tiny_encoder)
    known = inspect.signature(cls).parameters
    fitting = {name: value for name, value in fitting.items() if name in known}
    return lambda **more: cls(**fitting | {name: value for name, value in more.items() if name in known})


@pytest.mark.parametrize("labels", [LABELS, SETS], ids=["one label", "several"])
def test_weights_of_1_are_no_weights(make: Make, labels: list[Any]) -> None:
    plain = make().fit(TEXTS, labels)
    for ones in (np.ones(N), [1] * N, np.ones(N, np.int32), [True] * N):
        weighed = make().fit(TEXTS, labels, sample_weight=ones)
        np.testing.assert_array_equal(weighed.predict_proba(TEXTS), plain.predict_proba(TEXTS))
        np.testing.assert_array_equal(weighed.thresholds_, plain.thresholds_)
        assert weighed.fitted_on_ == plain.fitted_on_


@pytest.mark.parametrize("labels", [LABELS, SETS], ids=["one label", "several"])
def test_a_text_of_weight_0_is_as_if_it_were_not_there(make: Make, labels: list[Any]) -> None:
    weights = UNEVEN.copy()
    weights[::5] = 0
    there = np.flatnonzero(weights)
    noise = [*TEXTS, "bank bank bank goal strange words"]
    whole = make().fit(noise, [*labels, labels[0]], sample_weight=[*weights, 0])
    less = make().fit([TEXTS[i] for i in there], [labels[i] for i in there], sample_weight=weights[there])
    np.testing.assert_array_equal(whole.predict_proba(TEXTS), less.predict_proba(TEXTS))
    np.testing.assert_array_equal(whole.thresholds_, less.thresholds_)


@pytest.mark.parametrize("labels", [LABELS, SETS], ids=["one label", "several"])
def test_only_proportions_matter_where_the_method_chooses_its_strength(make: Make, labels: list[Any]) -> None:
    model = make().fit(TEXTS, labels, sample_weight=UNEVEN)
    for factor in (2.0**40, 2.0**-40):
        other = make().fit(TEXTS, labels, sample_weight=UNEVEN * factor)
        np.testing.assert_allclose(other.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)


def test_what_is_heavily_weighted_wins(make: Make) -> None:
    texts, labels = ["the same text"] * N, LABELS
    for winner in ("sport", "money"):
        weights = np.where(np.array(labels) == winner, 30.0, 1.0)
        model = make().fit([*texts, *TEXTS], [*labels, *LABELS], sample_weight=[*weights, *weights])
        assert model.predict(["the same text"]).tolist() == [winner]  # type: ignore[union-attr]


def test_validation_data_counts_as_it_is_weighted(make: Make) -> None:
    wrong = replace(DATA, targets=1 - DATA.targets)
    both = Dataset(TEXTS * 2, np.concatenate((DATA.targets, wrong.targets)), TASK, Rows.numbered(2 * N))
    right_only = replace(both, weights=np.repeat([1.0, 0.0], N))
    one, other = (make().fit(DATA, valid=valid) for valid in (right_only, DATA))
    np.testing.assert_array_equal(one.predict_proba(TEXTS), other.predict_proba(TEXTS))


def test_a_dataset_with_weights_is_fitted_as_lists_with_weights_are(make: Make) -> None:
    given = make().fit(replace(DATA, weights=UNEVEN))
    listed = make().fit(TEXTS, LABELS, sample_weight=UNEVEN.tolist())
    np.testing.assert_array_equal(given.predict_proba(TEXTS), listed.predict_proba(TEXTS))
    with pytest.raises(DataError, match="Dataset carries its weights; give fit either those or sample_weight"):
        make().fit(replace(DATA, weights=UNEVEN), sample_weight=UNEVEN)


def test_a_model_says_that_its_rows_were_weighted(make: Make, tmp_path: Path) -> None:
    model = make().fit(TEXTS, LABELS, sample_weight=UNEVEN)
    assert model.fitted_on_.weights == (0.5, 3.0)
    assert model.fitted_on_.rows == N
    place = model.save(tmp_path / "model")
    assert json.loads((place / "textgraft.json").read_text("utf-8"))["fitted_on"]["weights"] == [0.5, 3.0]
    assert "Its rows were weighted, from 0.5 to 3." in (place / "README.md").read_text("utf-8")
    assert load(place).fitted_on_ == model.fitted_on_
    plain = make().fit(TEXTS, LABELS)
    assert plain.fitted_on_.weights is None
    assert plain.fitted_on_.fingerprint != model.fitted_on_.fingerprint
    assert "weighted" not in (plain.save(tmp_path / "plain") / "README.md").read_text("utf-8").partition("##")[2]


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([1.0] * (N - 1), "sample_weight must be 48 numbers, one for each text; got 47"),
        (2.0, "one for each text; got 2.0"),
        ("balanced", "one for each text; got 'balanced'"),
        ([*[1.0] * (N - 1), -1], "0 or a number from 1e-100 to 1e\\+100; item 47 of sample_weight is -1"),
        ([float("nan"), *[1.0] * (N - 1)], "item 0 of sample_weight is nan"),
        ([1, float("inf"), *[1.0] * (N - 2)], "item 1 of sample_weight is inf. 0 leaves a text out"),
        ([1, None, *[1.0] * (N - 2)], "item 1 of sample_weight is None"),
        ([1, "2", *[1.0] * (N - 2)], "item 1 of sample_weight is '2'"),
        (np.ones((N, 1)), "item 0 of sample_weight is \\[1.0\\]"),
        ([0.0] * N, "at least two labels to tell apart; all 0 training texts of a weight above 0 carry no label"),
        ([1.0] * (N // 2) + [0.0] * (N // 2), "all 24 training texts of a weight above 0 carry 'sport'"),
    ],
)
def test_weights_that_cannot_be_used_are_named(make: Make, weights: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        make().fit(TEXTS, LABELS, sample_weight=weights)  # type: ignore[arg-type]


def test_weights_of_any_kind_of_list_are_taken() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    expected = MajorityClassifier().fit(TEXTS, LABELS, sample_weight=UNEVEN).shares_
    for weights in (
        pandas.Series(UNEVEN, range(5, 5 + N)),
        polars.Series(UNEVEN),
        tuple(UNEVEN),
        UNEVEN.astype(np.float32),
    ):
        np.testing.assert_array_equal(MajorityClassifier().fit(TEXTS, LABELS, sample_weight=weights).shares_, expected)
    missing = pandas.Series([*UNEVEN[:-1], pandas.NA], dtype="Float64")
    with pytest.raises(DataError, match="item 47 of sample_weight is <NA>"):
        MajorityClassifier().fit(TEXTS, LABELS, sample_weight=missing)


@given(st.data(), st.integers(2, 12))
def test_a_majority_by_weight_is_that_of_repeated_texts(data: st.DataObject, n: int) -> None:
    labels = ["a", "b", *data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))]
    times = [1, 1, *data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))]
    repeated = [label for label, count in zip(labels, times, strict=True) for _ in range(count)]
    one = MajorityClassifier().fit(["text"] * len(labels), labels, sample_weight=times)
    other = MajorityClassifier().fit(["text"] * len(repeated), repeated)
    shares = dict(zip(other.classes_.tolist(), other.shares_.tolist(), strict=True))
    assert [shares.get(label, 0.0) for label in one.classes_.tolist()] == pytest.approx(one.shares_.tolist())


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_twice_the_weights_are_twice_the_strength_that_is_given(class_weight: Any) -> None:
    settings = {"class_weight": class_weight}
    one = NgramClassifier(C=0.5, **settings).fit(TEXTS, LABELS, sample_weight=2 * UNEVEN)
    other = NgramClassifier(C=1.0, **settings).fit(TEXTS, LABELS, sample_weight=UNEVEN)
    np.testing.assert_allclose(one.predict_proba(TEXTS), other.predict_proba(TEXTS), atol=1e-5)


@given(weights=st.lists(st.floats(0, 1e100, allow_subnormal=False).filter(lambda w: w == 0 or w >= 1e-100), min_size=N))
@settings(max_examples=15)
def test_weights_of_any_size_give_probabilities(weights: list[float]) -> None:
    weights = [*weights[:N], 1e100, 1e-100]
    model = NgramClassifier().fit([*TEXTS, "goal", "bank"], [*LABELS, "sport", "money"], sample_weight=weights)
    assert np.isfinite(model.predict_proba(TEXTS)).all()


def test_parts_of_a_dataset_keep_their_weights() -> None:
    weighed = with_weights(DATA, UNEVEN)
    np.testing.assert_array_equal(weighed.select([3, 1]).weights, UNEVEN[[3, 1]])
    assert weighed.fingerprint != DATA.fingerprint
    assert weighed.weight == UNEVEN.sum()
    np.testing.assert_allclose(weighed.weighed_counts, [UNEVEN[N // 2 :].sum(), UNEVEN[: N // 2].sum()])
    with pytest.raises(DataError, match="the given texts row 2 has -1"):
        replace(DATA, weights=np.array([1.0, -1.0, *UNEVEN[2:]]))
    with pytest.raises(DataError, match="48 texts need 48 weights; got weights of shape"):
        replace(DATA, weights=np.ones(3))


def test_scikit_learns_tools_hand_weights_on() -> None:
    pairs = {"sample_weight": HEAVY}
    plain = cross_validate(NgramClassifier(), ALIKE, ODD, cv=2, params=pairs, return_estimator=True)
    assert all(set(model.predict(ALIKE)) == {"odd"} for model in plain["estimator"])
    search = GridSearchCV(NgramClassifier(), {"seed": [0, 1]}, cv=2).fit(ALIKE, ODD, sample_weight=HEAVY)
    assert set(search.predict(ALIKE)) == {"odd"}
    steps = make_pipeline(NgramClassifier()).fit(ALIKE, ODD, ngramclassifier__sample_weight=HEAVY)
    assert set(steps.predict(ALIKE)) == {"odd"}
    both = [("a", NgramClassifier()), ("b", MajorityClassifier())]
    assert set(VotingClassifier(both, voting="soft").fit(ALIKE, ODD, sample_weight=HEAVY).predict(ALIKE)) == {"odd"}
    calibrated = CalibratedClassifierCV(NgramClassifier(), cv=2).fit(ALIKE, ODD, sample_weight=HEAVY)
    assert set(calibrated.predict(ALIKE)) == {"odd"}


def test_metadata_routing_hands_weights_to_fit_when_they_are_asked_for() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        asking = clone(NgramClassifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True))
        weighed = cross_validate(asking, ALIKE, ODD, cv=2, params={"sample_weight": HEAVY}, return_estimator=True)
        assert all(set(model.predict(ALIKE)) == {"odd"} for model in weighed["estimator"])
        renamed = NgramClassifier().set_fit_request(sample_weight="counts").set_score_request(sample_weight=False)
        search = GridSearchCV(renamed, {"seed": [0]}, cv=2).fit(ALIKE, ODD, counts=HEAVY)
        assert set(search.predict(ALIKE)) == {"odd"}
        # What was asked for stays when something else is asked for.
        request = NgramClassifier().set_fit_request(sample_weight=True).set_fit_request(valid=True)
        assert request.get_metadata_routing().fit.requests == {"valid": True, "sample_weight": True}


def test_a_training_goes_on_with_the_same_weights_only(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    fitting: dict[str, Any] = {"epochs": 1, "hidden": 8, "width": 8, "min_count": 1, "precision": "fp32"}
    where: dict[str, Any] = {"folder": tmp_path / "run", "resume": True, "checkpoint_seconds": 0}
    first = RecurrentClassifier(**fitting, **where).fit(TEXTS, LABELS, sample_weight=UNEVEN)
    again = RecurrentClassifier(**fitting, **where).fit(TEXTS, LABELS, sample_weight=UNEVEN)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), first.predict_proba(TEXTS))
    for other in (None, UNEVEN[::-1]):
        with pytest.raises(TrainingError, match="belongs to another training: training data"):
            RecurrentClassifier(**fitting, **where).fit(TEXTS, LABELS, sample_weight=other)
