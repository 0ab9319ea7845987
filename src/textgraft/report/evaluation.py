"""An evaluation as sections: what it comes to, the metrics that matter most beside the floor, labels, confusion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import listed
from textgraft.evaluation import Evaluation, Interval
from textgraft.evaluation.confusion import Confusion
from textgraft.evaluation.names import metric_name
from textgraft.evaluation.notes import RARE, SMALL, WIDE, about_headline, is_better
from textgraft.report.abstaining import abstaining_sections
from textgraft.report.goals import goals_sections
from textgraft.report.section import Report, Section
from textgraft.task import Task
from textgraft.unicode import quoted
from textgraft.wording import counted, decimal, percent

# Metrics of probabilities, in which what is predicted plays no part.
OF_PROBABILITIES = frozenset({"log_loss", "brier_score_loss", "ece", "roc_auc", "average_precision"})
COUNTED = "precision counts the rows that are given the label, recall those that carry it, F1 both"
MOST_LABELS = 30
MOST_CONFUSED = 15  # labels, in a table of all pairs
OF_LABELS = ("precision", "recall", "f1")
RANKING = ("roc_auc", "average_precision")


def evaluation_report(
    title: str, evaluation: Evaluation, leaks: Sequence[str] = (), *, every_metric: bool = False
) -> Report:
    """The report on one model.

    Args:
        title: which model, on which data.
        evaluation: its figures.
        leaks: sentences about test texts that it was trained on.
        every_metric: those too that the first look does without, with the names that they have in JSON.
    """
    names = (*OF_LABELS, *(RANKING if every_metric else ()))
    sections = [
        Section(sentences=(headline(evaluation),)),
        metrics(evaluation, every=every_metric),
        per_label(evaluation, names, most=MOST_LABELS, intervals=every_metric),
        *goals_sections(evaluation),
        *_confusion(evaluation),
        *abstaining_sections(evaluation, every=every_metric),
        Section("Keep in mind", sentences=(*(f"Leak: {leak}" for leak in leaks), *further_notes(evaluation))),
    ]
    return Report(title, tuple(sections))


def headline(evaluation: Evaluation) -> str:
    """How good, how sure, on how many rows, and against what floor; then what speaks against that figure."""
    return " ".join(_headline(evaluation))


def seen_rows(evaluation: Evaluation) -> str:
    """A sentence on rows that the model had been given when it was fitted; empty where there are none."""
    seen = evaluation.seen
    if seen is None or not seen.trained + seen.chosen:
        return ""
    start, of = "", " of these rows"
    if seen.known < evaluation.n:
        start, of = f"Of the {counted(seen.known, 'row')} of which that is known, ", ""
    kinds = {"its training data": seen.trained, "the validation data by which it was chosen": seen.chosen}
    stand: list[str] = []
    for where, count in kinds.items():
        if count:
            many = f"all {count:,}{of}" if count == seen.known else f"{count:,}{of} ({percent(count / seen.known)})"
            verb = "" if stand else " stands" if count == 1 else " stand"
            stand.append(f"{many}{verb} in {where}")
            of = ""
    if not seen.others:
        rest = ", so nothing here tells how good it is on new texts"
    else:
        others = "the other one" if seen.others == 1 else f"the {seen.others:,} others"
        rest = f"; on {others} {metric_name(evaluation.headline)} is {seen.unseen}"
    sentence = f"{start}{' and '.join(stand)}{rest}."
    return sentence[0].upper() + sentence[1:]


def _headline(evaluation: Evaluation) -> Iterator[str]:
    name, n = metric_name(evaluation.headline), evaluation.n
    figure = evaluation.metrics[evaluation.headline]
    not_seen = evaluation.seen is not None and not seen_rows(evaluation)
    rows = f"{counted(n, 'row')}{' that it was not trained on' if not_seen else ''}"
    yield f"{name[0].upper()}{name[1:]} {figure} on {rows}{_against_floor(evaluation, figure)}."
    yield from filter(None, [seen_rows(evaluation)])
    metric, label = _parted(evaluation)
    behind = rows_behind(evaluation)[metric][evaluation.task.labels.index(label)] if label is not None else RARE
    if behind < RARE:
        yield f"It rests on {counted(int(behind), 'row')} of {plain_or_quoted(str(label))}."
    if n < SMALL:
        yield f"{counted(n, 'row')} {'is' if n == 1 else 'are'} few: more would narrow the interval."
    elif figure.high - figure.low > WIDE:
        yield "More rows would narrow the interval."


def _against_floor(evaluation: Evaluation, figure: Interval) -> str:
    """A clause on what the same rows give without looking at their texts."""
    floor = evaluation.floor.get(evaluation.headline)
    if floor is None or math.isnan(floor.value) or math.isnan(figure.value):
        return ""
    always = evaluation.always
    metric, _ = _parted(evaluation)
    if metric.removesuffix("_macro").removesuffix("_micro") in OF_PROBABILITIES:
        without = "knowing only how frequent each label is"
    elif always is None:
        without = "always saying what is most frequent in training"
    else:
        without = f"always saying {listed(map(plain_or_quoted, always)) or 'no label'}"
    if is_better(evaluation.headline, figure, floor):
        return f"; {without} reaches {decimal(floor.value)}"
    worse = not figure.low <= floor.value <= figure.high
    return f", which is {'worse' if worse else 'not measurably better'} than {without} ({decimal(floor.value)})"


def _parted(evaluation: Evaluation) -> tuple[str, str | None]:
    """The headline's metric and, of one of a label, such as ``"f1:spam"``, the label.

    ``"recall:spam@0.9"``, which is taken along a ranking, is a metric of probabilities.
    """
    metric, colon, label = evaluation.headline.partition(":")
    if not colon:
        return metric, None
    if label in evaluation.per_label:
        return metric, label
    return "average_precision", label.rpartition("@")[0]


def plain_or_quoted(label: str) -> str:
    """A label as it is where it reads as words, else in quotation marks."""
    return label if label.replace("_", "").replace(" ", "").isalpha() else quoted(label)


def headlines(task: Task) -> tuple[str, ...]:
    """The metrics that matter most, the one that stands for all first."""
    main = ("f1_micro", "f1_macro", "subset_accuracy") if task.multi_label else ("accuracy", "f1_macro")
    return (*main, "log_loss", "ece")


def metrics(evaluation: Evaluation, *, every: bool = False) -> Section:
    """Overall metrics beside those of the majority; equal ones once."""
    # One and the same figure, by definition: where each row has one label, any miss is a false alarm.
    first, *others = ("accuracy", "f1_micro", "precision_micro", "recall_micro", "recall_weighted")
    if evaluation.task.multi_label:
        first, *others = ("subset_accuracy", "accuracy")
    main = (evaluation.headline, *headlines(evaluation.task))
    names = [name for name in dict.fromkeys(main) if name in evaluation.metrics]
    if every:
        names += [name for name in evaluation.metrics if name not in (*names, *others)]
    rows = []
    for name in names:
        same = (first, *others) if name == first else (name,)
        in_json = (", ".join(same),) if every else ()
        rows.append(
            (metric_name(name), str(evaluation.metrics[name]), _value(evaluation.floor.get(name, "")), *in_json)
        )
    columns = ("metric", "value", "majority", *(("in JSON",) if every else ()))
    return Section("Metrics (95 % intervals)", columns, tuple(rows), numbers=(1, 2))


def per_label(evaluation: Evaluation, names: Sequence[str], *, most: int, intervals: bool = False) -> Section:
    """A row per label, of the first ``most`` ones, with its rows and figures.

    A figure that rests on fewer than ten rows is marked and has its interval even without ``intervals``; one that rests
    on none is a dash.
    """
    behind = rows_behind(evaluation)
    rows = []
    for j, (label, figures) in enumerate(islice(evaluation.per_label.items(), most)):
        cells = (_resting_on(int(behind[name][j]), figures.get(name), intervals) for name in names)
        rows.append((label, *(f"{behind[name][j]:,}" for name in ("recall", "precision")), *cells))
    figures_shown = "".join(cell for row in rows for cell in row[3:])
    sentences = [f"and {left:,} more."] if (left := len(evaluation.per_label) - most) > 0 else []
    marks = {"~": f"rests on fewer than {RARE} rows", "–": "on none"}
    if found := ", ".join(f"{mark} {meaning}" for mark, meaning in marks.items() if mark in figures_shown):
        sentences.append(f"{found}: {COUNTED}.")
    columns = ("label", "rows", "given", *map(metric_name, names))
    numbers = tuple(range(1, len(columns)))
    return Section("Per label", columns, tuple(rows), tuple(sentences), numbers=numbers)


def rows_behind(evaluation: Evaluation) -> dict[str, NDArray[np.int64]]:
    """(k,) for each metric of a label, how many rows it is a share of.

    Precision is one of the rows that are given the label; recall, and how the label ranks, of those that carry it; and
    F1, which follows from the Jaccard index, of those that are in either. ROC-AUC needs rows without the label as much
    as rows with it.
    """
    k = len(evaluation.task)
    carry = np.array([figures["support"] for figures in evaluation.per_label.values()], np.int64)
    if isinstance(evaluation.confused, Confusion):
        pairs = evaluation.confused
        predicted = np.bincount(pairs.predicted, pairs.rows, k).astype(np.int64)
        right = pairs.true == pairs.predicted
        hits = np.bincount(pairs.true[right], pairs.rows[right], k).astype(np.int64)
    else:
        hits = evaluation.confused[:, 1, 1]
        predicted = hits + evaluation.confused[:, 0, 1]
    either = carry + predicted - hits
    behind = {"precision": predicted, "recall": carry, "f1": either, "average_precision": carry}
    return behind | {"roc_auc": np.minimum(carry, evaluation.n - carry)}


def notes(evaluation: Evaluation) -> tuple[str, ...]:
    """What to keep in mind with the figures, with the name of the main metric for people."""
    return tuple(note.replace(evaluation.headline, metric_name(evaluation.headline)) for note in evaluation.notes)


def further_notes(evaluation: Evaluation) -> tuple[str, ...]:
    """The notes without those that ``headline`` says in its own words."""
    name = evaluation.headline
    first = set(about_headline(name, evaluation.n, evaluation.metrics[name], evaluation.floor.get(name)))
    return notes(replace(evaluation, notes=tuple(note for note in evaluation.notes if note not in first)))


def weakest(evaluation: Evaluation) -> Iterator[str]:
    """Up to three labels with the lowest F1, of those that test rows carry, as a sentence."""
    scored = [
        (figure.value, label, figure)
        for label, figures in evaluation.per_label.items()
        if figures["support"] and isinstance(figure := figures.get("f1"), Interval) and figure.value < 1
    ]
    if worst := sorted(scored, key=lambda label: label[:2])[:3]:
        yield f"The lowest F1: {', '.join(f'{label} {figure}' for _, label, figure in worst)}."


def confused(evaluation: Evaluation) -> Iterator[str]:
    """Up to three pairs of labels that are most often taken for each other, a sentence each."""
    if not isinstance(evaluation.confused, Confusion):
        return
    labels = evaluation.task.labels
    for true, given, count in islice(evaluation.confused.errors(), 3):
        rows = evaluation.per_label[labels[true]]["support"]
        yield f"{count:,} of {rows:,} rows of {labels[true]} are taken for {labels[given]}."


def _confusion(evaluation: Evaluation) -> Iterator[Section]:
    labels = evaluation.task.labels
    if evaluation.task.multi_label or len(labels) > MOST_CONFUSED:
        return
    counts = zip(labels, evaluation.confusion, strict=True)
    rows = tuple((label, *(f"{count:,}" for count in row)) for label, row in counts)
    numbers = tuple(range(1, len(labels) + 1))
    yield Section("Confusion (rows: true, columns: predicted)", ("", *labels), rows, numbers=numbers)


def _resting_on(rows: int, figure: Interval | int | None, interval: bool) -> str:
    """A figure of a label with how far it can be relied on."""
    if not rows or not isinstance(figure, Interval) or math.isnan(figure.value):
        return "–"
    if rows < RARE:  # a second digit would mean nothing
        return f"~{figure.value:.1f} [{figure.low:.1f}, {figure.high:.1f}]"
    return str(figure) if interval else decimal(figure.value)


def _value(figure: Interval | int | str) -> str:
    return decimal(figure.value) if isinstance(figure, Interval) else str(figure)
