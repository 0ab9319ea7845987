"""A comparison of methods as sections: what each one reaches and costs, and which one to take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textgraft.dataset import Splits
from textgraft.evaluation import Evaluation, Recommendation
from textgraft.evaluation.names import metric_name
from textgraft.report.evaluation import headlines, metrics, notes
from textgraft.report.section import Report, Section
from textgraft.wording import decimal, p_value


class Model(Protocol):
    """What the report wants to know of a fitted classifier; see ``TextClassifier``."""

    @property
    def rung(self) -> int: ...  # noqa: D102
    @property
    def notes_(self) -> tuple[str, ...]: ...  # noqa: D102


class Compared(Protocol):
    """One method of a comparison; see ``textgraft.ladder``."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def model(self) -> Model: ...  # noqa: D102
    @property
    def evaluation(self) -> Evaluation: ...  # noqa: D102
    @property
    def train_seconds(self) -> float: ...  # noqa: D102
    @property
    def texts_per_second(self) -> float: ...  # noqa: D102
    @property
    def megabytes(self) -> float: ...  # noqa: D102


def comparison_report(
    methods: Sequence[Compared], recommendation: Recommendation, splits: Splits, *, every_metric: bool = False
) -> Report:
    """The report on several methods, cheapest first.

    Args:
        methods: with their figures.
        recommendation: the one to take, and the paired tests.
        splits: what they were trained and tested on.
        every_metric: a table of all metrics of each method too.
    """
    parts = ", ".join(f"{len(part):,} {name}" for name, part in splits.parts().items())
    learners = [method for method in methods if method.model.rung > 0]
    remarks = [
        f"{method.name}: {note}" for method in learners for note in (*method.model.notes_, *notes(method.evaluation))
    ]
    metric = recommendation.metric
    sections = [
        _table(methods, recommendation),
        *(_all_metrics(methods) if every_metric else ()),
        Section("Keep in mind", sentences=(*(f"Leak: {leak}" for leak in splits.leaks), *remarks)),
        Section(sentences=(recommendation.sentence.replace(metric, metric_name(metric)),)),
    ]
    return Report(f"Compared on the same rows: {parts}", tuple(sections))


def _table(methods: Sequence[Compared], recommendation: Recommendation) -> Section:
    main = recommendation.metric
    others = [name for name in headlines(methods[0].evaluation.task) if name != main]
    rows = []
    for method in methods:
        figures, p = method.evaluation.metrics, recommendation.p_values.get(method.name)
        costs = (f"{method.train_seconds:,.1f}", f"{method.texts_per_second:,.0f}", f"{method.megabytes:,.2f}")
        quality = (str(figures[main]), *(decimal(figures[name].value) for name in others))
        rows.append((method.name, *quality, *costs, "best" if p is None else p_value(p)))
    columns = (
        "method", f"{metric_name(main)} (95 % interval)", *map(metric_name, others), "train s", "texts/s", "MB",
        "p against best",
    )  # fmt: skip
    return Section("", columns, tuple(rows), numbers=tuple(range(1, len(columns))))


def _all_metrics(methods: Sequence[Compared]) -> list[Section]:
    tables = [metrics(method.evaluation, every=True).rows for method in methods]
    rows = tuple(
        (name, *(table[i][1] for table in tables), in_json) for i, (name, _, _, in_json) in enumerate(tables[0])
    )
    columns = ("metric", *(method.name for method in methods), "in JSON")
    return [Section("All metrics (95 % intervals)", columns, rows, numbers=tuple(range(1, len(columns) - 1)))]
