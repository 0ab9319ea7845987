"""Pictures of what a network takes in: rows of token ids, filled up to one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textgraft.charts.picture import HAIR, RULE, Picture, altair, data, unchecked
from textgraft.wording import counted

MOST_ROWS: Final = 48
MOST_ACROSS: Final = 96  # tokens
SIDES: Final = (7, 10)  # of a square, in points, of long rows and of short ones
PALE, DARK = "#c9dcd6", "#14483c"


def padded(ids: Sequence[Sequence[int]], lengths: Sequence[int]) -> Picture:
    """A square for each token, darker the higher its id, and the padding behind each row.

    Args:
        ids: n rows of as many ids, of which 48 are drawn, and of each 96 ids.
        lengths: the tokens of each row; all behind them is padding.
    """
    alt = altair()
    n, across = len(ids), len(ids[0])
    rows, width = min(n, MOST_ROWS), min(across, MOST_ACROSS)
    side = SIDES[width <= MOST_ACROSS // 2]
    tokens = [
        {"x": x, "x2": x + 1, "y": y, "y2": y + 1, "id": ids[y][x] + 1}
        for y in range(rows)
        for x in range(min(lengths[y], width))
    ]
    filled = [{"x": lengths[y], "x2": width, "y": y, "y2": y + 1} for y in range(rows) if lengths[y] < width]
    with unchecked():
        x = alt.X(
            "x:Q",
            title="place in the text",
            axis=alt.Axis(grid=False, tickCount=6, tickMinStep=1, format="d"),
            scale=alt.Scale(domain=[0, width], nice=False),
        )
        y = alt.Y(
            "y:Q",
            title="row of the batch",
            axis=alt.Axis(grid=False, tickCount=4, tickMinStep=1, format="d"),
            scale=alt.Scale(domain=[rows, 0], nice=False),
        )
        colour = alt.Color(
            "id:Q",
            title="token id",
            scale=alt.Scale(type="log", range=[PALE, DARK]),
            legend=alt.Legend(tickCount=4, format=",d", gradientLength=160),
        )
        size = {"width": side * width, "height": side * rows}
        # Not read out one by one: they are thousands, and the sentence about the picture says what counts.
        behind = alt.Chart(data(filled), **size).mark_rect(color=HAIR, stroke=RULE, strokeWidth=0.4, aria=False)
        squares = alt.Chart(data(tokens), **size).mark_rect(aria=False)
        chart = alt.layer(
            behind.encode(x=x, x2="x2:Q", y=y, y2="y2:Q"), squares.encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour)
        )
    share = 1 - sum(lengths) / (n * across)
    part = "" if (rows, width) == (n, across) else f", of which {counted(rows, 'row')} and {width} places are drawn"
    said = f"{counted(n, 'row')} of {across} token ids{part}; {share:.1%} of the places are padding"
    return Picture(chart, said)
