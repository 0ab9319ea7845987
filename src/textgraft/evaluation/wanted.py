"""What can be asked of thresholds: to be tuned, to be a number, or to reach a precision or a recall."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from textgraft.errors import SettingError, did_you_mean, listed
from textgraft.evaluation.thresholds import Tuned
from textgraft.labels import alike
from textgraft.task import Task
from textgraft.unicode import quoted

Thresholds = Tuned | str | Mapping[str, str]

_TUNED = ("label", "global")
_WANTED = re.compile(
    r"\s*(?P<measure>precision|recall)[\s:=@]+(?P<number>\d*\.?\d+)\s*(?P<percent>%)?\s*", re.IGNORECASE
)
_OF_LABEL = re.compile(rf"(?P<label>.+?)=\s*['\"]?(?P<wanted>{_WANTED.pattern})['\"]?\s*(?:,|$)", re.I | re.DOTALL)


class Wanted(NamedTuple):
    """A precision or a recall that a threshold shall have."""

    measure: str  # one of ``MEASURES``
    share: float  # above 0 and below 1


def check_thresholds(value: object) -> None:
    """Raises SettingError unless thresholds are chosen by ``value`` or are it."""
    if (isinstance(value, str) and value in _TUNED) or wanted_of(value) is not None:
        return
    if isinstance(value, Mapping) and value:
        for label, of_label in value.items():
            if wanted_of(of_label) is None:
                raise SettingError(
                    f"The threshold of {quoted(label)} is chosen for a precision or a recall above 0 and below 1, such "
                    f"as 'precision 0.9' or 'recall 0.9'; got {quoted(of_label)}."
                )
        return
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not 0 < float(value) < 1:  # type: ignore[arg-type]
        near = did_you_mean(value, _TUNED) if isinstance(value, str) else ""
        raise SettingError(
            "thresholds must be 'label' or 'global', which are tuned on validation data, a number between 0 and 1 such "
            "as 0.5, or a precision or recall above 0 and below 1 such as 'precision 0.9', of one label "
            f"spam='recall 0.9' (thresholds={{'spam': 'recall 0.9'}}); got {quoted(value)}.{near}"
        )


def wanted_of(value: object) -> Wanted | None:
    """What is meant by ``"precision 0.9"``, ``"recall=0.9"`` or ``"recall 90 %"``; None by anything else."""
    if not isinstance(value, str) or (match := _WANTED.fullmatch(value)) is None:
        return None
    share = float(match["number"]) / (100 if match["percent"] else 1)
    return Wanted(match["measure"].lower(), share) if 0 < share < 1 else None


def read_thresholds(text: str) -> Any:
    """Thresholds from the command line: a number, a word, or ``spam=precision 0.95,ham=recall 0.9`` as a mapping.

    Raises:
        SettingError: a label is named twice, or what is meant cannot be told.
    """
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    if "=" not in text or _WANTED.fullmatch(text):
        return text
    parts = list(_OF_LABEL.finditer(text))
    read = {part["label"].strip(): part["wanted"] for part in parts}
    if "".join(part[0] for part in parts) != text or len(read) < len(parts):
        raise SettingError(
            "--thresholds of labels must be like spam='precision 0.95',ham='recall 0.9', each label once; got "
            f"{quoted(text)}."
        )
    return read


def wanted_of_labels(value: object, task: Task, *, by_costs: bool) -> dict[int, Wanted]:
    """What thresholds shall reach, by the places of the labels; empty where they are chosen otherwise.

    Args:
        value: what ``check_thresholds`` takes.
        task: the labels.
        by_costs: whether labels follow from costs.

    Raises:
        SettingError: a label is none of the task's, labels follow from costs, or a precision or recall is wanted of
            several labels where a text has one.
    """
    of_all = wanted_of(value)
    named: dict[Any, Any] = dict(value) if isinstance(value, Mapping) else {}
    if of_all is None and not named:
        return {}
    if by_costs:
        raise SettingError(
            "Labels follow from the costs of mistakes, in which thresholds play no part: choose either costs (metric=) "
            "or a precision or recall (thresholds=)."
        )
    found: dict[int, Wanted] = {}
    for written, of_label in named.items():
        if (label := alike(str(written), task.labels, ())) is None:
            raise SettingError(
                f"A precision or recall is wanted of {quoted(written)}, which is no label; the labels are "
                f"{listed(task.labels, 12)}.{did_you_mean(str(written), task.labels)}"
            )
        wanted = wanted_of(of_label)
        assert wanted is not None
        found[task.labels.index(label)] = wanted
    if of_all is not None:
        found = dict.fromkeys(range(len(task)), of_all)
    if len(found) > 1 and not task.multi_label:
        raise SettingError(
            "Where a text has one label, a precision or recall can be wanted of one label, since whatever is not given "
            f"it gets another one: name one, such as {quoted(task.labels[-1])}. For a wanted accuracy of all answers "
            "choose when to abstain: --abstain 0.97 (abstain=0.97)."
        )
    return found
