"""What to do next: rules that look at the figures, each with a stated threshold, and propose what these support.

A rule is a small function of what is known (``Known``) that yields actions; none is proposed unless an interval or a
count stands behind it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textgraft.analysis.closer import Looked
from textgraft.data.audit import Audit
from textgraft.dataset import Splits
from textgraft.evaluation import Evaluation, Interval
from textgraft.evaluation.confusion import Confusion
from textgraft.evaluation.names import metric_name
from textgraft.evaluation.notes import RARE, SMALL, WIDE, is_better
from textgraft.evaluation.proportions import share_ends
from textgraft.evaluation.reliability import Bin
from textgraft.report.curve import doubled
from textgraft.report.evaluation import plain_or_quoted, rows_behind, seen_rows
from textgraft.report.story import Action
from textgraft.unicode import shown_name
from textgraft.wording import counted, decimal, percent

MANY = 0.01  # of the rows, that a figure is flattered by
FEW_ROWS = 100  # training rows of a label
MOST_OF_A_KIND = 3  # actions by one rule
HARDLY = 0.1  # chance that a label is right
SMALL_GAIN = 0.005  # of the metric
CONFUSABLE = 2.0  # times as many errors as if all pairs of labels had the same


@dataclass(frozen=True, eq=False)
class Known:
    """What the rules look at.

    Attributes:
        evaluation: of the model that is taken.
        confidence: all answers as one bin: what they state on average and how many are right; None if not known.
        training_rows: (k,) of each label; empty if not known.
        class_weight: of the model, where its method has one.
        can_weigh: whether its method weighs labels.
        alone: whether nothing but this method was tried.
        audit: of the table, if it was looked at.
        splits: the parts, if they are known.
        looked: what a closer look at the rows found.
        table: the words of the command line that read and divide the table; empty from Python.
        trained_by: the words of the command line that trained it; empty where they are not known.
    """

    evaluation: Evaluation
    confidence: Bin | None = None
    training_rows: Sequence[int] = ()
    class_weight: Any = None
    can_weigh: bool = False
    alone: bool = False
    audit: Audit | None = None
    splits: Splits | None = None
    looked: Looked | None = None
    table: tuple[str, ...] = ()
    trained_by: tuple[str, ...] = ()

    def on_table(self, name: str, *more: str) -> str:
        """A command on the table; nothing where there is no command line."""
        return command_on(name, self.table, *more)

    def again(self, *more: str) -> str:
        """The command that trained, with more options; nothing where no command did."""
        return command_on(self.trained_by[0], self.trained_by[1:], *more) if self.trained_by else ""


def actions(known: Known) -> tuple[Action, ...]:
    """What to do next, in the order of the rules: what spoils the figures first, then what would make them better."""
    return tuple(action for rule in RULES for action in rule(known))


def seen(known: Known) -> Iterator[Action]:
    """At least 1 % of the rows stand in the training data."""
    found = known.evaluation.seen
    if found is None or found.trained + found.chosen < MANY * max(found.known, 1):
        return
    leaks = "" if known.splits is None else " ".join(known.splits.leaks)
    if leaks:
        yield Action("leaks", "Take test texts out of training, and train again.", leaks, known.again("--drop-leaks"))
    else:
        yield Action("seen", "Evaluate on rows that the model was not trained on.", seen_rows(known.evaluation))


def conflicts(known: Known) -> Iterator[Action]:
    """The same text with different labels."""
    found = known.audit.conflicts if known.audit is not None else None
    if found is not None and found.outvoted:
        yield Action(
            "conflicts",
            "Decide on one label for texts that have several.",
            f"{counted(found.texts, 'text')} in {counted(found.rows, 'row')} carry different labels, so no classifier "
            f"can be right on {counted(found.outvoted, 'row')} of them.",
            known.on_table("inspect"),
        )


def floor(known: Known) -> Iterator[Action]:
    """Not measurably better than without looking at the texts."""
    evaluation = known.evaluation
    bar, figure = evaluation.floor.get(evaluation.headline), evaluation.metrics[evaluation.headline]
    if bar is not None and not is_better(evaluation.headline, figure, bar):
        yield Action(
            "floor",
            "Do not use it yet: it is not measurably better than not reading the texts.",
            f"{_called(evaluation)} is {figure}, and {decimal(bar.value)} without looking at a text. Label more rows, "
            "or look whether the labels can be told from the texts at all.",
            known.on_table("inspect"),
        )


def few_test_rows(known: Known) -> Iterator[Action]:
    """Figures that are too loose to decide by: fewer than 200 rows, or an interval wider than 0.1."""
    evaluation = known.evaluation
    figure = evaluation.metrics[evaluation.headline]
    if evaluation.n < SMALL or figure.high - figure.low > WIDE:
        yield Action(
            "few_test_rows",
            "Evaluate on more rows.",
            f"{_called(evaluation)} is known no better than {figure} on {counted(evaluation.n, 'row')}; four times the "
            "rows would about halve the interval.",
        )


def never_given(known: Known) -> Iterator[Action]:
    """Labels that at least 10 rows carry and no row is given."""
    evaluation = known.evaluation
    behind = rows_behind(evaluation)
    for j in np.flatnonzero((behind["recall"] >= RARE) & (behind["precision"] == 0))[:MOST_OF_A_KIND].tolist():
        label, rows = plain_or_quoted(evaluation.task.labels[j]), int(behind["recall"][j])
        weigh = known.can_weigh and known.class_weight is None
        yield Action(
            "never_given",
            f"Weigh {label} up: no row is ever given it."
            if weigh
            else f"Label more rows of {label}: it is never given.",
            f"{counted(rows, 'row')} carry it and none is given it.{_trained_on(known, j)}",
            known.again("--class-weight", "balanced") if weigh else "",
        )


def weak_labels(known: Known) -> Iterator[Action]:
    """Labels that are found measurably less often than the others: the intervals of recall do not meet."""
    evaluation = known.evaluation
    behind, labels = rows_behind(evaluation), evaluation.task.labels
    carried = behind["recall"]
    recalls = [evaluation.per_label[label].get("recall") for label in labels]
    hits = np.array(
        [r.value * n if isinstance(r, Interval) and n else 0.0 for r, n in zip(recalls, carried, strict=True)]
    )
    weak = []
    for j, recall in enumerate(recalls):
        others = int(carried.sum() - carried[j])
        if not carried[j] or not others or not behind["precision"][j] or not isinstance(recall, Interval):
            continue
        low, high = share_ends([hits.sum() - hits[j]], [others])[0].tolist()
        if recall.high < low:
            weak.append((recall.value, j, recall, (hits.sum() - hits[j]) / others, low, high))
    for _, j, recall, other, low, high in sorted(weak, key=lambda each: each[:2])[:MOST_OF_A_KIND]:
        label, rows = plain_or_quoted(labels[j]), known.training_rows[j] if len(known.training_rows) else None
        evidence = f"Recall of {label} is {recall}, that of the others {other:.3f} [{low:.3f}, {high:.3f}]."
        evidence += _trained_on(known, j)
        if rows is not None and rows < FEW_ROWS:
            yield Action("few_rows", f"Label more rows of {label}.", evidence)
        elif (
            rows is not None
            and rows < np.mean(known.training_rows) / 2
            and known.can_weigh
            and known.class_weight is None
        ):
            command = known.again("--class-weight", "balanced")
            yield Action("imbalance", f"Weigh {label} up, which trades precision for recall.", evidence, command)
        else:
            yield Action("weak_label", f"Read the rows of {label} that it misses.", evidence)


def confusable(known: Known) -> Iterator[Action]:
    """Pairs of labels with measurably more than twice their share of the errors, and at least 10 of them."""
    pairs, labels = known.evaluation.confused, known.evaluation.task.labels
    carried = sum(figures["support"] > 0 for figures in known.evaluation.per_label.values())  # type: ignore[operator]
    if not isinstance(pairs, Confusion) or carried < 3:
        return
    wrong = pairs.true != pairs.predicted
    first, second = np.minimum(pairs.true, pairs.predicted)[wrong], np.maximum(pairs.true, pairs.predicted)[wrong]
    codes, at = np.unique(first * np.int64(len(labels)) + second, return_inverse=True)
    rows, errors = np.bincount(at, pairs.rows[wrong], len(codes)), int(pairs.rows[wrong].sum())
    usual = CONFUSABLE * 2 / (carried * (carried - 1))
    for i in np.argsort(-rows, kind="stable")[:MOST_OF_A_KIND].tolist():
        low, high = share_ends([rows[i]], [errors])[0].tolist()
        if rows[i] < RARE or low <= min(usual, 0.5):
            continue
        a, b = (plain_or_quoted(labels[int(place)]) for place in divmod(int(codes[i]), len(labels)))
        yield Action(
            "confusable",
            f"Say in the labelling guide what tells {a} from {b}, or make one label of them.",
            f"{int(rows[i]):,} of {errors:,} errors ({percent(rows[i] / errors)} [{percent(low)}, {percent(high)}]) "
            "take one for the other. Click on the cells below to read these texts.",
        )


def confidence(known: Known) -> Iterator[Action]:
    """Answers that state measurably more, or less, than is right: the interval does not hold what they state."""
    all_answers = known.confidence
    if all_answers is None or all_answers.low <= all_answers.stated <= all_answers.high:
        return
    over = all_answers.stated > all_answers.high
    right = f"{all_answers.right:.3f} [{all_answers.low:.3f}, {all_answers.high:.3f}]"
    yield Action(
        "overconfident" if over else "underconfident",
        f"Calibrate on rows like these: its probabilities are too {'high' if over else 'low'}.",
        f"It states {all_answers.stated:.3f} on average and is right in {right}. Probabilities are calibrated on the "
        "validation data, so give rows that are like those to come.",
        known.again("--valid", "VALID.csv"),
    )


def untried(known: Known) -> Iterator[Action]:
    """One method alone, where a search would say whether another is better."""
    if known.alone:
        figure = known.evaluation.metrics[known.evaluation.headline]
        yield Action(
            "untried",
            "Look whether another method is better.",
            f"One method was trained, which reaches {metric_name(known.evaluation.headline)} {figure}. A search tries "
            "the others within a time.",
            known.on_table("train", "--budget", "10m", "--out", "searched"),
        )


def label_errors(known: Known) -> Iterator[Action]:
    """Labels that are hardly right, in measurably more than 1 % of the rows, and at least 10 of them."""
    looked = known.looked or Looked({})
    parts = (("evaluated", looked.suspects), ("training", looked.of_training))
    for (where, found), command in zip(parts, looked.commands, strict=True):
        if found is None:
            continue
        n = int((found.chances < HARDLY).sum())
        low, high = share_ends([n], [found.rows])[0].tolist()
        if n < RARE or low <= MANY:
            continue
        yield Action(
            "label_errors",
            f"Look at labels of {where} rows that look wrong.",
            f"{n:,} of {counted(found.rows, 'row')} ({percent(n / found.rows)} [{percent(low)}, {percent(high)}]) have "
            f"a label whose chance to be right is below {HARDLY:g}, by {found.method} and similar texts. Texts that "
            "are hard to tell are among them.",
            command,
        )


def more_rows(known: Known) -> Iterator[Action]:
    """What twice the labels would bring: a gain whose interval is above 0, or one that is below half a point."""
    found = known.looked.curve if known.looked is not None else None
    if found is None:
        return
    for curve in found.curves:
        if not curve.forecasts:
            continue
        gain, evidence = curve.forecasts[0].gain, doubled(curve, found.metric)
        if gain.low > 0:
            yield Action("more_rows", "Label more rows like these.", evidence)
        elif gain.high < SMALL_GAIN:
            yield Action("enough_rows", "Do not label more rows for this method; try another one.", evidence)


RULES = (
    seen,
    floor,
    few_test_rows,
    never_given,
    weak_labels,
    confusable,
    confidence,
    conflicts,
    label_errors,
    more_rows,
    untried,
)


def command_on(name: str, table: Sequence[str], *more: str) -> str:
    """A command on a table, or nothing where that was no command line's."""
    return f"textgraft {shlex.join(map(shown_name, (name, *table, *more)))}" if table else ""


def correcting(table: Sequence[str]) -> str:
    """The command that writes the suspected label errors of a table to correct."""
    return command_on("label-errors", table, "--out", "suspects.csv")


def _called(evaluation: Evaluation) -> str:
    name = metric_name(evaluation.headline)
    return name[0].upper() + name[1:]


def _trained_on(known: Known, j: int) -> str:
    """A sentence on the training rows of a label."""
    if not len(known.training_rows):
        return ""
    return f" It was trained on {counted(known.training_rows[j], 'row')} of it."
