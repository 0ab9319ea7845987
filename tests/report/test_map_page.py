from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from textgraft.report.map import map_page, map_report, write_map

HOSTILE = "</script><script>alert(1)</script><!-- \u202e & \x1b[31m"


def content(texts: bool = True) -> dict[str, Any]:
    """What ``TextMap.to_dict`` gives, of three texts."""
    return {
        "about": "3 rows, laid out by <their> words and the two main directions (PCA).",
        "layout": "pca",
        "vectors": "TF-IDF",
        "of": 3,
        "notes": ["A note."],
        "has_texts": texts,
        "points": [[0, 0.5], [0.5, 0.5], [1, 0.5]],
        "texts": [HOSTILE, "two", "three"] if texts else [""] * 3,
        "lengths": [40, 3, 5],
        "files": [HOSTILE],
        "file": [0, 0, 0],
        "number": [1, 2, 3],
        "colourings": [
            {"name": "label", "categories": [HOSTILE, "b"], "values": [0, 0, 1]},
            {"name": "loss", "categories": [], "values": [0.1, None, 2]},
        ],
        "hill": [0, 0, -1],
        "hills": [{"words": [HOSTILE, "word"], "rows": 2, "x": 0.2, "y": 0.5}],
    }


def test_what_stands_on_a_hill_is_said_with_its_commonest_label() -> None:
    (section,) = map_report(content()).sections
    assert section.rows[0][1] == "2"
    assert section.rows[0][2].endswith("100 %") or section.rows[0][2].endswith("100.0%")
    assert "1 of 3 texts stand on no hill" in " ".join(section.sentences)


def test_texts_stand_in_the_page_as_data_alone() -> None:
    page = map_page(content(), f"Map of {HOSTILE}")
    assert page.count("<script") == 2  # the data and our own
    assert page.count("</script>") == 2
    data = re.search(r'<script type="application/json" id="map-data">(.*?)</script>', page, re.DOTALL)
    assert data
    assert json.loads(data[1])["texts"][0] == HOSTILE


def test_the_page_loads_nothing_and_runs_its_own_script_alone() -> None:
    page = map_page(content(), "Map")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.search(r"(?:src|href)=|url\(|https?:|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", page)


def test_a_page_without_texts_does_not_say_that_it_holds_some(tmp_path: Path) -> None:
    assert "It holds texts" in map_page(content(), "Map")
    write_map(content(texts=False), "Map", tmp_path / "new" / "map.html")
    assert "It holds texts" not in (tmp_path / "new" / "map.html").read_text("utf-8")


@pytest.mark.parametrize("dollar", ["$notice", "$title"])
def test_a_table_may_be_called_as_a_place_of_the_page(dollar: str) -> None:
    assert f"Map of {dollar}" in map_page(content(), f"Map of {dollar}")
