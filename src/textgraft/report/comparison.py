"""A comparison of methods as sections: which one to take and how good it is, and what each one reaches and costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from textgraft.dataset import Splits
from textgraft.evaluation import Evaluation, Recommendation
from textgraft.evaluation.names import metric_name
from textgraft.evaluation.seeds import OverSeeds, SeedTest
from textgraft.report.evaluation import headlines, metrics, notes
from textgraft.report.section import Report, Section
from textgraft.report.seeds import seeds_of_methods, within_seeds
from textgraft.wording import decimal, p_value


class Model(Protocol):
    """What the report wants to know of a fitted classifier; see ``TextClassifier``."""

    @property
    def is_floor(self) -> bool: ...  # noqa: D102
    @property
    def notes_(self) -> tuple[str, ...]: ...  # noqa: D102


class Compared(Protocol):
    """One method of a comparison; see ``ladder.Result``."""

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
    @property
    def over_seeds(self) -> OverSeeds | None: ...  # noqa: D102


class Comparison(Protocol):
    """See ``ladder.Comparison``."""

    @property
    def results(self) -> Sequence[Compared]: ...  # noqa: D102
    @property
    def recommendation(self) -> Recommendation: ...  # noqa: D102
    @property
    def splits(self) -> Splits: ...  # noqa: D102
    @property
    def chosen_on(self) -> str: ...  # noqa: D102
    @property
    def expected(self) -> Evaluation | None: ...  # noqa: D102
    @property
    def choices(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def seed_tests(self) -> Mapping[str, SeedTest]: ...  # noqa: D102
    @property
    def seed_p_values(self) -> Mapping[str, float]: ...  # noqa: D102


def comparison_report(comparison: Comparison, *, every_metric: bool = False) -> Report:
    """The report on several methods, cheapest first.

    Args:
        comparison: the methods with their figures, and the choice.
        every_metric: a table of all metrics of each method too.
    """
    methods, splits = comparison.results, comparison.splits
    learners = [method for method in methods if not method.model.is_floor]
    remarks = [
        f"{method.name}: {note}" for method in learners for note in (*method.model.notes_, *notes(method.evaluation))
    ]
    sections = [
        Section(sentences=tuple(_choice(comparison))),
        _table(comparison),
        *_over_seeds(comparison),
        *(_all_metrics(methods) if every_metric else ()),
        Section("Keep in mind", sentences=(*(f"Leak: {leak}" for leak in splits.leaks), *remarks)),
    ]
    parts = ", ".join(f"{len(part):,} {name}" for name, part in splits.parts().items())
    if len(splits.parts()) == 1:
        parts = f"{len(splits.train):,}, in {splits.folds}"
    return Report(f"Compared on the same rows: {parts}", tuple(sections))


def _choice(comparison: Comparison) -> Iterator[str]:
    """What to take and why, and what is to be expected of it."""
    found, expected, metric = comparison.recommendation, comparison.expected, comparison.recommendation.metric
    by_seed = within_seeds(comparison.seed_tests, comparison.seed_p_values, str(found.best), found.called)
    if expected is None:
        yield found.sentence
        yield from by_seed
        return
    candidates = sum(not method.model.is_floor for method in comparison.results)
    how = "Tested" if candidates == 1 else f"Chosen among {candidates} methods"
    yield f"{found.sentence} {how} on {comparison.chosen_on}."
    figure, floor = expected.metrics[metric], expected.floor.get(metric)
    over = f"; the floor has {decimal(floor.value)}" if floor else ""
    if comparison.splits.test is not None:
        where = f"{expected.n:,} test rows, which had no part in the choice"
    elif comparison.choices:
        times, same = sum(comparison.choices.values()), comparison.choices.get(str(found.name), 0)
        where = f"{expected.n:,} rows out of fold, the method chosen anew for each fold without its rows"
        where = f"{where} ({found.name} in {same} of {times})"
    else:
        where = f"{expected.n:,} rows out of fold{', which had no part in the choice' * (candidates > 1)}"
    yield f"Expect {found.called} of {figure} on new texts{over}. That is on {where}."
    yield from by_seed


def _table(comparison: Comparison) -> Section:
    methods, found, splits = comparison.results, comparison.recommendation, comparison.splits
    main = found.metric
    others = [name for name in headlines(methods[0].evaluation.task) if name != main]
    apart = splits.test is not None or splits.valid is not None  # whether the choice has rows of its own
    rows = []
    for method in methods:
        figures, p = method.evaluation.metrics, found.p_values.get(method.name)
        quality = (str(figures[main]), *(decimal(figures[name].value) for name in others))
        costs = (f"{method.train_seconds:,.1f}", f"{method.texts_per_second:,.0f}", f"{method.megabytes:,.2f}")
        chosen = (decimal(found.values[method.name]),) if apart else ()
        rows.append((method.name, *quality, *costs, *chosen, _against_best(found, method.name, p)))
    columns = (
        "method", f"{found.called} (95 % interval)", *map(metric_name, others), "train s", "texts/s", "MB",
        *((f"{found.called} where chosen",) if apart else ()), "p against best",
    )  # fmt: skip
    if splits.test is not None:
        title = f"On {len(splits.test):,} test rows; chosen and tested (p) on {comparison.chosen_on}"
    else:
        title = f"Out of fold, on {len(splits.train):,} rows in {splits.folds}"
    return Section(title, columns, tuple(rows), numbers=tuple(range(1, len(columns))))


def _over_seeds(comparison: Comparison) -> Iterator[Section]:
    """What seeds change, where there were several."""
    found = comparison.recommendation
    by_seed = {each.name: each.over_seeds for each in comparison.results if each.over_seeds is not None}
    if not by_seed:
        return
    others = [name for name in headlines(comparison.results[0].evaluation.task) if name != found.metric]
    section = seeds_of_methods(by_seed, found.metric, others)
    tests = comparison.seed_tests, comparison.seed_p_values
    apart = within_seeds(*tests, str(found.best), found.called, told=True)
    tested = ("Methods are compared over seeds by Welch's test, with Holm's correction.",) if tests[0] else ()
    yield replace(section, sentences=(*section.sentences, *tested, *apart))


def _against_best(found: Recommendation, name: str, p: float | None) -> str:
    if p is None:
        return "best" if name == found.best else ""
    return p_value(p)


def _all_metrics(methods: Sequence[Compared]) -> list[Section]:
    tables = [metrics(method.evaluation, every=True).rows for method in methods]
    rows = tuple(
        (name, *(table[i][1] for table in tables), in_json) for i, (name, _, _, in_json) in enumerate(tables[0])
    )
    columns = ("metric", *(method.name for method in methods), "in JSON")
    return [Section("All metrics (95 % intervals)", columns, rows, numbers=tuple(range(1, len(columns) - 1)))]
