from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from textgraft import charts
from textgraft.charts import Picture
from textgraft.errors import SettingError

pytestmark = pytest.mark.skipif(not charts.is_installed(), reason="the extra report is not installed")

HOSTILE = ["</svg><script>alert(1)</script>", "שלום עולם", "😀" * 30, "x" * 50_000, "a\"b'c\u202e", "${datum}"]
FIGURES = [
    {"name": name, "value": 0.8, "low": 0.7, "high": 0.9, "cost": 2.0, "chosen": not i}
    for i, name in enumerate(HOSTILE)
]
BINS = [{"rows": 10, "stated": i / 10 + 0.05, "right": i / 10, "low": 0.0, "high": 1.0} for i in range(10)]
POINTS = [{"threshold": 1 - i / 9, "coverage": i / 9, "right": 0.9, "low": 0.8, "high": 1.0} for i in range(10)]
STEPS = [
    {"step": i, "loss": 1 / i, **({"score": 0.5, "epoch": i, "best": i == 5} if i % 5 == 0 else {})}
    for i in range(1, 21)
]

SCORES = [{"rows": 50 * 2**i, "score": {"value": 0.7 + i / 20, "low": 0.6, "high": 0.95}} for i in range(5)]
CURVES = [{"name": name, "points": SCORES[:3], "forecasts": SCORES[3:]} for name in HOSTILE]

PICTURES: dict[str, Any] = {
    "whiskers": lambda: charts.whiskers(FIGURES, "accuracy", 0.3),
    "one figure": lambda: charts.whiskers(FIGURES[:1], "accuracy"),
    "cost and quality": lambda: charts.cost_quality(FIGURES, "accuracy"),
    "labels": lambda: charts.labels([row | {"metric": name} for row in FIGURES for name in charts.METRICS.values()]),
    "confusion": lambda: charts.confusion(HOSTILE, [[i * j for i in range(6)] for j in range(6)]),
    "probabilities": lambda: charts.probabilities(HOSTILE, [1 / 6] * 6, HOSTILE[:1]),
    "reliability": lambda: charts.reliability(BINS, BINS),
    "reliability alone": lambda: charts.reliability(BINS),
    "coverage": lambda: charts.coverage_risk(POINTS),
    "learning curves": lambda: charts.score_curve(CURVES, "accuracy"),
    "a learning curve without a forecast": lambda: charts.score_curve([CURVES[0] | {"forecasts": []}], "accuracy"),
    "training": lambda: charts.learning_curve(STEPS),
    "training without scores": lambda: charts.learning_curve([{"step": 1, "loss": 1.0}, {"step": 2, "loss": None}]),
}


@pytest.fixture(params=list(PICTURES))
def picture(request: pytest.FixtureRequest) -> Picture:
    drawn: Picture = PICTURES[request.param]()
    return drawn


def elements(drawn: str) -> list[ET.Element]:
    return list(ET.fromstring(drawn).iter())


def test_each_picture_is_valid_vega_lite_and_draws_harmless_svg(picture: Picture) -> None:
    picture.chart.to_dict()  # checked against the schema of Vega-Lite
    for on_page in (False, True):
        drawn = picture.svg(on_page=on_page)
        found = elements(drawn)
        assert found[0].get("aria-label") == picture.about
        assert not {each.tag.rpartition("}")[2] for each in found} & {"script", "style", "foreignObject", "a", "image"}
        assert not [name for each in found for name in each.attrib if name == "style" or name.startswith("on")]
        assert ("var(--" in drawn) == on_page


def test_pictures_in_one_page_share_no_ids(picture: Picture) -> None:
    first, second = ({each.get("id") for each in elements(picture.svg())} - {None} for _ in range(2))
    assert not first & second


def test_a_picture_is_saved_as_svg_png_and_json(tmp_path: Path) -> None:
    picture = charts.whiskers(FIGURES[:1], "accuracy")
    assert picture.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in picture.save(tmp_path / "new" / "a.svg").read_text("utf-8")
    assert "vega-lite" in json.loads(picture.save(tmp_path / "a.json").read_text("utf-8"))["$schema"]
    assert picture._repr_html_().startswith("<svg")
    with pytest.raises(SettingError, match=r"\.svg, \.png, \.json"):
        picture.save(tmp_path / "a.jpg")


def test_names_that_are_cut_to_the_same_stay_apart() -> None:
    picture = charts.confusion(["x" * 100 + "a" + "y" * 90, "x" * 100 + "b" + "y" * 90], [[1, 2], [3, 4]])
    drawn = picture.svg()
    assert "(1)" in drawn
    assert "(2)" in drawn
