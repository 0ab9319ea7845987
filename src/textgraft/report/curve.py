"""Learning curves as sections: what more rows would bring, and the score at each size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from textgraft.evaluation import Interval
from textgraft.report.section import Report, Section


class Point(Protocol):
    """See ``analysis.curve.Point``."""

    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def score(self) -> Interval: ...  # noqa: D102
    @property
    def runs(self) -> Sequence[float]: ...  # noqa: D102


class Forecast(Protocol):
    """See ``analysis.curve.Forecast``."""

    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def score(self) -> Interval: ...  # noqa: D102
    @property
    def gain(self) -> Interval: ...  # noqa: D102


class Curve(Protocol):
    """See ``analysis.curve.MethodCurve``."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def points(self) -> Sequence[Point]: ...  # noqa: D102
    @property
    def forecasts(self) -> Sequence[Forecast]: ...  # noqa: D102


class Curves(Protocol):
    """See ``analysis.curve.LearningCurve``."""

    @property
    def metric(self) -> str: ...  # noqa: D102
    @property
    def tested_on(self) -> str: ...  # noqa: D102
    @property
    def curves(self) -> Sequence[Curve]: ...  # noqa: D102


def curve_report(title: str, found: Curves) -> Report:
    """What twice the rows would bring each method, and the scores at each size with forecasts below."""
    return Report(title, tuple(curve_sections(found)))


def curve_sections(found: Curves) -> list[Section]:
    """The same as sections."""
    sections = [Section(sentences=(said,)) for curve in found.curves if (said := doubled(curve, found.metric))]
    for curve in found.curves:
        rows = [(f"{point.rows:,}", str(point.score), _between(point.runs), "measured") for point in curve.points]
        rows += [(f"{each.rows:,}", str(each.score), "–", "forecast") for each in curve.forecasts]
        columns = ("rows of training", f"{found.metric} (95 % interval)", "of single trainings", "")
        sections.append(Section(f"{curve.name} on {found.tested_on}", columns, tuple(rows), numbers=(0, 1, 2)))
    about = (
        "Intervals of what is measured are about the rows tested on; the range beside them is that of trainings on "
        "other samples of as many rows.",
        "Forecasts are of power laws as likely as the points make them. They hold for more rows like these, and say "
        "less the further they go.",
    )
    sections.append(Section("How to read it", sentences=about))
    return sections


def doubled(curve: Curve, metric: str) -> str:
    """What twice the rows would bring, in a sentence; empty where nothing is forecast."""
    if not curve.forecasts:
        return ""
    forecast, gain = curve.forecasts[0], curve.forecasts[0].gain
    low, high = (f"{100 * value:.1f}" for value in (gain.low, gain.high))
    return (
        f"{curve.name}: twice the labels ({forecast.rows:,} rows of training) would bring {low} to {high} points of "
        f"{metric} (95 %), most likely {100 * gain.value:.1f}."
    )


def _between(runs: Sequence[float]) -> str:
    return f"{min(runs):.3f} to {max(runs):.3f}" if len(runs) > 1 else "–"
