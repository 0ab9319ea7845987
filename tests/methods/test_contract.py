"""scikit-learn's contract, for every method alike."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from textgraft import load, methods
from textgraft.dataset import Dataset, Rows
from textgraft.errors import DataError, SettingError
from textgraft.methods import METHODS, RecurrentClassifier, TextClassifier
from textgraft.methods import estimator as own
from textgraft.task import Task

from ..stacks import small_members

Make = Callable[[], TextClassifier]

SPORT = [
    "goal match",
    "the match was great",
    "a great goal",
    "not the goal of the match",
    "game goal",
    "the game match",
]
MONEY = ["bank rate", "the rate of the bank", "a bank", "not the rate", "the bank is good", "rate and bank"]
TEXTS = [f"{text} {more}" for text in SPORT + MONEY for more in ("", "very", "a film", "of the book")]
LABELS = ["sport"] * (len(TEXTS) // 2) + ["money"] * (len(TEXTS) // 2)
BOTH = [{"sport"} if label == "sport" else {"money", "dull"} for label in LABELS]


@pytest.fixture(params=list(METHODS))
def make(request: pytest.FixtureRequest, tiny_encoder: Path) -> Make:
    """Makes an unfitted classifier of each method, with an encoder small enough for a test."""
    cls = METHODS[request.param]
    fitting = {"encoder": str(tiny_encoder), "precision": "fp32", "learning_rate": 5e-3, "epochs": 4}
    if cls is RecurrentClassifier:  # on words; tests/methods/test_recurrent.py has it on an encoder's states
        fitting = {"epochs": 8, "batch_size": 4, "hidden": 16, "min_count": 1}
    fitting["members"] = small_members(tiny_encoder)
    known = inspect.signature(cls).parameters
    return lambda: cls(**{name: value for name, value in fitting.items() if name in known})


def test_init_only_stores_and_clone_copies_settings(make: Make) -> None:
    model = make()
    settings = model.get_params()
    assert {name: getattr(model, name) for name in settings} == settings
    assert set(settings) == set(inspect.signature(type(model)).parameters)
    for copied in (clone(model), own.clone(model)):
        assert type(copied) is type(model)
        assert copied is not model
        assert copied.get_params() == settings


def test_a_clone_of_a_fitted_classifier_is_not_fitted(make: Make) -> None:
    model = make().fit(TEXTS, LABELS)
    for copied in (clone(model), own.clone(model)):
        with pytest.raises(NotFittedError):
            copied.predict(TEXTS)
    check_is_fitted(model)


def test_the_text_of_a_classifier_makes_it_again(make: Make) -> None:
    model = make()
    again = eval(repr(model), vars(methods))
    assert type(again) is type(model)
    assert again.get_params() == model.get_params()
    assert repr(type(model)()) == f"{type(model).__name__}()"


def test_settings_of_another_name_are_refused_and_nothing_is_set(make: Make) -> None:
    model = make()
    before = model.get_params()
    with pytest.raises(SettingError, match=f"{type(model).__name__} has no hyperparameter 'sed'"):
        model.set_params(**dict.fromkeys(list(before)[:1], "other"), sed=1)
    with pytest.raises(ValueError, match="has no hyperparameter 'seed__inner'"):
        model.set_params(seed__inner=1)
    assert model.get_params() == before
    assert model.set_params(**before) is model


def test_a_fitted_classifier_goes_to_another_process_and_back(make: Make) -> None:
    model = make().fit(TEXTS, LABELS)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert again.get_params() == model.get_params()


def test_fit_returns_self_and_predicts_labels_of_the_given_type(make: Make) -> None:
    model = make()
    assert model.fit(TEXTS, LABELS) is model
    assert set(model.predict(TEXTS)) <= {"sport", "money"}
    numbers = make().fit(TEXTS, [1 if label == "sport" else -1 for label in LABELS])
    assert numbers.classes_.tolist() == [-1, 1]
    assert set(numbers.predict(TEXTS).tolist()) <= {-1, 1}  # type: ignore[union-attr]


def test_probabilities_are_float32_and_sum_to_one(make: Make) -> None:
    probabilities = make().fit(TEXTS, LABELS).predict_proba([*TEXTS, "", "words never seen"])
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (len(TEXTS) + 2, 2)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_dataset_is_fitted_as_lists_are(make: Make) -> None:
    task = Task(("money", "sport"))
    data = Dataset(TEXTS, task.encode(LABELS), task, Rows.numbered(len(TEXTS)))
    np.testing.assert_array_equal(make().fit(data).predict_proba(TEXTS), make().fit(TEXTS, LABELS).predict_proba(TEXTS))


def test_the_same_seed_gives_the_same_model(make: Make) -> None:
    first, second = make().fit(TEXTS, LABELS), make().fit(TEXTS, LABELS)
    np.testing.assert_array_equal(first.predict_proba(TEXTS), second.predict_proba(TEXTS))


def test_what_it_was_fitted_on_is_known_without_the_texts(make: Make) -> None:
    task = Task(("money", "sport"))
    data = Dataset(TEXTS, task.encode(LABELS), task, Rows.numbered(len(TEXTS)))
    known = make().fit(data, valid=data.select(range(0, 48, 5))).fitted_on_
    assert known.rows == len(TEXTS)
    assert known.counts == (24, 24)
    assert known.fingerprint == data.fingerprint


def test_several_labels_as_sets_of_names_or_as_a_matrix(make: Make) -> None:
    by_name = make().fit(TEXTS, BOTH)
    assert by_name.classes_.tolist() == ["dull", "money", "sport"]
    predicted = by_name.predict(TEXTS)
    assert all(set(names) <= {"dull", "money", "sport"} for names in predicted)
    matrix = np.array([[name in labels for name in ("dull", "money", "sport")] for labels in BOTH]).astype(int)
    by_matrix = make().fit(TEXTS, matrix)
    np.testing.assert_array_equal(by_matrix.predict_proba(TEXTS), by_name.predict_proba(TEXTS))
    assert by_matrix.predict(TEXTS).shape == matrix.shape  # type: ignore[union-attr]
    assert 0 <= by_matrix.score(TEXTS, matrix) <= 1
    assert by_name.score(TEXTS, BOTH) == by_matrix.score(TEXTS, matrix)


def test_cross_validation_grid_search_and_pipeline_work(make: Make) -> None:
    scores = cross_val_score(make(), TEXTS, LABELS, cv=2)
    assert scores.shape == (2,)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert is_classifier(make())
    probabilities = cross_val_predict(make(), TEXTS, LABELS, cv=2, method="predict_proba")
    assert probabilities.shape == (len(TEXTS), 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    seeds = {"seed": [0, 1]} if "seed" in make().get_params() else {}
    search = GridSearchCV(make(), seeds, cv=2).fit(TEXTS, LABELS)
    assert search.best_estimator_.predict(TEXTS).shape == (len(TEXTS),)
    steps = make_pipeline(FunctionTransformer(lambda texts: [text.upper() for text in texts]), make())
    assert steps.fit(TEXTS, LABELS).predict(["GOAL"]).shape == (1,)


def test_saved_and_loaded_predicts_the_same(make: Make, tmp_path: Path) -> None:
    for labels in (LABELS, BOTH):
        model = make().fit(TEXTS, labels)
        model.save(tmp_path / "model")
        again = load(tmp_path / "model")
        assert type(again) is type(model)
        np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
        assert list(again.predict(TEXTS)) == list(model.predict(TEXTS))
        assert again.kept_params == model.kept_params


def test_series_and_frames_are_taken_whatever_their_index(make: Make) -> None:
    pandas = pytest.importorskip("pandas")
    odd = range(100, 100 + len(TEXTS))
    plain = make().fit(TEXTS, LABELS).predict_proba(TEXTS)
    series = make().fit(pandas.Series(TEXTS, odd), pandas.Series(LABELS, odd, dtype="category"))
    np.testing.assert_array_equal(series.predict_proba(pandas.Series(TEXTS, odd)), plain)
    frame = (
        pandas.DataFrame({"sport": [label == "sport" for label in LABELS]}, odd).astype(int).assign(dull=[1, 0] * 24)
    )
    assert make().fit(TEXTS, frame).predict(TEXTS).shape == (len(TEXTS), 2)  # type: ignore[union-attr]


def test_no_texts_give_no_rows(make: Make) -> None:
    assert make().fit(TEXTS, LABELS).predict_proba([]).shape == (0, 2)


def test_unfitted_use_is_refused(make: Make) -> None:
    for use in (make().predict, make().predict_proba, lambda texts: make().score(texts, ["sport"])):
        with pytest.raises(NotFittedError, match=f"{type(make()).__name__} is not fitted yet; call fit first"):
            use(["goal"])
    with pytest.raises(NotFittedError):
        check_is_fitted(make())


@pytest.mark.parametrize(
    ("texts", "labels", "sentence"),
    [
        (TEXTS, LABELS[:-1], "as many labels as texts"),
        (TEXTS, ["sport"] * len(TEXTS), "at least two labels to tell apart"),
        ([], [], "needs at least two texts; got none"),
        ("goal", ["sport"], "Texts must come as a list; got one string"),
        ([*TEXTS[:-1], None], LABELS, r"Texts must be strings; item 47 is None"),
        (TEXTS, None, "fit needs labels"),
        (np.array([TEXTS, TEXTS]), LABELS, "got a table or matrix"),
        (TEXTS, np.full((len(TEXTS), 2), 7), "0 and 1 only"),
        (TEXTS, [*LABELS[:-2], None, float("nan")], "2 labels are missing, the first at item 46"),
        (TEXTS, [*LABELS[:-1], 3], "Labels must be all strings or all numbers; got both"),
    ],
)
def test_what_cannot_be_fitted_is_a_sentence(make: Make, texts: object, labels: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        make().fit(texts, labels)  # type: ignore[arg-type]


def test_settings_that_cannot_be_used_are_named(make: Make) -> None:
    model = make()
    for name in set(model.get_params()) & {"class_weight", "pooling", "precision", "batch_size", "epochs"}:
        with pytest.raises(SettingError, match=name):
            make().set_params(**{name: "absurd"}).fit(TEXTS, LABELS)
