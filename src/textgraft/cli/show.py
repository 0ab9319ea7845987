"""Results as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textgraft.cli.console import output, table, unsaid

if TYPE_CHECKING:
    from textgraft.data.audit import Audit
    from textgraft.evaluation import Evaluation, Interval
    from textgraft.ladder import Comparison
    from textgraft.prediction import Prediction
    from textgraft.task import Task

MOST_LABELS = 30


def show_evaluation(title: str, evaluation: Evaluation, leaks: Sequence[str] = ()) -> None:
    """Overall metrics beside the majority floor, metrics per label, and the confusion matrix."""
    floor = evaluation.floor
    overall = [(name, str(figure), _value(floor.get(name))) for name, figure in evaluation.metrics.items()]
    table(f"{title} (95 % intervals)", ("metric", "value", "majority"), overall, right=(2,))
    names = ("precision", "recall", "f1", "roc_auc", "average_precision")
    rows = [
        (label, f"{figures['support']:,}", *(_value(figures.get(name)) for name in names))
        for label, figures in list(evaluation.per_label.items())[:MOST_LABELS]
    ]
    table("Per label", ("label", "rows", *names), rows, right=range(1, 7))
    labels = evaluation.task.labels
    if not evaluation.task.multi_label and len(labels) <= 15:
        cells = [
            (label, *(f"{count:,}" for count in row)) for label, row in zip(labels, evaluation.confusion, strict=True)
        ]
        table("Confusion (rows: true, columns: predicted)", ("", *labels), cells, right=range(1, len(labels) + 1))
    _sentences([*(f"Leak: {leak}" for leak in leaks), *evaluation.notes])


def show_comparison(comparison: Comparison) -> None:
    """The one table of ``compare``, then leaks and the recommendation."""
    header = ("method", f"{comparison.metric} (95 % interval)", "train s", "texts/s", "MB", "p against best")
    parts = ", ".join(f"{len(part):,} {name}" for name, part in comparison.splits.parts().items())
    table(f"Compared on the same rows: {parts}", header, comparison.rows(), right=(2, 3, 4, 5))
    learners = [one for one in comparison.results if one.model.rung > 0]
    notes = [f"{one.name}: {note}" for one in learners for note in (*unsaid(one.model.notes_), *one.evaluation.notes)]
    _sentences([*(f"Leak: {leak}" for leak in comparison.splits.leaks), *notes, comparison.recommendation.sentence])


def show_audit(source: str, audit: Audit) -> None:
    """A table per section with a column per part, then what to do, the most serious first."""
    marks = {"fact": " ", "look": "?", "warning": "!"}
    sections: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for finding in audit.findings:
        line = (marks[finding.level], finding.what), finding.values
        sections.setdefault(finding.section, []).append(line)
    output().print(source, style="bold", markup=False)
    for section, lines in sections.items():
        # What is about all of the data has one value; a section of nothing else needs no column per part.
        parts = tuple(audit.parts) if any(len(values) > 1 for _, values in lines) else ("",)
        rows = [(*start, *(values if len(values) == len(parts) else values[:1])) for start, values in lines]
        table("", ("", section, *parts), [row + ("",) * (2 + len(parts) - len(row)) for row in rows])
    _sentences(f"• {advice}" for advice in audit.advice)


def show_predictions(predictions: Iterable[Prediction], task: Task, *, every: bool) -> None:
    """A row per text: its label, how probable it is, and the text."""
    rows = []
    for prediction in predictions:
        for i, text in enumerate(prediction.texts):
            others = [f"{p:.3f}" for p in prediction.probabilities[i]] if every else []
            found = prediction.labels[i]
            label = found if isinstance(found, str) else "; ".join(found)
            rows.append((label or "(none)", f"{prediction.probability[i]:.3f}", *others, text))
    columns = ("label", "probability", *(task.labels if every else ()), "text")
    table("", columns, rows, right=range(1, len(columns) - 1))


def _value(figure: Interval | int | None) -> str:
    if figure is None or isinstance(figure, int):
        return "" if figure is None else f"{figure:,}"
    return "–" if figure.value is None or figure.value != figure.value else f"{figure.value:.3f}"


def _sentences(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        output().print(sentence, soft_wrap=True, markup=False)
