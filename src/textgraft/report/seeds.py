"""What the seed of a training changes, as sections; apart from the intervals, which are over rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from textgraft.errors import listed
from textgraft.evaluation import Evaluation
from textgraft.evaluation.names import metric_name
from textgraft.evaluation.paired import ALPHA
from textgraft.evaluation.seeds import OverSeeds, SeedTest, deviation_ends
from textgraft.report.evaluation import headlines
from textgraft.report.section import Report, Section
from textgraft.wording import decimal, p_value


def seeds_of_methods(methods: Mapping[str, OverSeeds], metric: str, others: Sequence[str]) -> Section:
    """Each method of a comparison: the metric by which they are compared, and others."""
    rows = [
        (name, *_cells(each, metric), *(_mean_and_deviation(each, other) for other in others))
        for name, each in methods.items()
    ]
    columns = (
        "method",
        f"{metric_name(metric)} (mean)",
        *_HEADS,
        *(f"{metric_name(other)} (± deviation)" for other in others),
    )
    return _section(methods, columns, rows)


def seeds_of_one(method: str, found: OverSeeds, evaluation: Evaluation) -> Section:
    """The metrics of one method that matter most."""
    metrics = list(dict.fromkeys((evaluation.headline, *headlines(evaluation.task))))
    columns, rows = ("metric", "mean", *_HEADS), [(metric_name(name), *_cells(found, name)) for name in metrics]
    return _section({method: found}, columns, rows)


def within_seeds(
    tests: Mapping[str, SeedTest], p_values: Mapping[str, float], best: str, called: str, *, told: bool = False
) -> Iterator[str]:
    """A sentence on each method that is no further from the best one than seeds alone can bring.

    Args:
        tests: each against the best one.
        p_values: the same, corrected for their number.
        best: its name.
        called: the metric's name for people.
        told: those that are further instead.
    """
    for name, test in tests.items():
        if (p_values[name] < ALPHA) != told:
            continue
        found, p = test.difference, p_value(p_values[name])
        p = f"p {p}" if p.startswith("<") else f"p = {p}"
        yield (
            f"The mean {called} over seeds of {name} differs from that of {best} by {found.value:+.4f} "
            f"[{found.low:+.4f}, {found.high:+.4f}] ({p}): "
            + (
                "more than seeds alone bring, on these rows."
                if told
                else "no more than seeds alone can bring, so that other seeds may order them otherwise."
            )
        )


_HEADS = ("standard deviation", "lowest", "highest")


def _section(methods: Mapping[str, OverSeeds], columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Section:
    numbers = tuple(range(1, len(columns)))
    trainings = max(len(each.seeds) for each in methods.values())
    title = f"Over {trainings} seeds, on the same rows" if trainings > 1 else "Over seeds"
    return Section(title, columns, tuple(rows), tuple(_about(methods, trainings)), numbers=numbers)


def _about(methods: Mapping[str, OverSeeds], trainings: int) -> Iterator[str]:
    drawn = {name: each for name, each in methods.items() if each.seeds}
    if fixed := [name for name in methods if name not in drawn]:
        their = "their trainings" if len(fixed) > 1 else "its training"
        yield f"Trained once: {listed(fixed)}. Nothing in {their} is drawn, so that a seed changes nothing."
    if alike := [name for name, each in drawn.items() if each.alike]:
        yield f"With each seed the same is predicted by {listed(alike)}: what is drawn changes nothing here."
    if not drawn:
        return
    first = {each.seeds[0] for each in drawn.values()}
    which = f"seed {first.pop()}" if len(first) == 1 else "the first seed"
    yield (
        f"This is what the seed of the training changes, with the same rows to train and test on. All other figures, "
        f"their intervals over rows and the model are those of {which}."
    )
    if len(alike) < len(drawn):
        low, high = deviation_ends(trainings)
        yield (
            f"Of {trainings} trainings a standard deviation is a rough figure: the true one is from {low:.2f} to "
            f"{high:.2f} times it (95 %, if figures are normal)."
        )


def _cells(found: OverSeeds, metric: str) -> tuple[str, ...]:
    if not found.seeds:
        return decimal(found.mean(metric)), "–", "–", "–"
    values = found.values[metric]
    return decimal(found.mean(metric)), f"{found.deviation(metric):.4f}", decimal(min(values)), decimal(max(values))


def _mean_and_deviation(found: OverSeeds, metric: str) -> str:
    if not found.seeds:
        return decimal(found.mean(metric))
    return f"{decimal(found.mean(metric))} ± {found.deviation(metric):.4f}"


def with_seeds(report: Report, method: str, found: OverSeeds, evaluation: Evaluation) -> Report:
    """A report on one model with what seeds change, behind its metrics."""
    first, second, *others = report.sections
    return Report(report.title, (first, second, seeds_of_one(method, found, evaluation), *others))
