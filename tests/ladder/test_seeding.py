from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft import MajorityClassifier, NgramClassifier, StackedClassifier, compare, split
from textgraft.analysis.gathering import training_story
from textgraft.data.folds import make_folds
from textgraft.dataset import Dataset, Splits
from textgraft.errors import SettingError
from textgraft.evaluation.inputs import Predictions
from textgraft.ladder import train
from textgraft.ladder.seeding import check_seeds
from textgraft.methods import TextClassifier
from textgraft.methods.constraints import SEED
from textgraft.methods.hyperparameters import hyperparameter, hyperparameters
from textgraft.model_directory import MethodFacts
from textgraft.runtimes import Runtime

from .races import dataset


@hyperparameters
class Drawn(TextClassifier):
    """Knows the label by its words, but for a share of texts that its seed draws."""

    method = "features"
    rung = 30
    facts = MethodFacts("what is drawn")
    seed: int = hyperparameter(SEED, "of the errors.", default=0)
    errors: ClassVar = 0.1

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        pass

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        yes = np.array([any(word in text for word in ("bright", "quick", "fine")) for text in texts])
        yes ^= np.random.RandomState(self.seed).random(len(texts)) < self.errors
        return np.stack((1 - 0.8 * yes, 0.8 * yes), axis=1).astype(np.float32) * 0.9 + 0.05

    def write_state(self, folder: Path) -> None:
        pass

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:
        pass


@hyperparameters
class Careless(Drawn):
    """The same, with more errors."""

    method = "finetune"
    rung = 40
    errors = 0.5


def test_the_model_the_figures_and_the_choice_are_those_of_the_first_seed() -> None:
    splits, methods = split(dataset(), valid=0.3), [NgramClassifier(seed=3), Drawn(seed=1)]
    alone, several = compare(methods, splits), compare(methods, splits, seeds=4)
    assert several.recommendation == alone.recommendation
    for one, other in zip(alone.results, several.results, strict=True):
        np.testing.assert_array_equal(one.predictions.probabilities, other.predictions.probabilities)
        assert one.evaluation.to_dict() == other.evaluation.to_dict()
        assert one.over_seeds is None
        assert other.over_seeds is not None
        metrics = other.evaluation.metrics
        assert {name: values[0] for name, values in other.over_seeds.values.items()} == pytest.approx(
            {name: metrics[name].value for name in other.over_seeds.values}, nan_ok=True
        )
    assert [each.over_seeds.seeds for each in several.results if each.over_seeds] == [(), (3, 4, 5, 6), (1, 2, 3, 4)]


def by_hand(predictions: Predictions) -> float:
    return float((predictions.predicted == predictions.targets).mean())


def test_folds_stay_and_seeds_vary() -> None:
    data = dataset(120)
    splits = Splits(data, folds=make_folds(data, 3))
    found = train(NgramClassifier(seed=2), splits, seeds=3).over_seeds
    assert found is not None
    for i, seed in enumerate(found.seeds):
        alone = train(NgramClassifier(seed=seed), splits).predictions
        assert alone is not None
        assert found.values["accuracy"][i] == pytest.approx(by_hand(alone))
    assert found.seeds == (2, 3, 4)


def test_what_draws_nothing_is_trained_once_and_it_says_so(tmp_path: Path) -> None:
    splits = split(dataset(100), valid=0.2)
    for model in (MajorityClassifier(), NgramClassifier()):  # which draws what to hold out where nothing is given
        found = train(model, splits, seeds=3, directory=tmp_path / model.method)
        assert found.over_seeds is not None
        assert found.over_seeds.seeds == ()
        assert found.results() == json.loads((tmp_path / model.method / "textgraft.json").read_text())["evaluation"]
        told = next(chapter for chapter in training_story(found).chapters if chapter.key == "seeds")
        assert f"Trained once: {model.method}. Nothing in its training is drawn" in str(told.blocks)


def test_methods_that_differ_by_no_more_than_seeds_bring_are_said_to() -> None:
    splits = split(dataset(300), valid=0.3, test=0.4)
    close = compare([Drawn(), Drawn(seed=50)], splits, seeds=5)
    assert close.recommendation.best is not None
    assert "no more than seeds alone can bring" in str(close).replace("\n", " ")
    far = compare([Drawn(), Careless()], splits, seeds=5)
    shown = " ".join(str(far).split())
    assert "more than seeds alone bring, on these rows" in shown
    assert "other seeds may order" not in shown
    content = far.to_dict()
    json.dumps(content, allow_nan=False)
    assert content["recommendation"]["over_seeds"]["finetune"]["p_value_holm"] < 0.05
    assert content["methods"][2]["over_seeds"]["seeds"] == [0, 1, 2, 3, 4]


def test_a_stack_hands_its_seed_to_its_members() -> None:
    found = StackedClassifier([NgramClassifier(seed=7), Drawn(seed=7)], seed=7).configure({"seed": 8})
    assert [member.seed for member in found.members] == [8, 8]  # type: ignore[union-attr]


def test_the_last_seed_is_followed_by_the_first() -> None:
    found = train(Drawn(seed=2**32 - 1), split(dataset(100), valid=0), seeds=2).over_seeds
    assert found is not None
    assert found.seeds == (2**32 - 1, 0)


@pytest.mark.parametrize("seeds", [0, -1, 1, 1_001, 2.5, True, "5"])
def test_a_number_of_seeds_that_cannot_be_is_refused(seeds: int) -> None:
    with pytest.raises(SettingError, match=r"from 2 to 1,000.*5 is usual"):
        check_seeds(seeds)
    model = NgramClassifier()
    with pytest.raises(SettingError, match="from 2 to 1,000"):
        train(model, split(dataset(50)), seeds=seeds)
    assert not hasattr(model, "task_")


def test_seeds_without_rows_for_figures_are_refused_before_anything_is_trained() -> None:
    model = NgramClassifier()
    with pytest.raises(SettingError, match="no rows are held out for figures"):
        train(model, split(dataset(50), test=0, valid=0), seeds=3)
    assert not hasattr(model, "task_")
