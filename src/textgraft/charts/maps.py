"""Pictures of maps: every point in its colour, and how dense the points of each category lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from textgraft.charts.picture import ACCENT, INK, RULE, Picture, altair, data, field, names, unchecked

SIDE: Final = 560
# Ten colours that stay apart on light and on dark paper; after them all is grey.
COLOURS: Final = (
    "#3f78b5", "#e07b1a", "#2f9e77", "#d1495b", "#8a63b8", "#b08a1e", "#3aa6b9", "#c2608f", "#7b8f3a", "#a0694b"
)  # fmt: skip
OTHER: Final = "#90959d"
LOW, HIGH = "#9fb4c9", "#c2410c"  # of numbers
MOST_TOLD: Final = len(COLOURS)
MOST_BESIDE: Final = 12  # densities
ACROSS: Final = 22  # hexagons
SMALL: Final = 170
HEXAGON: Final = "M0,-1L0.866,-0.5L0.866,0.5L0,1L-0.866,0.5L-0.866,-0.5Z"


def hexagons(points: NDArray[Any], across: int = ACROSS) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The hexagons that points fall in: a cell is the points nearer to its centre than to any other.

    Args:
        points: (n, 2) from 0 to 1.
        across: hexagons in a row.

    Returns:
        (m, 2) centres of those that hold a point, and (n,) the place of each point's hexagon among them.
    """
    step = np.array([1 / across, np.sqrt(3) / across])  # of two lattices, the second half a step beside the first
    first = np.floor(points / step + 0.5)
    second = np.floor(points / step)
    centres = np.stack((first * step, (second + 0.5) * step))
    nearer = ((centres - points) ** 2).sum(axis=2).argmin(axis=0)
    cell = np.column_stack((nearer, np.where(nearer[:, None] == 0, first, second))).astype(np.int64)
    found, which = np.unique(cell, axis=0, return_inverse=True)
    return (found[:, 1:] + found[:, :1] / 2) * step, which.ravel()


def scatter(
    points: Sequence[Sequence[float]],
    values: Sequence[Any],
    categories: Sequence[str],
    called: str,
    texts: Sequence[str] = (),
    places: Sequence[tuple[str, float, float]] = (),
) -> Picture:
    """Every point, the ten most frequent categories in colours of their own, or by numbers.

    Args:
        points: n pairs from 0 to 1.
        values: n places in ``categories``, or numbers, of which NaN is none.
        categories: the most frequent first; empty of numbers.
        called: what the colours are.
        texts: n, shown at their points.
        places: names with where they stand.
    """
    alt = altair()
    told = names(categories[:MOST_TOLD])
    if len(categories) > MOST_TOLD:
        told.append(f"{len(categories) - MOST_TOLD:,} others")
    rows: list[dict[str, Any]] = [
        {"x": x, "y": y, "v": told[min(v, MOST_TOLD)] if categories else (None if v != v else v)}  # noqa: PLR0124
        for (x, y), v in zip(points, values, strict=True)
    ]
    for row, text in zip(rows, texts, strict=False):
        row["said"] = f"{field(str(row['v']))}: {text}"
    if categories:
        scale = alt.Scale(domain=told, range=[*COLOURS[: len(categories)], OTHER][: len(told)])
        colour = alt.Color("v:N", title=called, scale=scale, sort=None, legend=alt.Legend(columns=5))
    else:
        colour = alt.Color("v:Q", title=called, scale=alt.Scale(range=[LOW, HIGH]))
    size = 40 if len(points) < 1_000 else 14 if len(points) < 6_000 else 6
    with unchecked():
        x, y = (alt.X("x:Q", axis=None, scale=_unit(alt)), alt.Y("y:Q", axis=None, scale=_unit(alt)))
        base = alt.Chart(data(rows), width=SIDE, height=SIDE)
        dots = base.mark_circle(size=size, opacity=0.75).encode(x=x, y=y, color=colour, description="said:N")
        layers = [dots]
        if places:
            named = alt.Chart(data([{"x": x, "y": y, "name": field(name)} for name, x, y in places]))
            halo = {"stroke": "var(--paper)", "strokeWidth": 4, "color": "var(--paper)"}
            layers += [
                named.mark_text(fontSize=12, fontWeight=600, **looks).encode(x=x, y=y, text="name:N")
                for looks in (halo, {"color": INK})
            ]
        chart = alt.layer(*layers)
    return Picture(chart, f"Map of {len(points):,} texts by {called}: {_about(values, told, categories)}")


def hexagon_counts(
    points: NDArray[Any], values: NDArray[Any], categories: Sequence[str]
) -> list[tuple[str, float, float, int]]:
    """The category, the middle and the points of each hexagon that holds some of a category.

    Args:
        points: (n, 2) from 0 to 1.
        values: (n,) places in ``categories``.
        categories: names.
    """
    centres, which = hexagons(points)
    found = []
    for place, name in enumerate(categories):
        counts = np.bincount(which[values == place], minlength=len(centres))
        found += [(name, *centres[i].tolist(), int(counts[i])) for i in np.flatnonzero(counts).tolist()]
    return found


def density(points: NDArray[Any], values: NDArray[Any], categories: Sequence[str]) -> Picture:
    """How dense the points of each category lie, the darkest hexagon of each being its densest one.

    Args:
        points: (n, 2) from 0 to 1.
        values: (n,) places in ``categories``.
        categories: the most frequent first, of which 12 are drawn.
    """
    alt = altair()
    called = names(categories[:MOST_BESIDE])
    counted = hexagon_counts(points, values, called)
    titles = {name: f"{name} ({sum(n for of, *_, n in counted if of == name):,})" for name in called}
    most = {name: max((n for of, *_, n in counted if of == name), default=1) for name in called}
    rows = [
        {"x": x, "y": y, "share": n / most[name], "of": titles[name], "said": f"{n:,} of {name}"}
        for name, x, y, n in counted
    ]
    with unchecked():
        view = alt.ViewBackground(stroke=RULE)
        base = alt.Chart(data(rows), width=SMALL, height=SMALL, view=view)
        side = SMALL / (ACROSS + 1) / np.sqrt(3)  # from the centre of a hexagon to its corners
        marks = base.mark_point(shape=HEXAGON, filled=True, size=(2 * side) ** 2, color=ACCENT, strokeWidth=0).encode(
            x=alt.X("x:Q", axis=None, scale=_unit(alt)),
            y=alt.Y("y:Q", axis=None, scale=_unit(alt)),
            opacity=alt.Opacity("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.08, 1])),
            description="said:N",
        )
        head = alt.Header(labelColor=INK, labelFontSize=12, labelPadding=4, title=None)
        chart = marks.facet(alt.Facet("of:N", sort=list(titles.values()), header=head), columns=4, spacing=14)
    left = f", and {len(categories) - MOST_BESIDE:,} more that are not drawn" if len(categories) > MOST_BESIDE else ""
    return Picture(chart, f"Density of {', '.join(titles.values())}{left}")


def _unit(alt: Any) -> Any:
    margin = 1 / ACROSS / 2
    return alt.Scale(domain=[-margin, 1 + margin], nice=False, zero=False)


def _about(values: Sequence[Any], told: Sequence[str], categories: Sequence[str]) -> str:
    if not categories:
        known = [value for value in values if value == value]  # noqa: PLR0124
        return f"from {min(known):.3g} to {max(known):.3g}" if known else "no values"
    counts = Counter(min(value, MOST_TOLD) for value in values)
    return ", ".join(f"{name} {counts[i]:,}" for i, name in enumerate(told))
