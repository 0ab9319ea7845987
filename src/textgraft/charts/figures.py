"""Pictures of figures: dots with whiskers, bars, and the matrix of what is taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textgraft.charts.picture import ACCENT, INK, QUIET, RULE, SECOND, SERIES, Picture, altair, data, names, unchecked

WIDTH, STEP = 340, 26
METRICS = {"precision": "precision", "recall": "recall", "f1": "F1"}  # of a label, and what they are called
NAMES = list(METRICS.values())
MOST_DRAWN = 30  # labels or methods, which a screen has room for
MOST_IN_CONFUSION = 60  # labels


def whiskers(rows: Sequence[Mapping[str, Any]], called: str, floor: float | None = None) -> Picture:
    """A dot for each figure on its interval, the best of them to be compared by eye.

    Args:
        rows: ``name``, ``value``, ``low`` and ``high`` of each, and whether it is ``chosen``.
        called: what the figures are.
        floor: what is reached without looking at texts; drawn as a line.
    """
    alt = altair()
    shown = _named(rows)
    with unchecked():
        y = alt.Y("name:N", sort=None, title=None)
        description = alt.Description("said:N")
        x = alt.X("low:Q", title=called, scale=alt.Scale(zero=False, nice=True))
        base = alt.Chart(data(shown), width=WIDTH, height=STEP * len(shown))
        line = base.mark_rule(color=QUIET, strokeWidth=1.5).encode(x=x, x2="high:Q", y=y, description=description)
        dot = base.mark_point(filled=True, size=70, opacity=1).encode(
            x="value:Q", y=y, color=_if_chosen(alt), description=description
        )
        layers = [line, dot]
        if floor is not None:
            mark = alt.Chart(data([{"value": floor, "said": f"floor {floor:.3f}"}]))
            layers.insert(
                0,
                mark.mark_rule(color=RULE, strokeDash=[4, 3], strokeWidth=1.5).encode(
                    x="value:Q", description=description
                ),
            )
        chart = alt.layer(*layers)
    return Picture(chart, f"{called} with 95 % intervals: {'; '.join(row['said'] for row in shown[:20])}")


def cost_quality(rows: Sequence[Mapping[str, Any]], called: str, cost: str = "seconds of training") -> Picture:
    """What each method costs, on a logarithmic axis, against how good it is.

    Args:
        rows: ``name``, ``value``, ``low``, ``high``, ``cost`` and whether it is ``chosen``.
        called: what the figures are.
        cost: what ``cost`` is.
    """
    alt = altair()
    shown = [row | {"cost": max(float(row["cost"]), 1e-3)} for row in _named(rows)]
    with unchecked():
        base = alt.Chart(data(shown), width=WIDTH, height=230)
        x = alt.X(
            "cost:Q",
            title=cost,
            scale=alt.Scale(type="log", nice=False, padding=24),
            axis=alt.Axis(format="~g", tickCount=4, grid=False),
        )
        description = alt.Description("said:N")
        y = alt.Y("low:Q", title=called, scale=alt.Scale(zero=False, nice=True))
        line = base.mark_rule(color=QUIET, strokeWidth=1.5).encode(x=x, y=y, y2="high:Q", description=description)
        dot = base.mark_point(filled=True, size=70, opacity=1).encode(
            x=x, y="value:Q", color=_if_chosen(alt), description=description
        )
        text = base.mark_text(align="center", dy=-11, color=INK, fontSize=12).encode(x=x, y="high:Q", text="name:N")
        chart = alt.layer(line, dot, text)
    about = "; ".join(f"{row['said']} for {row['cost']:,.3g}" for row in shown[:20])
    return Picture(chart, f"{called} against {cost}: {about}")


def labels(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """Precision, recall and F1 of each label, with intervals.

    Args:
        rows: ``name``, ``metric`` (of ``METRICS``), ``value``, ``low`` and ``high``.
    """
    alt = altair()
    shown = _named(rows, lambda row: f", {row['metric']}")
    many = len({row["name"] for row in shown})
    with unchecked():
        base = alt.Chart(data(shown), width=WIDTH, height=42 * many)
        y = alt.Y("name:N", sort=None, title=None, scale=alt.Scale(padding=0.2))
        offset = alt.YOffset("metric:N", sort=NAMES, scale=alt.Scale(paddingOuter=0.3))
        colour = alt.Color("metric:N", sort=NAMES, title=None, scale=alt.Scale(domain=NAMES, range=list(SERIES)))
        description = alt.Description("said:N")
        x = alt.X(
            "low:Q",
            title="with 95 % intervals",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
        )
        line = base.mark_rule(strokeWidth=1.5, opacity=0.55).encode(
            x=x, x2="high:Q", y=y, yOffset=offset, color=colour, description=description
        )
        dot = base.mark_point(filled=True, size=45, opacity=1).encode(
            x="value:Q", y=y, yOffset=offset, color=colour, description=description
        )
        chart = alt.layer(line, dot)
    return Picture(chart, f"Precision, recall and F1 of {many} labels with 95 % intervals")


def confusion(of: Sequence[str], counts: Sequence[Sequence[int]]) -> Picture:
    """Which labels are taken for which: the darker, the larger the share of the label's rows.

    Args:
        of: the k labels.
        counts: k rows per true label, of k counts per predicted label.
    """
    alt = altair()
    called = names(of)
    cells = []
    for true, row in zip(called, counts, strict=True):
        total = max(1, sum(row))
        for predicted, n in zip(called, row, strict=True):
            said = f"{n:,} of {total:,} rows of {true} taken for {predicted}" if n else ""
            cells.append(
                {
                    "true": true,
                    "predicted": predicted,
                    "n": n,
                    "share": n / total,
                    "dark": n / total > 0.5,
                    "right": true == predicted,
                    "said": said,
                }
            )
    size = 34
    with unchecked():
        base = alt.Chart(data(cells), width=size * len(called), height=size * len(called))
        x = alt.X(
            "predicted:N",
            sort=None,
            title="predicted",
            axis=alt.Axis(orient="top", labelAngle=-40, domain=False, ticks=False),
        )
        y = alt.Y("true:N", sort=None, title="true", axis=alt.Axis(domain=False, ticks=False))
        colour = alt.condition("datum.right", alt.value(ACCENT), alt.value(SECOND))
        tile = base.mark_rect(cornerRadius=2).encode(
            x=x,
            y=y,
            color=colour,
            fillOpacity=alt.FillOpacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None),
            description="said:N",
        )
        number = (
            base.transform_filter("datum.n > 0")
            .mark_text(fontSize=11)
            .encode(
                x=x,
                y=y,
                text=alt.Text("n:Q", format=","),
                color=alt.condition("datum.dark", alt.value("var(--paper)"), alt.value(INK)),
            )
        )
        chart = alt.layer(tile, number)
    return Picture(chart, f"Confusion of {len(called)} labels, a row per true and a column per predicted label")


def probabilities(of: Sequence[str], values: Sequence[float], given: Sequence[str]) -> Picture:
    """The probabilities of one text, the highest first, those of the labels that it is given in colour."""
    alt = altair()
    called = names(of)
    shown: list[dict[str, Any]] = [
        {
            "name": name,
            "value": float(value),
            "given": label in given,
            "said": f"{name} {value:.3f}",
            "end": f"{value:.2f}",
        }
        for label, name, value in zip(of, called, values, strict=True)
    ]
    shown.sort(key=lambda row: -row["value"])
    shown = shown[:20]
    with unchecked():
        base = alt.Chart(data(shown), width=260, height=STEP * len(shown))
        y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False))
        x = alt.X("value:Q", title="probability", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(values=[0, 0.5, 1]))
        bar = base.mark_bar(height=14, cornerRadiusEnd=2).encode(
            x=x, y=y, color=alt.condition("datum.given", alt.value(ACCENT), alt.value(QUIET)), description="said:N"
        )
        number = base.mark_text(align="left", dx=5, color=INK, fontSize=12).encode(x=x, y=y, text="end:N")
        chart = alt.layer(bar, number)
    return Picture(chart, f"Probabilities: {'; '.join(row['said'] for row in shown)}")


def _named(rows: Sequence[Mapping[str, Any]], more: Any = lambda _: "") -> list[dict[str, Any]]:
    """The rows with names as they are shown, and what is said of each."""
    of = list(dict.fromkeys(row["name"] for row in rows))
    called = dict(zip(of, names(of), strict=True))
    shown = []
    for row in rows:
        name = called[row["name"]]
        said = f"{name}{more(row)} {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        shown.append({"chosen": False, **row, "name": name, "said": said})
    return shown


def _if_chosen(alt: Any) -> Any:
    return alt.condition("datum.chosen", alt.value(ACCENT), alt.value(INK))
