"""What can be asked of thresholds, and the sentence for what cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from textgraft.errors import SettingError
from textgraft.evaluation.wanted import Wanted, check_thresholds, read_thresholds, wanted_of, wanted_of_labels
from textgraft.task import Task

ONE, SEVERAL = Task(("ham", "spam", "a=b"), False), Task(("ham", "spam", "a=b"), True)


@pytest.mark.parametrize(
    "value", ["label", "global", 0.5, np.float32(0.2), "precision 0.9", "Recall: 90 %", {"spam": "precision=.95"}]
)
def test_usable_settings_pass(value: Any) -> None:
    check_thresholds(value)


@pytest.mark.parametrize(
    "value", [0, 1, -0.5, 1.5, float("nan"), True, None, "0.5", [0.5], {}, "precision", "recall 1", "precision 90"]
)
def test_other_settings_get_a_sentence(value: Any) -> None:
    with pytest.raises(SettingError, match=r"a number between 0 and 1 such as 0\.5, or a precision or recall .*; got "):
        check_thresholds(value)
    with pytest.raises(SettingError, match="The threshold of 'spam' is chosen for a precision or a recall above 0"):
        check_thresholds({"spam": value})


def test_a_slip_of_the_pen_is_recognised() -> None:
    with pytest.raises(SettingError, match="Did you mean 'label'"):
        check_thresholds("labels")


@pytest.mark.parametrize("text", ["precision 0.9", "precision=0.9", "Precision : 90%", " precision@.9 "])
def test_a_precision_can_be_written_in_several_ways(text: str) -> None:
    assert wanted_of(text) == wanted_of(read_thresholds(text)) == Wanted("precision", 0.9)


def test_the_command_line_names_labels_also_with_signs_of_its_own() -> None:
    read = read_thresholds("spam='precision 0.95',a=b=recall 0.5, ham = \"recall 0.9\"")
    assert read == {"spam": "precision 0.95", "a=b": "recall 0.5", "ham": "recall 0.9"}
    for text in ("spam=0.9", "spam=precision 0.9,spam=recall 0.9", "spam=precision 0.9,ham"):
        with pytest.raises(SettingError, match=r"--thresholds of labels must be like spam='precision 0.95'"):
            read_thresholds(text)


def test_all_labels_or_some_where_a_text_has_several_and_one_where_it_has_one() -> None:
    assert wanted_of_labels("recall 0.9", SEVERAL, by_costs=False) == dict.fromkeys(range(3), Wanted("recall", 0.9))
    named = {"a=b": "recall 0.9", "ham": "precision 0.8"}
    assert wanted_of_labels(named, SEVERAL, by_costs=False) == {2: Wanted("recall", 0.9), 0: Wanted("precision", 0.8)}
    assert wanted_of_labels({"spam": "recall 0.9"}, ONE, by_costs=False) == {1: Wanted("recall", 0.9)}
    for value in (None, 0.4, "label"):
        assert wanted_of_labels(value, ONE, by_costs=True) == {}
    for wanted in ("recall 0.9", named):
        with pytest.raises(
            SettingError, match="can be wanted of one label, since whatever is not given it gets another"
        ):
            wanted_of_labels(wanted, ONE, by_costs=False)
    with pytest.raises(SettingError, match=r"is wanted of 'spm', which is no label; .* Did you mean 'spam'"):
        wanted_of_labels({"spm": "recall 0.9"}, ONE, by_costs=False)
    with pytest.raises(SettingError, match="choose either costs"):
        wanted_of_labels({"spam": "recall 0.9"}, ONE, by_costs=True)
