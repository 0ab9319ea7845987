from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.charts.maps import ACROSS, density, hexagons


@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(1, 30))
def test_a_point_is_in_the_hexagon_whose_centre_is_nearest(seed: int, n: int, across: int) -> None:
    points = np.random.default_rng(seed).random((n, 2))
    centres, which = hexagons(points, across)
    away = np.linalg.norm(points[:, None] - centres, axis=2)
    np.testing.assert_allclose(away[np.arange(n), which], away.min(axis=1))
    assert away[np.arange(n), which].max() <= 1 / across / np.sqrt(3) + 1e-9  # no farther than a corner
    assert set(which.tolist()) == set(range(len(centres)))


@pytest.mark.parametrize("kind", ["scatter", "density"])
def test_pictures_of_maps_keep_to_the_schema_and_are_drawn(kind: str) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    from textgraft import charts

    rng = np.random.default_rng(0)
    points, values = rng.random((300, 2)), rng.integers(0, 13, 300)
    names = [f"label {i}" for i in range(12)] + ["<script>\u202e"]
    if kind == "scatter":
        pictures = [
            charts.scatter(points.tolist(), values.tolist(), names, "label", ["<b>"] * 300, [("a, b", 0.5, 0.5)]),
            charts.scatter(points.tolist(), [float("nan"), *map(float, range(299))], (), "loss"),
        ]
        assert "3 others" in pictures[0].about
    else:
        pictures = [charts.density(points, values, names)]
        assert "1 more that are not drawn" in pictures[0].about
    for picture in pictures:
        picture.chart.to_dict()  # checks it
        drawn = picture.svg()
        assert "<script" not in drawn
        assert picture.png().startswith(b"\x89PNG")


def test_drawn_hexagons_touch_and_do_not_overlap() -> None:
    pytest.importorskip("altair", reason="pictures need the extra report")
    panel = density(np.full((1, 2), 0.5), np.zeros(1, np.int64), ["a"]).specification()["spec"]
    low, high = panel["encoding"]["x"]["scale"]["domain"]
    radius = np.sqrt(panel["mark"]["size"]) / 2  # as Vega scales a shape of one's own
    assert radius * np.sqrt(3) == pytest.approx(panel["width"] / (high - low) / ACROSS)
