"""scikit-learn's tools on classifiers that do not inherit from it, and the same classifiers without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError as TheirNotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from textgraft.errors import DataError, SettingError, TextgraftError
from textgraft.methods import MajorityClassifier, NgramClassifier
from textgraft.methods.constraints import Constraint, Number
from textgraft.methods.estimator import Estimator, accuracy
from textgraft.methods.estimator import clone as own_clone
from textgraft.methods.hyperparameters import hyperparameter, hyperparameters

SPORT = ["a great goal in the match", "the game was a goal", "match after match", "a game of goals"]
MONEY = ["the rate of the bank", "banks and rates", "a bank is a bank", "what a rate"]
TEXTS = (SPORT + MONEY) * 6
LABELS = (["sport"] * 4 + ["money"] * 4) * 6
MATRIX = np.array([[label == "sport", label == "money"] for label in LABELS]).astype(int)


class Anything(Constraint):
    def accepts(self, value: object) -> bool:
        return True


@hyperparameters
class Outer(Estimator):
    """A classifier with another one in it."""

    inner: object = hyperparameter(Anything(), "another one.", default=None, kw_only=False)
    weights: object = hyperparameter(Anything(), "an array.", default=None)
    width: int = hyperparameter(Number(1, whole=True), "a number.", default=3)


def test_voting_stacking_calibration_and_thresholds_take_our_classifiers() -> None:
    both = [("ngrams", NgramClassifier()), ("words", NgramClassifier(characters=None))]
    for model in (
        VotingClassifier(both, voting="soft"),
        StackingClassifier(both, cv=2),
        CalibratedClassifierCV(NgramClassifier(), cv=2),
        CalibratedClassifierCV(FrozenEstimator(NgramClassifier().fit(TEXTS, LABELS))),
        TunedThresholdClassifierCV(NgramClassifier(), cv=2, scoring="accuracy"),
    ):
        assert model.fit(TEXTS, LABELS).predict(["the goal", "the bank"]).tolist() == ["sport", "money"]


def test_several_processes_fit_and_score_as_one_does() -> None:
    search = {"ngramclassifier__seed": [0, 1]}
    one, two = (
        GridSearchCV(make_pipeline(NgramClassifier()), search, cv=2, n_jobs=jobs).fit(TEXTS, LABELS) for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(one.predict_proba(TEXTS), two.predict_proba(TEXTS))


def test_an_error_of_a_worker_process_arrives_as_it_was_raised() -> None:
    from joblib import Parallel, delayed

    with pytest.raises(TheirNotFittedError, match="NgramClassifier is not fitted yet"):
        Parallel(n_jobs=2)([delayed(NgramClassifier().predict)(TEXTS)])


def test_sample_weights_reach_the_score_when_they_are_asked_for() -> None:
    odd = np.random.default_rng(1).choice(["odd", "even"], len(TEXTS))  # about half of them are right
    weights = np.random.default_rng(0).random(len(TEXTS))
    with sklearn.config_context(enable_metadata_routing=True):
        asking = clone(NgramClassifier().set_score_request(sample_weight=True).set_fit_request(sample_weight=False))
        weighed = cross_validate(asking, TEXTS, odd, cv=2, params={"sample_weight": weights})
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            cross_validate(NgramClassifier(), TEXTS, odd, cv=2, params={"sample_weight": weights})
    plain = cross_validate(NgramClassifier(), TEXTS, odd, cv=2)
    assert not np.array_equal(weighed["test_score"], plain["test_score"])


def test_a_diagram_is_drawn_and_a_pipeline_prints_it() -> None:
    model = NgramClassifier(min_count=3)
    assert "NgramClassifier" in estimator_html_repr(make_pipeline(model))
    shown = model._repr_mimebundle_()
    assert shown["text/plain"] == "NgramClassifier(min_count=3)"
    assert "NgramClassifier" in shown["text/html"]
    assert "NgramClassifier(min_count=3)" in repr(make_pipeline(model))


def test_settings_of_an_estimator_in_an_estimator() -> None:
    model = Outer(NgramClassifier(seed=4), weights=np.ones(3))
    assert model.get_params()["inner__seed"] == 4
    assert "inner__seed" not in model.get_params(deep=False)
    model.set_params(inner__seed=5, width=7)
    assert (model.inner.seed, model.width) == (5, 7)  # type: ignore[attr-defined]
    model.set_params(inner__seed=6, inner=NgramClassifier(min_count=9))
    assert (model.inner.seed, model.inner.min_count) == (6, 9)  # type: ignore[attr-defined]
    assert repr(model) == "Outer(inner=NgramClassifier(min_count=9, seed=6), weights=array([1., 1., 1.]), width=7)"
    with pytest.raises(SettingError, match=r"NgramClassifier has no hyperparameter 'sead'\. Did you mean 'seed'"):
        model.set_params(inner__sead=1)
    with pytest.raises(SettingError, match="It has inner, weights, width"):
        model.set_params(weights__seed=1)


def test_a_clone_shares_nothing_that_can_be_changed() -> None:
    model = Outer(NgramClassifier(seed=4), weights=[1, 2])
    for copied in (own_clone(model), clone(model)):
        copied.weights.append(3)  # type: ignore[attr-defined]
        copied.set_params(inner__seed=5)
        assert (model.weights, model.inner.seed) == ([1, 2], 4)  # type: ignore[attr-defined]


def test_what_has_few_settings_prints_and_refuses_as_others_do() -> None:
    assert repr(MajorityClassifier()) == "MajorityClassifier()"
    assert MajorityClassifier().get_params() == {"metric": None, "thresholds": None, "abstain": None}
    with pytest.raises(SettingError, match="It has abstain"):
        MajorityClassifier().set_params(seed=1)


@given(st.data(), st.integers(1, 12), st.booleans())
def test_accuracy_is_that_of_scikit_learn(data: st.DataObject, n: int, matrix: bool) -> None:
    shape = (n, 3) if matrix else (n,)
    some = arrays.arrays(np.int64, shape, elements=st.integers(0, 1))
    truth, predicted = data.draw(some), data.draw(some)
    weights = data.draw(st.none() | arrays.arrays(np.float64, n, elements=st.floats(0.125, 8)))
    assert accuracy(truth, predicted, weights) == pytest.approx(accuracy_score(truth, predicted, sample_weight=weights))


def test_scores_of_labels_in_any_form_are_the_share_of_texts_that_are_all_right() -> None:
    model = NgramClassifier().fit(TEXTS, LABELS)
    wrong = ["money", *LABELS[1:]]
    assert model.score(TEXTS, wrong) == pytest.approx(47 / 48)
    assert model.score(TEXTS, wrong, sample_weight=[0, *[1] * 47]) == 1
    by_matrix = NgramClassifier().fit(TEXTS, MATRIX)
    by_name = NgramClassifier().fit(TEXTS, [{label} for label in LABELS])
    assert by_matrix.score(TEXTS, MATRIX) == by_name.score(TEXTS, [{label} for label in LABELS]) == 1
    for texts, labels in ((TEXTS, LABELS[1:]), (TEXTS, MATRIX), ([], [])):
        with pytest.raises(DataError, match="score needs labels"):
            model.score(texts, labels)


def test_without_scikit_learn_all_of_it_works_but_what_hands_out_its_types(tmp_path: Path) -> None:
    code = f"""
import sys
from textgraft.errors import TextgraftError
from textgraft.methods import NgramClassifier
from textgraft.methods.estimator import NotFittedError, clone

model = NgramClassifier(seed=3)
assert clone(model).set_params(seed=4).get_params()["seed"] == 4
assert model._repr_mimebundle_() == {{"text/plain": "NgramClassifier(seed=3)"}}
for kind in (NotFittedError, TextgraftError, ValueError, AttributeError):
    try:
        model.predict(["a goal"])
    except kind as error:
        assert "not fitted yet; call fit first" in str(error)
assert model.fit({TEXTS!r}, {LABELS!r}).score({TEXTS!r}, {LABELS!r}) == 1
assert not any(name.split(".")[0] in ("sklearn", "joblib", "pandas") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_not_fitted_is_the_error_of_both_libraries() -> None:
    for kind in (TheirNotFittedError, TextgraftError, ValueError, AttributeError):
        with pytest.raises(kind):
            NgramClassifier().predict(["a goal"])
