"""Pictures of curves: reliability, what abstaining brings, and how a training went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from textgraft.charts.picture import ACCENT, INK, QUIET, RULE, SECOND, THIRD, Picture, altair, data, names, unchecked

SIZE = 300
LEAST_SPAN = 0.01  # of an axis of scores
MOST_STEPS = 400  # of a training, which a screen can hardly tell from more


def reliability(bins: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]] = ()) -> Picture:
    """A reliability diagram: how right answers of each probability are, on their intervals.

    Args:
        bins: ``stated``, ``right``, ``low``, ``high`` and ``rows`` of each.
        before: the same without calibration.
    """
    alt = altair()
    kinds = {"as it answers" if before else "answers": bins, **({"without calibration": before} if before else {})}
    shown = [{**each, "kind": kind, "said": f"{kind}: {_of_bin(each)}"} for kind, of in kinds.items() for each in of]
    with unchecked():
        unit, axis = alt.Scale(domain=[0, 1]), alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1])
        ideal = alt.Chart(data([{"stated": 0, "right": 0}, {"stated": 1, "right": 1}]), width=SIZE, height=SIZE)
        line = ideal.mark_line(color=RULE, strokeDash=[4, 3], strokeWidth=1.5).encode(
            x=alt.X("stated:Q", scale=unit, axis=axis), y=alt.Y("right:Q", scale=unit, axis=axis)
        )
        base = alt.Chart(data(shown))
        x = alt.X("stated:Q", title="stated probability", scale=unit, axis=axis)
        colour = alt.Color(
            "kind:N",
            title=None,
            sort=None,
            scale=alt.Scale(domain=list(kinds), range=[ACCENT, SECOND][: len(kinds)]),
            legend=alt.Legend() if before else None,
        )
        description = alt.Description("said:N")
        whisker = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(
            x=x,
            y=alt.Y("low:Q", title="share that is right", scale=unit, axis=axis),
            y2="high:Q",
            color=colour,
            description=description,
        )
        path = base.mark_line(strokeWidth=1.5, opacity=0.8).encode(x=x, y="right:Q", color=colour)
        dot = base.mark_point(filled=True, size=50, opacity=1).encode(
            x=x, y="right:Q", color=colour, description=description
        )
        chart = alt.layer(line, whisker, path, dot)
    return Picture(chart, f"Reliability: {'; '.join(row['said'] for row in shown if row['kind'] == next(iter(kinds)))}")


def coverage_risk(points: Sequence[Mapping[str, Any]]) -> Picture:
    """What is right of what is answered, against the share that is answered.

    Args:
        points: ``threshold``, ``coverage``, ``right``, ``low`` and ``high`` of each.
    """
    alt = altair()
    shown = [{**each, "said": _of_threshold(each)} for each in points]
    with unchecked():
        base = alt.Chart(data(shown), width=SIZE + 40, height=SIZE - 60)
        x = alt.X(
            "coverage:Q",
            title="share of texts that is answered",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(domain=[0, 1]),
        )
        y = alt.Y(
            "low:Q",
            title="share of these that is right",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(zero=False, nice=True),
        )
        description = alt.Description("said:N")
        band = base.mark_area(color=ACCENT, opacity=0.18).encode(x=x, y=y, y2="high:Q")
        line = base.mark_line(color=ACCENT, strokeWidth=2).encode(x=x, y="right:Q")
        dot = base.mark_point(color=ACCENT, filled=True, size=18, opacity=1).encode(
            x=x, y="right:Q", description=description
        )
        chart = alt.layer(band, line, dot)
    return Picture(chart, f"Right answers against the share answered: {'; '.join(row['said'] for row in shown[::12])}")


def learning_curve(
    entries: Sequence[Mapping[str, Any]], called: str = "validation score", *, rates: bool = False
) -> Picture:
    """How a training went: the loss of its steps, and the validation score of its epochs.

    Args:
        entries: of the log: ``step``, ``loss`` and, where there are any, ``score``, ``epoch`` and ``best``.
        called: what the score is.
        rates: whether the learning rate of the steps is drawn below their loss.
    """
    alt = altair()
    losses = [entry for entry in entries if _is_number(entry.get("loss"))]
    width = max(1, math.ceil(len(losses) / MOST_STEPS))
    runs = [losses[i : i + width] for i in range(0, len(losses), width)]
    steps = [{"step": run[-1]["step"], "loss": sum(entry["loss"] for entry in run) / len(run)} for run in runs]
    scored = [entry for entry in entries if _is_number(entry.get("score"))]
    best = max((i for i, entry in enumerate(scored) if entry.get("best")), default=None)
    epochs = [entry.get("epoch") or i + 1 for i, entry in enumerate(scored)]
    scores = [
        {
            "epoch": epoch,
            "score": entry["score"],
            "best": i == best,
            "said": f"epoch {epoch}: {called} {entry['score']:.3f}",
        }
        for i, (epoch, entry) in enumerate(zip(epochs, scored, strict=True))
    ]
    with unchecked():
        charts = []
        if steps:
            base = alt.Chart(data(steps), width=SIZE, height=180)
            x = alt.X("step:Q", title="step", axis=alt.Axis(grid=False, tickCount=4))
            loss = base.mark_line(color=INK, strokeWidth=1.2).encode(x=x, y=alt.Y("loss:Q", title="training loss"))
            charts.append(alt.vconcat(loss, _rates(alt, losses, width), spacing=14) if rates else loss)
        if scores:
            base = alt.Chart(data(scores), width=200, height=180)
            x = alt.X("epoch:O", title="epoch", axis=alt.Axis(labelAngle=0))
            values = [row["score"] for row in scores]
            # Of equal scores an axis has no length, and of those that hardly differ one tick.
            room = max(0.0, LEAST_SPAN - (max(values) - min(values))) / 2
            scale = alt.Scale(zero=False, domain=[min(values) - room, max(values) + room], nice=True)
            y = alt.Y("score:Q", title=called, scale=scale)
            line = base.mark_line(color=QUIET, strokeWidth=1.5).encode(x=x, y=y)
            dot = base.mark_point(filled=True, size=60, opacity=1).encode(
                x=x, y=y, color=alt.condition("datum.best", alt.value(ACCENT), alt.value(QUIET)), description="said:N"
            )
            charts.append(alt.layer(line, dot))
        chart = alt.hconcat(*charts, spacing=28)
    return Picture(
        chart, f"Training: {len(losses):,} steps; {'; '.join(row['said'] for row in scores) or 'no validation score'}"
    )


def _rates(alt: Any, entries: Sequence[Mapping[str, Any]], every: int) -> Any:
    """The learning rate of every so many steps."""
    rows = [{"step": entry["step"], "rate": entry["learning_rate"]} for entry in [*entries[::every], entries[-1]]]
    return (
        alt.Chart(data(rows), width=SIZE, height=50)
        .mark_line(color=QUIET, strokeWidth=1.2)
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(grid=False, tickCount=4)),
            y=alt.Y("rate:Q", title="learning rate", axis=alt.Axis(tickCount=2, format="~g")),
        )
    )


def score_curve(curves: Sequence[Mapping[str, Any]], called: str) -> Picture:
    """Scores against the rows of training, with intervals, and what is forecast for more of them.

    Args:
        curves: ``name``, ``points`` and ``forecasts`` of each method; of each of these ``rows`` and ``score``, which
            has ``value``, ``low`` and ``high``.
        called: what the scores are.
    """
    alt = altair()
    told = names([str(curve["name"]) for curve in curves])
    measured: list[dict[str, Any]] = []
    forecast: list[dict[str, Any]] = []
    for name, curve in zip(told, curves, strict=True):
        for kind, each in (*(("", each) for each in curve["points"]), *(("forecast ", e) for e in curve["forecasts"])):
            row = {"method": name, "rows": each["rows"], **each["score"]}
            if row["value"] is not None:
                interval = f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
                said = f"{name}: {kind}{interval} with {each['rows']:,} rows of training"
                (forecast if kind else measured).append({**row, "said": said})
    last = {row["method"]: row for row in measured}
    ahead = [last[name] for name in last if any(row["method"] == name for row in forecast)] + forecast
    with unchecked():
        x = alt.X("rows:Q", title="rows of training", scale=alt.Scale(type="log", base=2, nice=False),
                  axis=alt.Axis(grid=False, format=",", values=sorted({row["rows"] for row in [*measured, *forecast]}),
                                labelOverlap=True))  # fmt: skip
        y = alt.Y("value:Q", title=called, scale=alt.Scale(zero=False))
        colour = alt.Color(
            "method:N",
            title=None,
            sort=None,
            scale=alt.Scale(domain=told, range=[ACCENT, SECOND, THIRD, QUIET][: len(told)]),
            legend=alt.Legend() if len(told) > 1 else None,
        )
        known, more = (alt.Chart(data(rows), width=SIZE, height=SIZE - 60) for rows in (measured, ahead))
        band = more.mark_area(opacity=0.12).encode(x=x, y=alt.Y("low:Q", title=called), y2="high:Q", color=colour)
        path = more.mark_line(strokeDash=[5, 4], strokeWidth=1.5).encode(x=x, y=y, color=colour)
        whisker = known.mark_rule(strokeWidth=1.5, opacity=0.6).encode(
            x=x, y=alt.Y("low:Q", title=called), y2="high:Q", color=colour, description="said:N"
        )
        line = known.mark_line(strokeWidth=1.5).encode(x=x, y=y, color=colour)
        dots = [
            alt.Chart(data(rows)).mark_point(size=50, opacity=1, filled=filled).encode(
                x=x, y=y, color=colour, description="said:N"
            )
            for rows, filled in ((measured, True), (forecast, False))
        ]  # fmt: skip
        chart = alt.layer(band, path, whisker, line, *dots)
    return Picture(chart, f"Learning curve: {'; '.join(row['said'] for row in [*measured, *forecast])}")


def _of_bin(each: Mapping[str, Any]) -> str:
    interval = f"[{each['low']:.3f}, {each['high']:.3f}]"
    return f"stated {each['stated']:.3f}, right {each['right']:.3f} {interval} of {each['rows']:,} rows"


def _of_threshold(each: Mapping[str, Any]) -> str:
    right = f"{each['right']:.3f} [{each['low']:.3f}, {each['high']:.3f}]"
    return f"from a probability of {each['threshold']:.3f} on: {each['coverage']:.1%} answered, {right} right"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
