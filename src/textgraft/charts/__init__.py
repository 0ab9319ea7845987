"""Pictures from plain data, each one Altair specification for the page, notebooks and files (Vega-Lite 6).

This room knows numbers and names, never models: results of any room can be drawn, and can draw themselves.
"""

from __future__ import annotations

from textgraft.charts.batches import padded
from textgraft.charts.curves import coverage_risk, learning_curve, reliability, score_curve
from textgraft.charts.figures import (
    METRICS,
    MOST_DRAWN,
    MOST_IN_CONFUSION,
    confusion,
    cost_quality,
    labels,
    probabilities,
    whiskers,
)
from textgraft.charts.maps import density, hexagon_counts, scatter
from textgraft.charts.picture import Picture, is_installed

__all__ = [
    "METRICS",
    "MOST_DRAWN",
    "MOST_IN_CONFUSION",
    "Picture",
    "confusion",
    "cost_quality",
    "coverage_risk",
    "density",
    "hexagon_counts",
    "is_installed",
    "labels",
    "learning_curve",
    "padded",
    "probabilities",
    "reliability",
    "scatter",
    "score_curve",
    "whiskers",
]
