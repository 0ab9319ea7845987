"""``textgraft map`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .commands import refused, said, textgraft

TEXTS = ["goal match great", "the goal of the game", "bank rate awful", "an awful bank and a loan"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 rows of two labels, with a column more."""
    path = tmp_path_factory.mktemp("data") / "texts.csv"
    rows = [
        f"{TEXTS[i % 4]} n{i % 9},{'sport' if i % 4 < 2 else 'money'},{'web' if i % 3 else 'post'}" for i in range(80)
    ]
    path.write_text("\n".join(["text,label,source", *rows]), "utf-8")
    return path


def test_a_map_of_a_table_is_a_page_and_a_table_of_its_hills(table: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "map.html"
    drawn = textgraft("map", table, "--encoder", "words", "--layout", "pca", "--by", "source", "--out", page)
    assert drawn.returncode == 0, drawn.stderr
    assert "typical words" in drawn.stdout
    assert f"The map is in {page}. It holds texts of the data." in drawn.stderr
    assert '"name":"source","categories":["web","post"]' in page.read_text("utf-8")


def test_a_map_by_a_model_in_json_writes_nothing_else(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said("train", table, "--method", "ngrams", "--test-size", "0", "--no-report", "--out", tmp_path / "model")
    content = json.loads(said("map", tmp_path / "model", table, "--layout", "pca", "--json", "--no-texts"))
    assert [each["name"] for each in content["colourings"]] == ["label", "predicted", "right", "probability", "loss"]
    assert set(content["texts"]) == {""}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "map.pdf"], "--out must end in .html, .png or .svg; got map.pdf."),
        (["--density"], "--density is for a picture; give --out map.png or map.svg."),
        (["--layout", "tsne"], "layout (--layout) must be one of umap, pca, auto; got 'tsne'."),
        (["--by", "colour"], "There is no column 'colour'"),
        (["a", "b"], "A map is of one table, after a model directory if there is one; got 3 names"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(words: list[str], sentence: str, table: Path) -> None:
    assert sentence in refused("map", table, *words)
