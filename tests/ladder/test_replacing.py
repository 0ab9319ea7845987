"""A new model beside the one in use: measurably worse, measurably better, or neither."""

from __future__ import annotations

import random

import numpy as np
import pytest

from textgraft import Dataset, MajorityClassifier, NgramClassifier, compare_with, load
from textgraft.artifact import save
from textgraft.errors import DataError, SettingError
from textgraft.given import as_dataset

WORDS = {"sport": ["goal", "match", "team", "league"], "money": ["bank", "rate", "share", "tax"]}
FILLERS = ["the", "a", "of", "very", "and", "was", "this", "that", "new", "old", "day", "week"]
Rows = tuple[list[str], list[str]]


def rows(n: int, seed: int, *, wrong: float = 0.0) -> Rows:
    """Texts in which one word of eight gives the label away, and a share of labels that are wrong."""
    rng = random.Random(seed)
    texts, labels = [], []
    for i in range(n):
        label = ("sport", "money")[i % 2]
        words = [*rng.choices(FILLERS, k=7), rng.choice(WORDS[label])]
        rng.shuffle(words)
        texts.append(f"{' '.join(words)} {seed} {i}")
        labels.append(label if rng.random() >= wrong else ("money", "sport")[i % 2])
    return texts, labels


@pytest.fixture(scope="module")
def test_rows() -> Rows:
    return rows(200, 1)


@pytest.fixture(scope="module")
def good() -> NgramClassifier:
    return NgramClassifier().fit(*rows(200, 2))


@pytest.fixture(scope="module")
def bad() -> NgramClassifier:
    return NgramClassifier(characters=None).fit(*rows(40, 3, wrong=0.4))


def test_a_worse_model_is_told(good: NgramClassifier, bad: NgramClassifier, test_rows: Rows) -> None:
    found = compare_with(bad, good, *test_rows)
    assert found.is_worse
    assert found.is_measurable
    assert found.test.difference.high < 0
    assert "The new model is measurably worse than the one in use: accuracy" in found.sentence
    assert found.to_dict()["worse"] is True


def test_a_better_model_is_told(good: NgramClassifier, bad: NgramClassifier, test_rows: Rows) -> None:
    found = compare_with(good, bad, *test_rows)
    assert not found.is_worse
    assert found.is_measurable
    assert "measurably better than" in found.sentence


def test_a_loss_is_worse_where_it_is_higher(good: NgramClassifier, bad: NgramClassifier, test_rows: Rows) -> None:
    assert compare_with(bad, good, *test_rows, metric="log_loss").is_worse
    assert not compare_with(good, bad, *test_rows, metric="log_loss").is_worse


def test_the_same_model_passes_and_has_nothing_to_find(good: NgramClassifier, test_rows: Rows) -> None:
    found = compare_with(good, good, *test_rows)
    assert not found.is_measurable
    assert found.detectable is None
    assert found.sentence.endswith("Both give each of these rows the same probabilities.")


def test_what_is_no_measurable_difference_says_which_would_have_been_found(bad: NgramClassifier) -> None:
    other = NgramClassifier(characters=None).fit(*rows(40, 4, wrong=0.4))
    small, large = (compare_with(other, bad, *rows(n, 5)) for n in (30, 60))
    assert not small.is_measurable
    assert small.detectable is not None
    assert large.detectable is not None
    assert small.detectable > large.detectable > 0
    assert f"A difference of {small.detectable:.3f} would have been found in four of five cases." in small.sentence


def test_rows_that_either_was_trained_on_are_left_out_and_said(good: NgramClassifier, test_rows: Rows) -> None:
    texts, labels = test_rows
    new = NgramClassifier().fit(texts[:80], labels[:80])
    found = compare_with(new, good, *test_rows)
    assert found.rows == 120
    assert "80 rows of 200 stood in the training data of the new model." in found.notes
    assert "They are left out, so that 120 rows remain." in found.notes
    alone = compare_with(new, good, texts[80:], labels[80:])
    assert (alone.new, alone.old, alone.notes) == (found.new, found.old, ())
    with pytest.raises(DataError, match="give rows that neither model was trained on"):
        compare_with(new, good, texts[:80], labels[:80])


def test_a_model_that_keeps_no_hashes_is_compared_and_that_is_said(
    good: NgramClassifier, test_rows: Rows, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("private") / "model"
    save(good, folder, keep_sample=False)
    found = compare_with(good, load(folder), *test_rows)
    assert found.rows == 200
    assert "Whether the model in use was trained on some of these rows is not known." in found.notes


def test_a_label_that_only_the_new_one_knows_counts_for_it(good: NgramClassifier) -> None:
    texts, labels = rows(200, 6)
    labels = ["tax" if "tax" in text else label for text, label in zip(texts, labels, strict=True)]
    new = NgramClassifier().fit(texts, labels)
    texts, labels = rows(200, 7)
    labels = ["tax" if "tax" in text else label for text, label in zip(texts, labels, strict=True)]
    found = compare_with(new, good, texts, labels)
    assert found.old == pytest.approx(np.mean([label != "tax" for label in labels]), abs=0.03)
    assert not found.is_worse
    assert found.is_measurable
    assert "Only the new model knows 'tax'; the one in use never gives it." in found.notes
    assert compare_with(good, new, texts, labels).is_worse


def test_several_labels_are_compared_by_theirs(test_rows: Rows) -> None:
    def several(n: int, seed: int) -> Dataset:
        texts, labels = rows(n, seed)
        sets = [{label, "long"} if i % 3 else {label} for i, label in enumerate(labels)]
        texts = [f"{text} indeed" if i % 3 else text for i, text in enumerate(texts)]
        return as_dataset(texts, sets, who="test")

    good, bad = NgramClassifier().fit(several(200, 8)), MajorityClassifier().fit(several(200, 9))
    found = compare_with(bad, good, several(150, 10))
    assert found.is_worse
    assert found.metric == "micro-F1"
    with pytest.raises(SettingError, match="only models for the same kind of task"):
        compare_with(NgramClassifier().fit(*rows(40, 11)), good, several(150, 10))
