from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from textgraft import MajorityClassifier, NgramClassifier, robustness
from textgraft.analysis.changes import CHANGES
from textgraft.analysis.robustness import MOST_EXAMPLES, Robustness
from textgraft.errors import DataError, SettingError
from textgraft.methods import TextClassifier
from textgraft.report.html import page
from textgraft.report.robustness import robustness_report
from textgraft.report.terminal import as_text

NOUNS = ("film", "book", "game", "match", "song", "story")
GOOD, BAD = ("good", "great", "lovely", "brilliant"), ("bad", "awful", "boring", "terrible")
TEXTS = [f"The {noun} was {how}, really" for noun in NOUNS for how in (*GOOD, *BAD)]
LABELS = (["positive"] * 4 + ["negative"] * 4) * len(NOUNS)
MANY = len(CHANGES)


class Shouting(MajorityClassifier):
    """Says the first label of a text in upper case, and the second of any other."""

    def _proba(self, texts: list[str]) -> Any:
        shouts = np.array([text.isupper() for text in texts])
        return np.where(shouts[:, None], (0.9, 0.1), (0.2, 0.8)).astype(np.float32)


@pytest.fixture(scope="module")
def shouting() -> TextClassifier:
    return Shouting().fit(TEXTS, LABELS)


def outcome(found: Robustness, name: str) -> Any:
    return next(each for each in found.outcomes if each.change == name)


def test_the_share_that_flips_is_of_the_rows_that_the_change_touches(shouting: TextClassifier) -> None:
    texts = ["ALL UPPER", "not upper", "nor this", "no"]
    found = robustness(shouting, texts, ["negative", "positive", "positive", "positive"], negation=False)
    upper, lower = outcome(found, "upper"), outcome(found, "lower")
    assert (upper.rows, upper.flips, upper.flipped.value) == (3, 3, 1)
    assert 0 < upper.flipped.low < 1 == upper.flipped.high
    assert (lower.rows, lower.flips) == (1, 1)
    assert (upper.before, upper.after) == (1, 0)
    assert outcome(found, "accents").rows == 0


def test_only_what_is_measurably_worse_is_called_so(shouting: TextClassifier) -> None:
    found = robustness(shouting, TEXTS, ["positive"] * len(TEXTS), changes=["upper", "typos", "link"])
    assert [each.is_worse for each in found.outcomes if not each.matters] == [True, False, False]
    said = as_text(robustness_report("a model", found))
    assert "These make accuracy measurably worse: written in upper case (1.000 to 0.000)." in said
    none = robustness(shouting, TEXTS, LABELS, changes=["typos"], negation=False)
    assert "No change makes accuracy measurably worse" in as_text(robustness_report("a model", none))


def test_negation_is_looked_at_where_labels_look_like_it_or_on_wish(shouting: TextClassifier) -> None:
    assert [each.change for each in robustness(shouting, TEXTS, LABELS, changes=[]).outcomes] == ["negation"]
    assert robustness(shouting, TEXTS, LABELS, changes=[], negation=False).outcomes == ()
    [negation] = robustness(shouting, TEXTS, LABELS, changes=[]).outcomes
    assert negation.rows == len(TEXTS)
    assert negation.effect is None
    assert all(example.before == example.after for example in negation.examples)


def test_examples_are_the_worst_ones_first_and_texts_are_short() -> None:
    model = NgramClassifier().fit(TEXTS, LABELS)
    found = robustness(model, [text + " x" * 2_000 for text in TEXTS], LABELS)
    for each in found.outcomes:
        moved = [example.moved for example in each.examples]
        assert moved == sorted(moved, reverse=not each.matters)
        assert len(moved) <= MOST_EXAMPLES
        assert all(len(example.text) < 600 for example in each.examples)


@pytest.mark.parametrize("n", [1, 10])
def test_few_rows_give_wide_intervals(n: int) -> None:
    model = NgramClassifier().fit(TEXTS, LABELS)
    found = robustness(model, TEXTS[:n], LABELS[:n])
    for each in found.outcomes:
        assert each.flipped.high - each.flipped.low > 0.15
    json.dumps(found.to_dict(), allow_nan=False)
    assert page(robustness_report("a model", found))


def test_several_labels_per_text_are_one_answer() -> None:
    sets = [(label, "film") if "film" in text else (label,) for text, label in zip(TEXTS, LABELS, strict=True)]
    found = robustness(NgramClassifier().fit(TEXTS, sets), TEXTS, sets)
    assert len(found.outcomes) == MANY + 1
    assert outcome(found, "upper").flips == 0  # n-grams are in lower case


def test_of_many_rows_the_same_ones_are_taken_in_any_order(shouting: TextClassifier) -> None:
    one = robustness(shouting, TEXTS, LABELS, most_rows=10)
    other = robustness(shouting, TEXTS[::-1], LABELS[::-1], most_rows=10)
    assert one.rows == 10
    assert "10 of 48 rows" in one.notes[0]
    assert "trained on 10 of the 10 rows" in one.notes[1]
    assert [(each.rows, each.flips) for each in one.outcomes] == [(each.rows, each.flips) for each in other.outcomes]


def test_what_cannot_be_done_is_said(shouting: TextClassifier) -> None:
    with pytest.raises(SettingError, match=r"There is no change 'uper' .* Did you mean 'upper'"):
        robustness(shouting, TEXTS, LABELS, changes=["uper"])
    with pytest.raises(SettingError, match="most_rows must be"):
        robustness(shouting, TEXTS, LABELS, most_rows=0)
    with pytest.raises(DataError, match="never seen in the training data: 'new'"):
        robustness(shouting, ["a"], ["new"])
