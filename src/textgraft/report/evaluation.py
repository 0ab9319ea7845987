"""An evaluation as sections: the metrics that matter most beside the majority floor, each label, the confusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from textgraft.evaluation import Evaluation, Interval
from textgraft.evaluation.confusion import Confusion
from textgraft.evaluation.names import metric_name
from textgraft.report.section import Report, Section
from textgraft.task import Task
from textgraft.wording import decimal

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
    sections = [
        metrics(evaluation, every=every_metric),
        per_label(evaluation, (*OF_LABELS, *(RANKING if every_metric else ()))).first(MOST_LABELS),
        *_confusion(evaluation),
        Section("Keep in mind", sentences=(*(f"Leak: {leak}" for leak in leaks), *notes(evaluation))),
    ]
    return Report(title, tuple(sections))


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


def per_label(evaluation: Evaluation, names: Sequence[str], *, intervals: bool = False) -> Section:
    """A row per label with its rows and figures."""
    shown = str if intervals else _value
    rows = [
        (label, f"{figures['support']:,}", *(shown(figures.get(name, "")) for name in names))
        for label, figures in evaluation.per_label.items()
    ]
    columns = ("label", "rows", *map(metric_name, names))
    return Section("Per label", columns, tuple(rows), numbers=tuple(range(1, len(columns))))


def notes(evaluation: Evaluation) -> tuple[str, ...]:
    """What to keep in mind with the figures, with the name of the main metric for people."""
    return tuple(note.replace(evaluation.headline, metric_name(evaluation.headline)) for note in evaluation.notes)


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


def _value(figure: Interval | int | str) -> str:
    return decimal(figure.value) if isinstance(figure, Interval) else str(figure)
