"""Thresholds for a wanted precision or recall as sections: what was chosen, and what is reached on other rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from textgraft.decision import Decision, Goal
from textgraft.errors import DataError
from textgraft.evaluation import Evaluation, Interval
from textgraft.evaluation.goals import about_goal
from textgraft.report.section import Section
from textgraft.task import Task
from textgraft.wording import decimal, percent

MOST_LABELS = 30
MOST_SENTENCES = 6


def chosen_goals_section(goals: Sequence[Goal], decision: Decision, task: Task) -> Section:
    """What was chosen: a sentence each of a few labels, a row each of many."""
    if len(goals) <= MOST_SENTENCES:
        return Section(sentences=tuple(about_goal(goal, decision, task) for goal in goals))
    rows = tuple(
        (
            goal.label,
            _wanted(goal),
            decimal(float(decision.thresholds[task.labels.index(goal.label)])),
            percent(goal.hits / goal.given),
            percent(goal.hits / goal.carry),
            f"{goal.carry:,}",
        )
        for goal in goals
    )
    columns = ("label", "wanted", "threshold", "precision", "recall", "rows that carry it")
    sentence = (
        f"With a chance of {100 * goals[0].level:g} % for each label it has what is wanted among texts like these "
        f"{goals[0].rows:,} held-out rows."
    )
    return Section("Thresholds", columns, rows, (sentence,), numbers=(2, 3, 4, 5))


def goals_of_model(
    goals: Sequence[Mapping[str, Any]],
    thresholds: Sequence[float],
    task: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
) -> Iterator[str]:
    """A sentence for each goal in a manifest, with what is reached on test data that was evaluated with it."""
    decision = Decision(np.array(thresholds, np.float32))
    measured: Evaluation | None = None
    with suppress(DataError):  # of an older textgraft
        measured = None if evaluation is None else Evaluation.from_dict(evaluation)
    for goal in map(Goal.from_dict, goals):
        said = about_goal(goal, decision, Task(tuple(task["labels"]), task["multi_label"]))
        if measured is not None and goal in measured.goals:
            said += f" On test data its {goal.measure} is {measured.per_label[goal.label][goal.measure]}."
        yield said


def goals_sections(evaluation: Evaluation) -> Iterator[Section]:
    """Beside what was wanted what is reached on the rows of an evaluation; nothing where nothing was wanted."""
    rows = [
        (goal.label, _wanted(goal), str(figure))
        for goal in evaluation.goals
        if isinstance(figure := evaluation.per_label[goal.label].get(goal.measure), Interval)
    ]
    if rows:
        level = f"{100 * evaluation.goals[0].level:g} %"
        left = len(rows) - MOST_LABELS
        sentences = (
            f"Each threshold was chosen, on held-out rows, to reach what is wanted with a chance of {level}.",
            *([f"and {left:,} more."] if left > 0 else []),
        )
        columns = ("label", "wanted", "reached")
        title = "What thresholds were chosen for (95 % intervals)"
        yield Section(title, columns, tuple(rows[:MOST_LABELS]), sentences, numbers=(2,))


def _wanted(goal: Goal) -> str:
    return f"{goal.measure} {goal.wanted:g}"
